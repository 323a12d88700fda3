"""What a newcomer sees: the fleet comes up, is shown, can be reached, and a second `up` has nothing to do."""

from __future__ import annotations

import stat
import subprocess

import pytest

from lab.tools.catalogue import KUBERNETES
from tests.fleet.clone import Clone
from tests.fleet.conftest import Fleet

_REGIONS = ("na", "eu", "sea", "manager")
_CLUSTERS = [f"lab-{region}" for region in _REGIONS]


def _row(output: str, cluster: str) -> list[str]:
    """The cells of the cluster's row in the table that `up` and `status` print."""
    (row,) = [line for line in output.splitlines() if line.startswith(f"{cluster} ")]
    return row.split()


@pytest.mark.parametrize(
    ("region", "nodes", "tenants"),
    [("na", "3/3", "3"), ("eu", "3/3", "4"), ("sea", "3/3", "3"), ("manager", "1/1", "0")],
)
def test_up_shows_every_cluster_with_its_nodes_and_tenants(fleet: Fleet, region: str, nodes: str, tenants: str) -> None:
    *row, server, health = _row(fleet.up.output, f"lab-{region}")
    member = [] if region == "manager" else ["ready"]
    assert row == [f"lab-{region}", region, KUBERNETES.version, nodes, tenants, *member]
    assert server.startswith("127.0.0.1:")
    assert health == "ready"


def test_up_shows_karmada_with_all_tenants(fleet: Fleet) -> None:
    name, _, _, tenants, server, health = _row(fleet.up.output, "lab-karmada")
    assert (name, tenants, health) == ("lab-karmada", "5", "ready")
    assert server.startswith("127.0.0.1:")


def _servers(fleet: Fleet) -> set[int]:
    """The processes that stay: not what the script that brings replicas home starts at each look."""
    passing = {"awk", "kubectl", "sed", "sh", "sleep"}
    return {process.pid for process in fleet.clone.processes() if process.name() not in passing}


def test_a_second_up_changes_nothing_and_says_so(fleet: Fleet) -> None:
    before = _servers(fleet)
    again = fleet.clone.fleet("up").check()
    summary = again.output.partition("Resources:")[2].partition("Duration:")[0].split()
    assert summary[1:] == ["unchanged"], again.output
    resources = [each["urn"].rpartition("::")[2] for each in fleet.clone.state()["latest"]["resources"]]
    assert int(summary[0]) == sum(not name.startswith("default") for name in resources)
    assert _servers(fleet) == before


def test_the_state_keeps_no_stack_traces_of_objects_that_are_delivered_one_by_one(small_fleet: Clone) -> None:
    resources = small_fleet.state()["latest"]["resources"]
    objects = [each for each in resources if each["type"].startswith("kubernetes:")]
    assert objects
    assert [each["urn"] for each in objects if each.get("stackTrace")] == []


def test_its_kubeconfig_has_a_context_for_each_cluster_that_works_and_is_its_owners_alone(fleet: Fleet) -> None:
    assert stat.S_IMODE(fleet.kubeconfig_file.stat().st_mode) == 0o600
    assert sorted(context["name"] for context in fleet.kubeconfig["contexts"]) == sorted([*_CLUSTERS, "lab-karmada"])
    kubectl = fleet.clone.root / ".fleet" / "bin" / "kubectl"
    for cluster in _CLUSTERS:
        command = [
            str(kubectl),
            "--kubeconfig",
            str(fleet.kubeconfig_file),
            "--context",
            cluster,
            "get",
            "nodes",
            "-o",
            "name",
        ]
        nodes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert nodes
        assert all(node.startswith(f"node/{cluster}-") for node in nodes), "a context leads to another cluster"


def test_a_kubeconfig_that_is_printed_is_the_one_that_is_written(fleet: Fleet) -> None:
    assert fleet.clone.fleet("kubeconfig").check().output == fleet.kubeconfig_file.read_text()


def test_status_shows_a_fleet_that_is_well(fleet: Fleet) -> None:
    status = fleet.clone.fleet("status").check()
    assert {_row(status.output, cluster)[-1] for cluster in _CLUSTERS} == {"ready"}


def test_plain_pulumi_works_and_sees_no_difference(fleet: Fleet) -> None:
    fleet.clone.pulumi("preview", "--expect-no-changes").check()
    assert '"lab-na"' in fleet.clone.pulumi("stack", "output", "clusters", "--json").check().output


def test_a_refresh_of_a_fleet_that_nobody_touched_finds_no_difference(fleet: Fleet) -> None:
    fleet.clone.pulumi("refresh", "--preview-only", "--expect-no-changes").check()


def test_nothing_in_the_repository_has_changed(fleet: Fleet) -> None:
    assert fleet.changed == ""


def test_plain_pulumi_changes_no_more_in_it_than_to_add_the_salt_of_the_passphrase(fleet: Fleet) -> None:
    fleet.clone.pulumi("preview").check()
    lines = fleet.clone.git("diff", "--unified=0").splitlines()
    changed = [line for line in lines if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))]
    assert len(changed) == 1
    assert changed[0].startswith("+encryptionsalt: v1:")
    assert fleet.clone.git("status", "--porcelain") == " M stacks/Pulumi.lab.yaml\n"


def test_pulumi_warns_of_nothing(fleet: Fleet) -> None:
    assert "warning" not in fleet.up.output.lower()


def test_every_process_listens_on_loopback_only(fleet: Fleet) -> None:
    listening = fleet.clone.listening()
    assert set(listening.values()) >= {"etcd", "kube-apiserver"}
    assert {place: name for place, name in listening.items() if place[0] not in {"127.0.0.1", "::1"}} == {}
