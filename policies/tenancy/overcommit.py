"""What a region has promised to its tenants is within a stated multiple of what its nodes have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

from policies.clusters.kinds import clusters
from policies.objects import Stack, section
from policies.rules import Found, Parameters, StackRule
from stacks.quantities import parse

_CAPACITY = {"requests.cpu": "cpu", "requests.memory": "memory"}


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    promised = _promised(stack)
    for cluster in clusters(stack):
        for resource, of_node in _CAPACITY.items():
            pools = cluster.resource.fields["nodePools"]
            capacity = sum((parse(pool[of_node]) * int(pool["count"]) for pool in pools), Fraction())
            limit = capacity * Fraction(str(parameters["ratio"]))
            sum_of_quotas = promised[cluster.name, resource]
            if sum_of_quotas > limit:
                problem = f"the quotas of {resource} in {cluster.name} add up to {float(sum_of_quotas):g}"
                yield cluster.resource, f"{problem}, more than {parameters['ratio']} times {float(capacity):g}"


def _promised(stack: Stack) -> defaultdict[tuple[str, str], Fraction]:
    total: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for quota in stack.objects("FederatedResourceQuota"):
        for share in section(quota.manifest, "spec").get("staticAssignments", ()):
            for resource in _CAPACITY:
                total[share["clusterName"], resource] += parse(str(share["hard"].get(resource, 0)))
    for quota in stack.objects("ResourceQuota"):
        hard = section(section(quota.manifest, "spec"), "hard")
        for resource in _CAPACITY:
            total[quota.home, resource] += parse(str(hard.get(resource, 0)))
    return total


RULE = StackRule(
    name="tenancy-overcommit",
    title="The tenants' quotas are within a stated multiple of each region's capacity.",
    mend="Lower quotas, move tenants to other regions, or add nodes.",
    parameters={"ratio": 2},
    check=_check,
)
