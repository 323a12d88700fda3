"""`./fleet up` killed at any moment and run again ends in the same fleet, with nothing twice and nothing lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import yaml

from tests.fleet.clone import ENGINE, KUBERNETES_PLUGIN, LAB_PLUGIN, LANGUAGE_HOST, Clone, check_gone, eventually
from tests.fleet.cluster import Key, expected, reach
from tests.fleet.conftest import NewClone
from tests.fleet.settings import small, tenant

_VICTIMS = {
    "engine": ENGINE,
    "kubernetes-plugin": KUBERNETES_PLUGIN,
    "language-host": LANGUAGE_HOST,
    "api-server": "/lab-na/bin/kube-apiserver ",
    "etcd": "/lab-na/bin/etcd ",
}
_TEMPORARY = (ENGINE, KUBERNETES_PLUGIN, LAB_PLUGIN, LANGUAGE_HOST)


def _add_tenant(clone: Clone, name: str) -> str:
    """Add a tenant with so many objects that there is time to kill something; the first of its namespaces."""
    settings = yaml.safe_load(clone.stack_file.read_text())
    namespaces = [f"n{number}" for number in range(12)]
    settings["config"]["fleet:tenants"].append(tenant(name, namespaces=namespaces))
    clone.stack_file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return f"{name}-{namespaces[0]}"


def _namespace_exists(clone: Clone, name: str) -> Callable[[], bool]:
    cluster = reach(clone, "na")
    field = f"metadata.name={name}"
    return lambda: bool(cluster.core.list_namespace(field_selector=field).items)


def _put_by_hand(clone: Clone, name: str) -> str:
    """Put an object into the cluster na that nothing knows of; its UID."""
    body = {"metadata": {"name": name}, "data": {"by": "hand"}}
    uid: str = reach(clone, "na").core.create_namespaced_config_map("default", body).metadata.uid
    return uid


def _check_whole(clone: Clone) -> dict[Key, str]:
    """Check that the fleet is what its settings say, each thing once, and that Pulumi knows; what is in na, by UID."""
    owned = reach(clone, "na").owned()
    assert set(owned) == expected(clone, "na")
    assert set(reach(clone, "manager").owned()) == set()
    assert clone.clusters() == ["lab-manager", "lab-na"]
    eventually(lambda: not [process for words in _TEMPORARY for process in clone.processes(words)])
    programs = Counter(process.cmdline()[0] for process in clone.processes())
    assert {program: count for program, count in programs.items() if count > 1} == {}
    latest = clone.state()["latest"]
    urns = Counter(resource["urn"] for resource in latest["resources"])
    assert {urn: count for urn, count in urns.items() if count > 1} == {}
    assert latest.get("pending_operations", []) == []
    clone.pulumi("preview", "--expect-no-changes").check()
    return owned


@pytest.mark.parametrize("victim", _VICTIMS)
def test_killed_while_objects_are_made(small_fleet: Clone, victim: str) -> None:
    before, identifier = reach(small_fleet, "na").owned(), reach(small_fleet, "na").identifier()
    by_hand = _put_by_hand(small_fleet, victim)
    namespace = _add_tenant(small_fleet, f"new-{victim}")

    update = small_fleet.start("./fleet", "up")
    eventually(_namespace_exists(small_fleet, namespace))
    small_fleet.kill(_VICTIMS[victim])
    killed = update.end()
    assert "Traceback" not in killed.output
    if victim == "engine":
        assert killed.status != 0

    small_fleet.fleet("up").check()
    after = _check_whole(small_fleet)
    assert after.items() >= before.items(), "what was there is there, and not made anew"
    cluster = reach(small_fleet, "na")
    assert cluster.identifier() == identifier
    assert cluster.core.read_namespaced_config_map(victim, "default").metadata.uid == by_hand


@pytest.mark.parametrize(
    ("condition", "victims"),
    [
        ("/kube-apiserver ", [ENGINE]),
        ("/etcd ", [ENGINE, LAB_PLUGIN]),
        ("/kube-apiserver ", ["/kube-apiserver "]),
    ],
    ids=["engine", "engine-and-plugin", "api-server"],
)
def test_killed_while_clusters_are_made(new_clone: NewClone, condition: str, victims: list[str]) -> None:
    clone = new_clone(small())
    update = clone.start("./fleet", "up")
    eventually(lambda: clone.processes(condition))
    for words in victims:
        clone.kill(words)
    killed = update.end()
    assert "Traceback" not in killed.output
    if ENGINE in victims:
        assert killed.status != 0

    clone.fleet("up").check()
    _check_whole(clone)
    clone.fleet("down").check()
    check_gone(clone)


def test_down_killed_and_run_again_ends_with_nothing(new_clone: NewClone) -> None:
    clone = new_clone(small(tenant("shop", namespaces=[f"n{number}" for number in range(6)])))
    clone.fleet("up").check()
    down = clone.start("./fleet", "down")
    eventually(lambda: len(clone.clusters()) < 2 or not clone.processes("/lab-na/bin/etcd "))
    clone.kill(ENGINE)
    assert down.end().status != 0

    clone.fleet("down").check()
    check_gone(clone)


def test_a_refresh_sees_a_cluster_that_died_and_up_brings_it_back_with_what_was_in_it(small_fleet: Clone) -> None:
    before, identifier = reach(small_fleet, "na").owned(), reach(small_fleet, "na").identifier()
    by_hand = _put_by_hand(small_fleet, "kept")
    others = {process.pid for process in small_fleet.processes("/lab-manager/bin/")}
    small_fleet.kill("/lab-na/bin/")

    status = small_fleet.fleet("status")
    assert status.status != 0
    assert "API server" in status.output
    small_fleet.pulumi("refresh", "--yes", "--skip-preview").check()
    assert _statuses(small_fleet) == {"lab-na": "Stopped", "lab-manager": "Running"}
    assert any(each["urn"].endswith("::shop-na/shop") for each in small_fleet.state()["latest"]["resources"])

    small_fleet.fleet("up").check()
    assert _statuses(small_fleet) == {"lab-na": "Running", "lab-manager": "Running"}
    assert _check_whole(small_fleet) == before
    cluster = reach(small_fleet, "na")
    assert cluster.identifier() == identifier
    assert cluster.core.read_namespaced_config_map("kept", "default").metadata.uid == by_hand
    assert {process.pid for process in small_fleet.processes("/lab-manager/bin/")} == others


def test_a_cluster_that_died_is_brought_back_without_a_refresh(small_fleet: Clone) -> None:
    before = reach(small_fleet, "na").owned()
    small_fleet.kill("/lab-na/bin/")
    up = small_fleet.fleet("up").check()
    assert "Traceback" not in up.output
    assert _check_whole(small_fleet) == before


def _statuses(clone: Clone) -> dict[str, str]:
    resources = clone.state()["latest"]["resources"]
    found = [each["outputs"] for each in resources if each["type"] == "lab:index:Cluster"]
    return {outputs["name"]: outputs["status"] for outputs in found}
