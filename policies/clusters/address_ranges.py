"""No address means two things in one mesh."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import combinations

from policies.clusters.kinds import clusters
from policies.objects import Stack
from policies.rules import Found, Parameters, StackRule

_RANGES = ("podCidr", "serviceCidr")


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    del parameters
    ranges = [
        (cluster, name, ipaddress.ip_network(cluster.resource.fields[name]))
        for cluster in clusters(stack)
        for name in _RANGES
    ]
    for (one, first, a), (other, second, b) in combinations(ranges, 2):
        if a.overlaps(b):
            yield other.resource, f"{second} {b} of {other.name} overlaps {first} {a} of {one.name}"


RULE = StackRule(
    name="clusters-address-ranges",
    title="No two clusters have overlapping address ranges.",
    mend="Give each cluster pods and services of its own in network.",
    check=_check,
)
