"""What the agent of a member in pull mode may do in Karmada; pure.

Less than what `karmadactl register` gives an agent (pkg/karmadactl/register in the Karmada repository): the fleet
creates the member and its credentials, so an agent neither does, nor reads a Secret, and writes no lease but its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MEMBERS_NAMESPACE = "karmada-cluster"
"""Where a member keeps Karmada's accounts, and Karmada the credentials and leases of its members."""

_SYSTEM_NAMESPACE = "karmada-system"
_RBAC = "rbac.authorization.k8s.io"


def election_lease(member: str) -> str:
    """Return the name of the lease in karmada-system that an agent holds while it works."""
    return f"karmada-agent-{member}"


def agent_rights(member: str, user: str) -> list[dict[str, Any]]:
    """Return the roles of a member's agent, who is `user` to Karmada, and their bindings.

    The namespace of what goes to the member, `karmada-es-<member>`, is there when Karmada has taken the member in.
    """
    cluster = [
        _rule("cluster.karmada.io", ["clusters"], ["get", "list", "watch"]),
        _rule("cluster.karmada.io", ["clusters/status"], ["get", "update", "patch"], [member]),
        _rule(
            "config.karmada.io",
            ["resourceinterpretercustomizations", "resourceinterpreterwebhookconfigurations"],
            ["get", "list", "watch"],
        ),
        _rule("", ["namespaces"], ["get"], [MEMBERS_NAMESPACE]),
        _rule("", ["services"], ["list", "watch"]),  # of the webhooks that know how to read a kind's status
        _rule("", ["events"], ["create", "patch", "update"]),
    ]
    inside = {
        f"karmada-es-{member}": [
            _rule("work.karmada.io", ["works"], ["get", "list", "watch", "create", "update", "delete"]),
            _rule("work.karmada.io", ["works/status"], ["get", "update", "patch"]),
        ],
        MEMBERS_NAMESPACE: _lease(member),
        _SYSTEM_NAMESPACE: _lease(election_lease(member)),
    }
    manifests = _granted(member, user, cluster)
    for namespace, rules in inside.items():
        manifests += _granted(member, user, rules, namespace)
    return manifests


def _granted(member: str, user: str, rules: Sequence[dict[str, Any]], namespace: str = "") -> list[dict[str, Any]]:
    prefix = "" if namespace else "Cluster"
    metadata: dict[str, Any] = {
        "name": f"fleet:agent:{member}",
        "labels": {"app.kubernetes.io/managed-by": "fleet"},
    }
    if namespace:
        metadata["namespace"] = namespace
    kind = {"apiVersion": f"{_RBAC}/v1", "metadata": metadata}
    return [
        {**kind, "kind": f"{prefix}Role", "rules": list(rules)},
        {
            **kind,
            "kind": f"{prefix}RoleBinding",
            "roleRef": {"apiGroup": _RBAC, "kind": f"{prefix}Role", "name": metadata["name"]},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
        },
    ]


def _rule(group: str, resources: list[str], verbs: list[str], names: Sequence[str] = ()) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": resources, "verbs": verbs}
    return {**rule, "resourceNames": list(names)} if names else rule


def _lease(name: str) -> list[dict[str, Any]]:
    """Rules for one lease; no rule can name what is yet to be created."""
    leases = ("coordination.k8s.io", ["leases"])
    return [_rule(*leases, ["create"]), _rule(*leases, ["get", "update"], [name])]
