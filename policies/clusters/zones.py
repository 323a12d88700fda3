"""A region outlives the loss of a zone."""

from __future__ import annotations

from collections.abc import Iterator

from policies.clusters.kinds import TYPES
from policies.objects import Resource
from policies.rules import Parameters, ResourceRule


def _check(cluster: Resource, parameters: Parameters) -> Iterator[str]:
    zones = set(cluster.fields["zones"])
    if len(zones) < parameters["zones"]:
        yield f"has {len(zones)} zones; {parameters['zones']} are asked for"


RULE = ResourceRule(
    name="clusters-zones",
    title="Every cluster is spread over three zones.",
    mend="Name more zones of the location in zones, or leave zones out.",
    parameters={"zones": 3},
    types=TYPES,
    check=_check,
)
