"""Settings that are wrong are refused before anything exists, by `./fleet` and by plain `pulumi`, in the same words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fleet.clone import Clone, Result
from tests.fleet.conftest import NewClone
from tests.fleet.settings import region, small, tenant

_WRONG: dict[str, Any] = small(
    tenant("shop", quota={"limits.cpu": "many"}),
    tenant("kube-system"),
    tenant("[bold]"),
    tenant("search", regions=["mars"], colour="red"),
    na=region(1),
    eu=region(1),
)
# The places of the errors above, and a word of each.
_PLACES = {
    "fleet:tenants[shop].quota.limits.cpu": "many",
    "fleet:tenants[kube-system].name": "reserved",
    "fleet:tenants[[bold]].name": "'[bold]' is not a DNS label",
    "fleet:tenants[search].regions[0]": "mars",
    "fleet:tenants[search].colour": "not a known field",
}


def _check(refusal: Result) -> None:
    assert refusal.status != 0
    assert "Traceback" not in refusal.output
    lines = refusal.output.splitlines()
    for place, word in _PLACES.items():
        found = [line for line in lines if f"{place}: " in line]
        assert found
        assert all(word in line for line in found)
    # Which of the two is at fault nobody knows.
    assert any("network.pods: 10.1.0.0/16 overlaps fleet:regions." in line for line in lines)
    assert any("network.services: 10.101.0.0/16 overlaps fleet:regions." in line for line in lines)


def test_up_tells_every_error_in_a_line_and_makes_nothing(new_clone: NewClone) -> None:
    clone = new_clone(_WRONG)
    refusal = clone.fleet("up")
    _check(refusal)
    assert len(refusal.output.splitlines()) == len(_PLACES) + 2
    assert clone.processes() == []
    assert not clone.stack_folder.exists()
    assert not clone.checkpoint.exists()


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes", "--skip-preview")], ids=lambda command: command[0])
def test_plain_pulumi_refuses_them_as_well_and_changes_nothing(small_fleet: Clone, command: tuple[str, ...]) -> None:
    right = small_fleet.stack_file.read_text()
    before = [resource["urn"] for resource in small_fleet.state()["latest"]["resources"]]
    running = {process.pid for process in small_fleet.processes()}
    small_fleet.write_settings(_WRONG)
    try:
        _check(small_fleet.pulumi(*command))
        assert [resource["urn"] for resource in small_fleet.state()["latest"]["resources"]] == before
        assert {process.pid for process in small_fleet.processes()} == running
    finally:
        small_fleet.stack_file.write_text(right)


def test_a_file_that_is_no_yaml_is_an_error_with_its_line(new_clone: NewClone) -> None:
    clone = new_clone(small())
    clone.stack_file.write_text("config:\n  fleet:regions: [\n")
    refusal = clone.fleet("up")
    assert refusal.status != 0
    assert "Traceback" not in refusal.output
    assert "stacks/Pulumi.lab.yaml" in refusal.output
