"""What is told of a mesh, from what its regions say."""

from __future__ import annotations

from typing import Any

import pytest

from cli import mesh_status
from cli.mesh_status import RegionalMesh, problems

_BOTH = {"prod-eu", "prod-na"}


def _region(**changes: Any) -> RegionalMesh:  # noqa: ANN401 - any field
    well: dict[str, Any] = {
        "name": "prod-eu",
        "peers": dict.fromkeys(_BOTH, "synced"),
        "days": {"intermediate": 300, "root": 3000},
        "gateways": {"istio-eastwestgateway": "203.0.113.1"},
    }
    return mesh_status._judged(RegionalMesh(**{**well, **changes}), _BOTH)


def test_a_region_that_is_well_has_no_problem() -> None:
    assert problems([_region()]) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"peers": {"prod-eu": "synced"}}, "prod-eu: its istiod has not synced prod-na"),
        ({"peers": {"prod-eu": "synced", "prod-na": "syncing"}}, "prod-eu: its istiod has not synced prod-na"),
        ({"gateways": {"istio-eastwestgateway": ""}}, "prod-eu: istio-eastwestgateway has no address"),
        ({"days": {"root": 29}}, "prod-eu: its root certificate ends in 29 days: docs/mesh.md tells how to rotate it"),
        ({"problem": "API server: timed out", "peers": {}}, "prod-eu: API server: timed out"),
    ],
)
def test_what_is_amiss_is_told(changes: dict[str, Any], problem: str) -> None:
    assert problems([_region(**changes)]) == [problem]


def test_a_fleet_without_a_mesh_has_no_regions_in_one() -> None:
    assert mesh_status.look({"kubeconfigs": {"prod-eu": ""}, "mesh": {}}) == []
