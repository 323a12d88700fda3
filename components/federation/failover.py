"""Failover between regions: the flags that Karmada's programs need for it, and the taint by which a region has failed.

Karmada 1.18 has it off, and lets nobody taint by policy until told to. It marks a member that is not Ready with taints
that keep new work away; only the NoExecute taint of the policy here makes replicas leave.
"""

from typing import Any

from stacks.federation import FailoverSettings

NOT_READY = "fleet/not-ready"
"""Key of the taint (NoExecute) of a member that has failed."""

_LOOKS = 4
"""Reports in a row that a member may miss, by Karmada's own defaults, before nothing is known of it."""


def failover_flags(failover: FailoverSettings) -> list[str]:
    """Return flags of karmada-controller-manager.

    Source: cmd/controller-manager/app/options (options.go, cluster_failover.go) in the Karmada repository.
    """
    interval = failover.cluster_status_interval_seconds
    flags = [
        *_status_flags(failover),
        f"--cluster-monitor-period={max(interval // 2, 1)}s",
        f"--cluster-monitor-grace-period={max(failover.unreachable_seconds, _LOOKS * interval)}s",
        f"--graceful-eviction-timeout={failover.replacement_seconds}s",
    ]
    if failover.enabled:
        flags += [
            "--feature-gates=Failover=true",
            "--enable-no-execute-taint-eviction=true",
            f"--resource-eviction-rate={failover.evictions_per_second}",
        ]
    return flags


def agent_flags(failover: FailoverSettings) -> list[str]:
    """Return flags of karmada-agent, which looks at its member in the controller manager's place.

    It renews a lease four times in the lease's duration; a member whose lease is not renewed for the controller
    manager's grace period has failed, whatever its status says.
    """
    return [
        *_status_flags(failover),
        f"--cluster-lease-duration={_LOOKS * failover.cluster_status_interval_seconds}s",
        f"--cluster-lease-renew-interval-fraction={1 / _LOOKS}",
    ]


def webhook_flags(failover: FailoverSettings) -> list[str]:
    """Return flags of karmada-webhook: without them it refuses ``taint_policy``."""
    return ["--allow-no-execute-taint-policy=true"] if failover.enabled else []


def taint_policy() -> dict[str, Any]:
    """Return the ClusterTaintPolicy that taints members while they are not Ready.

    Taints stay when the policy is deleted (pkg/apis/policy/v1alpha1/clustertaint_types.go), but they evict nothing
    while failover is off.
    """
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "ClusterTaintPolicy",
        "metadata": {"name": "fleet-not-ready", "labels": {"app.kubernetes.io/managed-by": "fleet"}},
        "spec": {
            "addOnConditions": [_ready("NotIn")],
            "removeOnConditions": [_ready("In")],
            "taints": [{"key": NOT_READY, "effect": "NoExecute"}],
        },
    }


def _status_flags(failover: FailoverSettings) -> list[str]:
    return [
        f"--cluster-status-update-frequency={failover.cluster_status_interval_seconds}s",
        f"--cluster-failure-threshold={failover.unreachable_seconds}s",
        f"--cluster-success-threshold={failover.recovered_seconds}s",
    ]


def _ready(operator: str) -> dict[str, Any]:
    return {"conditionType": "Ready", "operator": operator, "statusValues": ["True"]}
