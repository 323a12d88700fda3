"""Placements as Karmada's policies: which region runs how many replicas of what; pure.

A namespace has a policy for each placement, which takes the workloads labelled with its name, and one policy for what
supports workloads (Services, configuration, autoscalers). Those are in all regions at once and stay through a failure:
they are there when replicas arrive, and no eviction of theirs stands in the queue before a workload's.
"""

from collections.abc import Mapping
from typing import Any

from components.federation.failover import NOT_READY
from stacks.federation import (
    BackupPlacement,
    EvenPlacement,
    FailoverSettings,
    LocalPlacement,
    Placement,
    SinglePlacement,
    WeightedPlacement,
)

Manifest = dict[str, Any]

PLACEMENT_LABEL = "fleet/placement"
"""What asks for a placement, by its name."""

_API_VERSION = "policy.karmada.io/v1alpha1"
_WORKLOADS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
)
_SUPPORTING = (
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("networking.k8s.io/v1", "Ingress"),
    ("policy/v1", "PodDisruptionBudget"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
)


class NoRegionError(ValueError):
    """A placement names none of the regions that it may use."""


def placement_rules(placement: Placement, members: Mapping[str, str]) -> Manifest:
    """Return Karmada's `spec.placement` for workloads, without tolerations.

    Args:
        placement: what the settings say.
        members: name of the member of each region that may be used; regions that are not in it are left out.

    Raises:
        NoRegionError: nothing is left.

    """
    names = [members[region] for region in _regions(placement, members)]
    match placement:
        case WeightedPlacement():
            weights = [
                {"targetCluster": {"clusterNames": [members[region]]}, "weight": placement.weights[region]}
                for region in _regions(placement, members)
            ]
            return {**_among(names), "replicaScheduling": _divided({"staticWeightList": weights})}
        case BackupPlacement() if len(names) > 1:
            return _in_order(names)
        case _:
            # Without weights all members weigh the same, and spread constraints would not count
            # (pkg/scheduler/core/spreadconstraint/select_clusters.go).
            return {**_among(names), "replicaScheduling": _divided()}


def propagation_policy(
    name: str, *, namespace: str, placement: Placement, members: Mapping[str, str], failover: FailoverSettings
) -> Manifest:
    """Return the policy of a placement: it takes the workloads of the namespace that are labelled with its name.

    What their pods mount or name (ConfigMaps, Secrets, claims, service accounts) goes where they go, labelled or not.
    DaemonSets and CronJobs have no replicas to divide: each of the placement's regions gets them whole, with backups
    only the primary.

    Raises:
        NoRegionError: as ``placement_rules``.

    """
    rules = placement_rules(placement, members)
    tolerations = _tolerations(placement, len(_regions(placement, members)), failover)
    return _policy(
        f"workloads-{name}",
        namespace,
        propagateDeps=True,
        resourceSelectors=_selectors(_WORKLOADS, namespace, {"matchLabels": {PLACEMENT_LABEL: name}}),
        placement={**rules, **({"clusterTolerations": tolerations} if tolerations else {})},
    )


def supporting_policy(*, namespace: str, members: Mapping[str, str]) -> Manifest:
    """Return the policy that takes what supports workloads, labelled with whichever placement, to all the members."""
    labelled = {"matchExpressions": [{"key": PLACEMENT_LABEL, "operator": "Exists"}]}
    return _policy(
        "supporting",
        namespace,
        resourceSelectors=_selectors(_SUPPORTING, namespace, labelled),
        placement={**_among(sorted(members.values())), "clusterTolerations": [{"operator": "Exists"}]},
    )


def propagation_policies(
    *, namespace: str, placements: Mapping[str, Placement], members: Mapping[str, str], failover: FailoverSettings
) -> list[Manifest]:
    """Return all policies of a namespace: its placements, but for those without a region here, and the supporting one.

    There are as many as placements, and one more, in an order that does not depend on that of the settings.
    """
    policies = [
        propagation_policy(name, namespace=namespace, placement=placement, members=members, failover=failover)
        for name, placement in sorted(placements.items())
        if any(region in members for region in _wanted(placement, members))
    ]
    return [*policies, supporting_policy(namespace=namespace, members=members)]


def _wanted(placement: Placement, members: Mapping[str, str]) -> list[str]:
    """Return the regions of a placement, in its order where that counts, also those that may not be used."""
    match placement:
        case EvenPlacement():
            return sorted(placement.regions or members)
        case WeightedPlacement():
            return sorted(placement.weights)
        case BackupPlacement():
            return [placement.primary, *placement.backups]
        case SinglePlacement() | LocalPlacement():
            return [placement.region]


def _regions(placement: Placement, members: Mapping[str, str]) -> list[str]:
    wanted = _wanted(placement, members)
    regions = [region for region in wanted if region in members]
    if not regions:
        raise NoRegionError(
            f"the placement names {', '.join(wanted) or 'no region'}, but there is only {', '.join(sorted(members))}"
        )
    return regions


def _among(names: list[str]) -> Manifest:
    return {"clusterAffinity": {"clusterNames": names}}


def _in_order(names: list[str]) -> Manifest:
    """Return rules that fill one member after the other, leaving out those that cannot take replicas.

    Groups in `clusterAffinities` would be the obvious way, but the scheduler never goes back to an earlier group, not
    even when told to schedule anew (getAffinityIndex in pkg/scheduler/helper.go). Within a group, each overflow is
    tried after the one before (assignWorkloadReplicas in pkg/scheduler/core/common.go), each time from the first.
    They are for workloads alone (pkg/scheduler/framework/plugins/clusteraffinity), and want a division by what is
    free (pkg/util/validation).
    """
    primary, *backups = names
    overflow = [{"affinityName": f"backup-{at}", "clusterNames": [each]} for at, each in enumerate(backups, start=1)]
    group = {"affinityName": "primary", "clusterNames": [primary], "overflowAffinities": overflow}
    return {"clusterAffinities": [group], "replicaScheduling": _divided({"dynamicWeight": "AvailableReplicas"})}


def _divided(preference: Manifest | None = None) -> Manifest:
    division = {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted"}
    return {**division, "weightPreference": preference} if preference else division


def _tolerations(placement: Placement, regions: int, failover: FailoverSettings) -> list[Manifest]:
    """Return what keeps replicas on a failed member: nothing where there are none, as Karmada adds none of its own."""
    if isinstance(placement, LocalPlacement):
        return [{"operator": "Exists", "effect": "NoExecute"}]
    toleration = {"key": NOT_READY, "operator": "Exists", "effect": "NoExecute"}
    if regions == 1:
        # With nowhere to go, leaving would only mean to be stopped, and kept away, once the member is back.
        return [toleration]
    if failover.enabled and failover.tolerance_seconds:
        return [{**toleration, "tolerationSeconds": failover.tolerance_seconds}]
    return []


def _selectors(kinds: tuple[tuple[str, str], ...], namespace: str, labels: Manifest) -> list[Manifest]:
    return [
        {"apiVersion": api_version, "kind": kind, "namespace": namespace, "labelSelector": labels}
        for api_version, kind in kinds
    ]


def _policy(name: str, namespace: str, **spec: object) -> Manifest:
    """Return a policy under which Karmada is the one owner: what it finds in a member under the same name is its."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "PropagationPolicy",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "fleet"},
        },
        "spec": {**spec, "conflictResolution": "Overwrite"},
    }
