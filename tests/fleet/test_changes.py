"""Fleets that grow, shrink, end and stand side by side, without a clash and without a trace."""

from __future__ import annotations

import json
import socket

import psutil

from lab.cluster import ports
from tests.fleet.clone import Clone, check_gone, claims
from tests.fleet.cluster import expected, reach
from tests.fleet.conftest import NewClone
from tests.fleet.settings import region, small, tenant

_REGION = """\
    eu:
      cloud: lab
      location: eu-west-1
      network: { pods: 10.2.0.0/16, services: 10.102.0.0/16 }
"""


def _ports(clone: Clone, cluster: str) -> set[int]:
    record = clone.record(cluster)
    assert record is not None
    return set(ports.as_dict(record.ports).values())


def _pids(clone: Clone, cluster: str) -> set[int]:
    return {process.pid for process in clone.processes(f"/{cluster}/bin/")}


def test_a_region_comes_with_four_lines_and_goes_with_them_and_nothing_else_moves(small_fleet: Clone) -> None:
    before = small_fleet.stack_file.read_text()
    others = {cluster: _pids(small_fleet, cluster) for cluster in ("lab-na", "lab-manager")}
    objects = reach(small_fleet, "na").owned()
    small_fleet.stack_file.write_text(before.replace("  fleet:regions:\n", f"  fleet:regions:\n{_REGION}"))
    small_fleet.fleet("up").check()
    assert small_fleet.clusters() == ["lab-eu", "lab-manager", "lab-na"]
    assert set(reach(small_fleet, "eu").owned()) == expected(small_fleet, "eu") != set()
    assert set(claims(small_fleet)) == {"lab-eu", "lab-manager", "lab-na"}

    small_fleet.stack_file.write_text(before)
    small_fleet.fleet("up").check()
    assert small_fleet.clusters() == ["lab-manager", "lab-na"]
    assert _pids(small_fleet, "lab-eu") == set()
    assert set(claims(small_fleet)) == {"lab-manager", "lab-na"}
    leftovers = [path for path in small_fleet.stack_folder.rglob("*") if "lab-eu" in str(path)]
    assert leftovers == []
    assert "lab-eu" not in json.dumps(small_fleet.state()["latest"]["resources"])
    assert {cluster: _pids(small_fleet, cluster) for cluster in others} == others
    assert reach(small_fleet, "na").owned() == objects


def test_a_tenant_that_is_taken_out_is_gone_and_the_others_stay(small_fleet: Clone) -> None:
    before = small_fleet.stack_file.read_text()
    stays = {key: uid for key, uid in reach(small_fleet, "na").owned().items() if "search" not in f"{key[1]}{key[2]}"}
    small_fleet.write_settings(small(tenant("shop")))
    try:
        small_fleet.fleet("up").check()
        assert reach(small_fleet, "na").owned() == stays
    finally:
        small_fleet.stack_file.write_text(before)
        small_fleet.fleet("up").check()
    assert set(reach(small_fleet, "na").owned()) == expected(small_fleet, "na")


def test_two_fleets_at_once_share_nothing_and_one_ends_without_the_other(new_clone: NewClone) -> None:
    one, two = new_clone(small()), new_clone(small(na=region(1, "eu-west-1")))
    updates = [clone.start("./fleet", "up") for clone in (one, two)]
    for update in updates:
        update.end().check()
    claimed = {clone: _ports(clone, "lab-na") | _ports(clone, "lab-manager") for clone in (one, two)}
    assert claimed[one] & claimed[two] == set()
    assert {port for _, port in one.listening()} >= claimed[one]
    assert reach(one, "na").identifier() != reach(two, "na").identifier()

    one.kill("/lab-na/bin/")  # what is dead already is no obstacle
    one.fleet("down").check()
    check_gone(one)
    two.fleet("status").check()
    one.fleet("down").check()
    check_gone(one)
    two.fleet("status").check()

    two.fleet("down").check()
    check_gone(two)


def test_a_port_that_somebody_took_meanwhile_is_named_with_who_has_it(new_clone: NewClone) -> None:
    clone = new_clone(small())
    clone.fleet("up").check()
    record = clone.record("lab-na")
    assert record is not None
    clone.kill("/lab-na/bin/")
    with socket.create_server((ports.LOOPBACK, record.ports.api_server)):
        refused = clone.fleet("up")
    assert refused.status != 0
    who = f"{psutil.Process().pid} ({psutil.Process().name()})"
    assert f"port {record.ports.api_server} of kube-apiserver of lab-na is taken by process {who}" in refused.output
    assert "Traceback" not in refused.output
    clone.fleet("up").check()
    clone.fleet("status").check()
