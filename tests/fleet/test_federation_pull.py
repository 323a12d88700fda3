"""A region in pull mode: its agent brings what Karmada places there, is kept alive, and can be taken away again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from kubernetes import client

from lab.cluster import lifecycle
from lab.processes import Group, ending
from providers.karmada.api import Api
from tests.fleet.clone import Clone, check_gone, eventually, fresh_clone
from tests.fleet.cluster import Cluster, expected, reach
from tests.fleet.settings import region, tenant

_REGIONS = ("na", "eu")
_SECONDS = 120
_AGENT = "karmada-agent"
_FAILOVER = {
    "unreachableSeconds": 8,
    "toleranceSeconds": 60,
    "recoveredSeconds": 4,
    "clusterStatusIntervalSeconds": 2,
    "evictionsPerSecond": 100,
}


def _settings() -> dict[str, Any]:
    quota = {"pods": 60, "requests.cpu": 30, "limits.cpu": 60, "requests.memory": "60Gi", "limits.memory": "60Gi"}
    eu = {**region(2, "eu-west-1"), "zones": ["eu-west-1a"], "federation": {"mode": "pull"}}
    return {
        "regions": {"na": region(1, "us-east-1"), "eu": eu},
        "manager": region(9),
        "federation": {"failover": _FAILOVER, "placements": {"even": {"strategy": "even"}}},
        "mesh": {"enabled": False},
        "tenants": [tenant("shop", quota=quota), tenant("reports", regions=["eu"])],
    }


@dataclass(frozen=True)
class Fleet:
    """A clone whose fleet is up, and what tests ask of it."""

    clone: Clone

    @property
    def karmada_folder(self) -> Path:
        """Where the control plane keeps its files."""
        return self.clone.stack_folder / "karmada" / "lab-karmada"

    @property
    def agent_folder(self) -> Path:
        """Where the agent of eu keeps its files."""
        return self.clone.stack_folder / "karmada" / "lab-eu"

    @property
    def karmada(self) -> Cluster:
        """Karmada's API."""
        return Cluster(yaml.safe_load((self.karmada_folder / "kubeconfig").read_text()))

    @property
    def member(self) -> dict[str, Any]:
        """What Karmada knows of eu."""
        api = client.CustomObjectsApi(self.karmada.api)
        found: dict[str, Any] = api.get_cluster_custom_object("cluster.karmada.io", "v1alpha1", "clusters", "lab-eu")
        return found

    def agents(self) -> list[psutil.Process]:
        """The agent's processes."""
        return [process for process in self.clone.processes(f"{_AGENT} ") if process.name() == _AGENT]

    def readiness(self) -> dict[str, str]:
        """Whether each member is Ready, by name."""
        listing = client.CustomObjectsApi(self.karmada.api).list_cluster_custom_object(
            "cluster.karmada.io", "v1alpha1", "clusters"
        )
        return {
            item["metadata"]["name"]: condition["status"]
            for item in listing["items"]
            for condition in item.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready"
        }

    def replicas(self) -> dict[str, int]:
        """How many pods of `web` are ready in each region that has it."""
        found = {}
        for each in _REGIONS:
            apps = client.AppsV1Api(reach(self.clone, each).api)
            for item in apps.list_namespaced_deployment("shop", field_selector="metadata.name=web").items:
                found[each] = item.status.ready_replicas or 0
        return found

    def uids(self) -> dict[str, dict[str, str]]:
        """The identity of what the tenants have in each region, and of its Deployments."""
        found: dict[str, dict[str, str]] = {}
        for each in _REGIONS:
            cluster = reach(self.clone, each)
            deployments = client.AppsV1Api(cluster.api).list_deployment_for_all_namespaces().items
            found[each] = {f"{key}": uid for key, uid in cluster.owned().items()}
            found[each] |= {f"Deployment/{item.metadata.name}": item.metadata.uid for item in deployments}
        return found

    def repairs(self, region: str) -> None:
        """Check that what somebody deletes in a region comes back."""
        cluster = reach(self.clone, region)
        before = set(cluster.owned())
        cluster.networking.delete_namespaced_network_policy("tenant", "shop")
        cluster.core.delete_namespaced_resource_quota("tenant", "shop")
        client.AppsV1Api(cluster.api).delete_namespaced_deployment("web", "shop")
        eventually(lambda: set(cluster.owned()) == before, _SECONDS)
        eventually(lambda: self.replicas() == {"na": 2, "eu": 2}, _SECONDS)

    def say(self, **member: object) -> None:
        """Have the settings say this of eu as a member, and bring the fleet up."""
        self.change(lambda config: config["fleet:regions"]["eu"].update(federation=member))

    def change(self, change: Any) -> None:  # noqa: ANN401 (a function of the configuration)
        """Change the stack file, and bring the fleet up."""
        settings = yaml.safe_load(self.clone.stack_file.read_text())
        change(settings["config"])
        self.clone.stack_file.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.clone.fleet("up").check()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two regions, one of them in pull mode, with a Deployment in both; each test leaves them as they were."""
    with fresh_clone(_settings()) as clone:
        clone.fleet("up").check()
        made = Fleet(clone)
        client.AppsV1Api(made.karmada.api).create_namespaced_deployment("shop", _deployment())
        eventually(lambda: made.replicas() == {"na": 2, "eu": 2}, _SECONDS)
        yield made


def test_karmada_knows_of_the_member_what_it_would_know_in_push_mode(fleet: Fleet) -> None:
    spec = fleet.member["spec"]
    assert (spec["syncMode"], spec["provider"], spec["region"]) == ("Pull", "lab", "eu-west-1")
    assert spec["zones"] == ["eu-west-1a"]
    assert fleet.readiness() == {"lab-na": "True", "lab-eu": "True"}
    assert fleet.member["status"]["nodeSummary"]["readyNum"] == 1
    assert fleet.clone.fleet("status").status == 0


def test_the_region_has_its_tenants_and_nothing_is_left_to_do(fleet: Fleet) -> None:
    for each in _REGIONS:
        assert set(reach(fleet.clone, each).owned()) == expected(fleet.clone, each)
    fleet.clone.pulumi("preview", "--expect-no-changes").check()


def test_what_is_deleted_in_the_region_comes_back(fleet: Fleet) -> None:
    fleet.repairs("eu")


def test_one_can_look_into_the_member_through_karmada(fleet: Fleet) -> None:
    path = "/apis/cluster.karmada.io/v1alpha1/clusters/lab-eu/proxy/api/v1/namespaces/shop"
    status, answer = Api((fleet.karmada_folder / "kubeconfig").read_text()).look(path)
    assert (status, answer.get("kind")) == (200, "Namespace")


def test_an_agent_that_is_killed_is_started_again(fleet: Fleet) -> None:
    (first,) = fleet.agents()
    ending.kill([first])
    eventually(lambda: [each for each in fleet.agents() if each != first])
    fleet.repairs("eu")


def test_an_agent_that_nobody_keeps_alive_is_seen_and_brought_back(fleet: Fleet) -> None:
    Group(fleet.agent_folder).stop()
    eventually(lambda: fleet.readiness()["lab-eu"] != "True", _SECONDS)
    status = fleet.clone.fleet("status")
    assert status.status == 1
    assert "lab-eu: Karmada: ClusterStatusUnknown" in status.output
    assert "KarmadaAgent" in fleet.clone.pulumi("refresh", "--yes", "--skip-preview").check().output
    fleet.clone.fleet("up").check()
    assert fleet.readiness()["lab-eu"] == "True"
    fleet.repairs("eu")


def test_the_agent_may_do_nothing_in_karmada_that_it_does_not_need(fleet: Fleet) -> None:
    agent = {"user": _user(fleet)}
    allowed = {
        (verb, group, resource, namespace)
        for verb, group, resource, namespace in (
            ("update", "work.karmada.io", "works", "karmada-es-lab-eu"),
            ("get", "work.karmada.io", "works", "karmada-es-lab-na"),
            ("get", "", "secrets", "karmada-cluster"),
            ("list", "", "secrets", ""),
            ("update", "cluster.karmada.io", "clusters", ""),
            ("delete", "cluster.karmada.io", "clusters", ""),
            ("get", "apps", "deployments", "shop"),
        )
        if fleet.karmada.allows(agent, verb=verb, group=group, resource=resource, namespace=namespace)
    }
    assert allowed == {("update", "work.karmada.io", "works", "karmada-es-lab-eu")}


def test_with_new_credentials_the_old_ones_open_nothing(fleet: Fleet) -> None:
    old = yaml.safe_load((fleet.agent_folder / "karmada.kubeconfig").read_text())
    assert _reads_works(old)
    fleet.say(mode="pull", credential=2)
    assert _reads_works(yaml.safe_load((fleet.agent_folder / "karmada.kubeconfig").read_text()))
    eventually(lambda: not _reads_works(old))
    names = {
        each.metadata.name for each in reach(fleet.clone, "eu").core.list_namespaced_secret("karmada-cluster").items
    }
    assert names == {"karmada-token-2", "karmada-impersonator-token-2"}
    assert fleet.readiness()["lab-eu"] == "True"
    fleet.repairs("eu")


def test_credentials_are_in_no_plain_state_and_no_readable_file(fleet: Fleet) -> None:
    text = fleet.clone.checkpoint.read_text()
    kubeconfigs = [yaml.safe_load(file.read_text()) for file in fleet.agent_folder.glob("*.kubeconfig")]
    users = [each["users"][0]["user"] for each in kubeconfigs]
    assert len(users) == 2
    for secret in (user.get("client-key-data") or user["token"] for user in users):
        assert secret not in text
    files = [file for file in fleet.agent_folder.rglob("*") if file.is_file()]
    assert [file for file in files if file.stat().st_mode & 0o077] == []


def test_a_karmada_that_lost_its_data_gets_its_agent_back_and_nothing_in_the_regions_is_touched(fleet: Fleet) -> None:
    before = fleet.uids()
    Group(fleet.karmada_folder).stop()
    shutil.rmtree(fleet.karmada_folder / "etcd")
    fleet.clone.fleet("up").check()
    assert fleet.readiness() == {"lab-na": "True", "lab-eu": "True"}
    client.AppsV1Api(fleet.karmada.api).create_namespaced_deployment("shop", _deployment())
    eventually(lambda: fleet.replicas() == {"na": 2, "eu": 2}, _SECONDS)
    assert fleet.uids() == before
    fleet.repairs("eu")


def test_it_changes_to_push_mode_and_back_without_touching_what_runs(fleet: Fleet) -> None:
    number = int(_user(fleet).rpartition(":")[2])
    before = fleet.uids()
    fleet.say(mode="push", credential=number)
    assert fleet.member["spec"]["syncMode"] == "Push"
    assert fleet.agents() == []
    assert not fleet.agent_folder.exists()
    assert fleet.uids() == before
    fleet.repairs("eu")

    before = fleet.uids()
    fleet.say(mode="pull", credential=number)
    assert fleet.member["spec"]["syncMode"] == "Pull"
    assert len(fleet.agents()) == 1
    assert fleet.uids() == before
    fleet.repairs("eu")


@pytest.mark.parametrize("alive", [True, False], ids=["alive", "dead"])
def test_it_leaves_without_a_trace(fleet: Fleet, *, alive: bool) -> None:
    before = fleet.clone.stack_file.read_text()
    if not alive:
        lifecycle.stop(fleet.clone.stack_folder / "clusters" / "lab-eu")
    try:
        fleet.change(_without_eu)
        assert sorted(fleet.readiness()) == ["lab-na"]
        assert fleet.agents() == []
        assert not fleet.agent_folder.exists()
        assert [each for each in fleet.karmada.core.list_namespace().items if "eu" in each.metadata.name] == []
        roles = [
            *fleet.karmada.rbac.list_cluster_role().items,
            *fleet.karmada.rbac.list_role_for_all_namespaces().items,
        ]
        assert [each for each in roles if "lab-eu" in each.metadata.name] == []
    finally:
        fleet.clone.stack_file.write_text(before)
        fleet.clone.fleet("up").check()
    eventually(lambda: fleet.replicas() == {"na": 2, "eu": 2}, _SECONDS)


def test_down_leaves_nothing_of_it(fleet: Fleet) -> None:
    fleet.clone.fleet("down").check()
    check_gone(fleet.clone)


def _without_eu(config: dict[str, Any]) -> None:
    del config["fleet:regions"]["eu"]
    config["fleet:tenants"] = [each for each in config["fleet:tenants"] if each["name"] == "shop"]


def _user(fleet: Fleet) -> str:
    """Who the agent of eu is to Karmada."""
    binding = fleet.karmada.rbac.read_cluster_role_binding("fleet:agent:lab-eu")
    (subject,) = binding.subjects
    name: str = subject.name
    return name


def _reads_works(kubeconfig: Mapping[str, Any]) -> bool:
    """Whether Karmada lets a kubeconfig's user read what goes to eu."""
    api = client.CustomObjectsApi(Cluster(dict(kubeconfig)).api)
    try:
        api.list_namespaced_custom_object("work.karmada.io", "v1alpha1", "karmada-es-lab-eu", "works")
    except client.exceptions.ForbiddenException:
        return False
    return True


def _deployment() -> dict[str, Any]:
    labels = {"app": "web"}
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": "web",
        "image": "example.com/web:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "metadata": {"name": "web", "labels": {"fleet/placement": "even"}},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"securityContext": security, "containers": [container]},
            },
        },
    }
