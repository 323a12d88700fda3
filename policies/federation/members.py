"""Every region is a member of the federation."""

from __future__ import annotations

from collections.abc import Iterator

from policies.clusters.kinds import regions
from policies.federation.kinds import control_planes
from policies.objects import Stack
from policies.rules import Found, Parameters, StackRule


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    del parameters
    if not control_planes(stack):
        return
    joined = {member.name for member in stack.objects("Cluster")}
    for cluster in regions(stack):
        if cluster.name not in joined:
            yield cluster.resource, f"{cluster.name} is no member of Karmada"


RULE = StackRule(
    name="federation-members",
    title="Every region's cluster is a member of the federation.",
    mend="Create a Member for the cluster.",
    check=_check,
)
