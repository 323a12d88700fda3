"""What holds state is not destroyed by a slip."""

from __future__ import annotations

from collections.abc import Iterator

from policies.clusters.kinds import TYPES
from policies.objects import Resource
from policies.rules import Parameters, ResourceRule


def _check(resource: Resource, parameters: Parameters) -> Iterator[str]:
    del parameters
    if not resource.protect:
        yield "is not protected"


RULE = ResourceRule(
    name="clusters-protected",
    title="Clusters and control planes are protected from deletion.",
    mend="Set the resource option protect; `pulumi state unprotect` lifts it for a planned removal.",
    types=TYPES | {"lab:index:Karmada"},
    check=_check,
)
