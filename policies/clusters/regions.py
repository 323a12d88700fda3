"""A fleet outlives the loss of a region."""

from __future__ import annotations

from collections.abc import Iterator

from policies.clusters.kinds import clusters, regions
from policies.objects import Stack
from policies.rules import Found, Parameters, StackRule


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    count = len(regions(stack))
    if count < parameters["regions"]:
        anywhere = [cluster.resource for cluster in clusters(stack)] or list(stack.resources)
        for resource in anywhere[:1]:
            yield resource, f"there are {count} regions; {parameters['regions']} are asked for"


RULE = StackRule(
    name="clusters-regions",
    title="There are as many regions as the environment demands.",
    mend="Add a region to the settings.",
    parameters={"regions": 3},
    check=_check,
)
