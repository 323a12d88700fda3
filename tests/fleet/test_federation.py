"""Three regions in one federation: placement, failover, repair, joining and leaving, on real clusters."""

from __future__ import annotations

import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from lab.cluster import lifecycle
from lab.cluster.lifecycle import Status
from lab.processes import Group
from tests.fleet.clone import Clone, check_gone, eventually, fresh_clone
from tests.fleet.cluster import Cluster, expected, impersonating, reach
from tests.fleet.conftest import NewClone
from tests.fleet.settings import region, small, tenant

_KARMADA = "lab-karmada"
_REGIONS = ("na", "eu", "sea")
_SECONDS = 120
_FAILOVER = {
    "unreachableSeconds": 6,
    "toleranceSeconds": 0,
    "recoveredSeconds": 6,
    "clusterStatusIntervalSeconds": 2,
    "evictionsPerSecond": 100,
}
_PLACEMENTS = {
    "even": {"strategy": "even"},
    "mostly-na": {"strategy": "weighted", "weights": {"na": 3, "eu": 2, "sea": 1}},
    "eu-first": {"strategy": "backup", "primary": "eu", "backups": ["na", "sea"]},
    "sea": {"strategy": "single", "region": "sea"},
}


def _settings() -> dict[str, Any]:
    roles = {role: {"groups": [f"shop-{role}s"]} for role in ("admin", "developer", "viewer")}
    quota = {"pods": 60, "requests.cpu": 30, "limits.cpu": 60, "requests.memory": "60Gi", "limits.memory": "60Gi"}
    return {
        "regions": {
            "na": region(1, "us-east-1"),
            "eu": region(2, "eu-west-1"),
            "sea": region(3, "ap-southeast-1"),
        },
        "manager": region(9),
        "federation": {"failover": _FAILOVER, "placements": _PLACEMENTS},
        "mesh": {"enabled": False},
        "tenants": [tenant("shop", access=roles, quota=quota), tenant("reports", regions=["eu"])],
    }


@dataclass(frozen=True)
class Federation:
    """A clone whose fleet is up, and what tests ask of it."""

    clone: Clone

    @property
    def kubeconfig(self) -> dict[str, Any]:
        """The kubeconfig of Karmada's administrator, from the control plane's own files."""
        content: dict[str, Any] = yaml.safe_load((self.karmada_folder / "kubeconfig").read_text())
        return content

    @property
    def karmada(self) -> Cluster:
        """Karmada's API."""
        return Cluster(self.kubeconfig)

    @property
    def karmada_folder(self) -> Path:
        """Where the control plane keeps its files."""
        return self.clone.stack_folder / "karmada" / _KARMADA

    def cluster_folder(self, region: str) -> Path:
        """Where a region's cluster keeps its files."""
        return self.clone.stack_folder / "clusters" / f"lab-{region}"

    def replicas(self, name: str) -> dict[str, int]:
        """How many pods of a workload are ready in each region that runs and has the workload."""
        alive = [each for each in _REGIONS if lifecycle.status(self.cluster_folder(each)) is Status.RUNNING]
        apps = {each: client.AppsV1Api(reach(self.clone, each).api) for each in alive}
        return {
            each: item.status.ready_replicas or 0
            for each in alive
            for item in apps[each].list_namespaced_deployment("shop", field_selector=f"metadata.name={name}").items
        }

    def expect(self, name: str, wanted: dict[str, int]) -> None:
        """Wait until a workload has these replicas in these regions."""
        eventually(lambda: self.replicas(name) == wanted, _SECONDS)

    @contextmanager
    def workload(self, name: str, placement: str, replicas: int) -> Iterator[None]:
        """A Deployment in Karmada that asks for a placement; it is gone from everywhere in the end."""
        client.AppsV1Api(self.karmada.api).create_namespaced_deployment("shop", _deployment(name, placement, replicas))
        try:
            yield
        finally:
            client.AppsV1Api(self.karmada.api).delete_namespaced_deployment(name, "shop")
            self.expect(name, {})

    @contextmanager
    def without(self, region: str) -> Iterator[None]:
        """A region whose cluster is stopped; it is up again in the end."""
        lifecycle.stop(self.cluster_folder(region))
        try:
            yield
        finally:
            self.clone.fleet("up").check()

    def members(self) -> dict[str, str]:
        """Whether each member is Ready, by name."""
        listing = client.CustomObjectsApi(self.karmada.api).list_cluster_custom_object(
            "cluster.karmada.io", "v1alpha1", "clusters"
        )
        return {
            item["metadata"]["name"]: condition["status"]
            for item in listing["items"]
            for condition in item["status"]["conditions"]
            if condition["type"] == "Ready"
        }

    def uids(self) -> dict[str, dict[str, str]]:
        """The identity of the tenants' namespaces, quotas and Deployments in each region."""
        found: dict[str, dict[str, str]] = {}
        for each in _REGIONS:
            cluster = reach(self.clone, each)
            items = [
                *cluster.core.list_namespace(label_selector="fleet/tenant").items,
                *cluster.core.list_resource_quota_for_all_namespaces().items,
                *client.AppsV1Api(cluster.api).list_deployment_for_all_namespaces().items,
            ]
            found[each] = {f"{type(item).__name__}/{item.metadata.name}": item.metadata.uid for item in items}
        return found

    def owned(self) -> dict[str, set[Any]]:
        """What the tenants have in each region."""
        return {each: set(reach(self.clone, each).owned()) for each in _REGIONS}


def _deployment(name: str, placement: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    container = {
        "name": name,
        "image": "example.com/web:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "metadata": {"name": name, "labels": {"fleet/placement": placement}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"securityContext": security, "containers": [container]},
            },
        },
    }


@pytest.fixture(scope="module")
def federation() -> Iterator[Federation]:
    """Three regions of one node in a federation, up; each test leaves it as it was."""
    with fresh_clone(_settings()) as clone:
        clone.fleet("up").check()
        yield Federation(clone)


@pytest.mark.parametrize(
    ("placement", "replicas", "wanted"),
    [
        ("even", 6, {"na": 2, "eu": 2, "sea": 2}),
        ("mostly-na", 6, {"na": 3, "eu": 2, "sea": 1}),
        ("sea", 4, {"sea": 4}),
        ("eu-first", 3, {"eu": 3}),
    ],
)
def test_replicas_are_where_the_placement_says(
    federation: Federation, placement: str, replicas: int, wanted: dict[str, int]
) -> None:
    with federation.workload("web", placement, replicas):
        federation.expect("web", wanted)


def test_a_workload_that_asks_for_no_placement_runs_nowhere(federation: Federation) -> None:
    with federation.workload("lost", "nobody-knows", 2), federation.workload("found", "sea", 1):
        federation.expect("found", {"sea": 1})
        assert federation.replicas("lost") == {}


def test_a_region_that_fails_loses_its_replicas_to_the_others_and_gets_them_back(federation: Federation) -> None:
    with federation.workload("web", "even", 6), federation.workload("primary", "eu-first", 2):
        federation.expect("web", {"na": 2, "eu": 2, "sea": 2})
        federation.expect("primary", {"eu": 2})
        with federation.without("eu"):
            federation.expect("web", {"na": 3, "sea": 3})
            federation.expect("primary", {"na": 2})
            status = federation.clone.fleet("status")
            assert status.status == 1
            assert "; Karmada: ClusterNotReachable" in status.output
        federation.expect("web", {"na": 2, "eu": 2, "sea": 2})
        federation.expect("primary", {"eu": 2})
    assert federation.clone.fleet("status").status == 0


def test_what_isolates_a_tenant_is_back_in_seconds_when_somebody_deletes_it_in_a_region(federation: Federation) -> None:
    before = federation.owned()
    cluster = reach(federation.clone, "eu")
    cluster.networking.delete_namespaced_network_policy("tenant", "shop")
    cluster.core.delete_namespaced_resource_quota("tenant", "shop")
    cluster.rbac.delete_namespaced_role_binding("tenant-viewer", "shop")
    eventually(lambda: federation.owned() == before, _SECONDS)


def test_the_quota_of_a_tenant_is_divided_over_its_regions(federation: Federation) -> None:
    apis = {each: reach(federation.clone, each).core for each in _REGIONS}
    hard = {each: api.read_namespaced_resource_quota("tenant", "shop").spec.hard for each, api in apis.items()}
    assert {each: (quota["pods"], quota["requests.cpu"]) for each, quota in hard.items()} == dict.fromkeys(
        _REGIONS, ("20", "10")
    )


def test_a_tenant_is_in_its_own_regions_only(federation: Federation) -> None:
    assert {each for each in _REGIONS if "reports" in reach(federation.clone, each).namespaces()} == {"eu"}
    for each in _REGIONS:
        assert set(reach(federation.clone, each).owned()) == expected(federation.clone, each)


@pytest.mark.parametrize(
    ("verb", "group", "resource", "roles"),
    [
        ("list", "apps", "deployments", {"viewer", "developer", "admin"}),
        ("create", "apps", "deployments", {"developer", "admin"}),
        ("create", "autoscaling.karmada.io", "cronfederatedhpas", {"developer", "admin"}),
        ("list", "autoscaling.karmada.io", "federatedhpas", {"viewer", "developer", "admin"}),
        ("create", "policy.karmada.io", "propagationpolicies", set()),
        ("update", "policy.karmada.io", "federatedresourcequotas", set()),
        ("get", "work.karmada.io", "resourcebindings", set()),
        ("delete", "networking.k8s.io", "networkpolicies", set()),
    ],
)
def test_a_role_is_the_same_in_karmada_and_nothing_more(
    federation: Federation, verb: str, group: str, resource: str, roles: set[str]
) -> None:
    karmada = federation.karmada

    def allowed(namespace: str) -> set[str]:
        return {
            role
            for role in ("viewer", "developer", "admin")
            if karmada.allows(
                {"groups": [f"shop-{role}s"]}, verb=verb, group=group, resource=resource, namespace=namespace
            )
        }

    assert allowed("shop") == roles
    assert allowed("reports") == set()
    assert not karmada.allows(
        {"groups": ["shop-admins"]}, verb="get", group="cluster.karmada.io", resource="clusters", subresource="proxy"
    )


def test_a_tenant_scales_by_the_clock_and_no_other_tenant_can(federation: Federation) -> None:
    scaler = {
        "apiVersion": "autoscaling.karmada.io/v1alpha1",
        "kind": "CronFederatedHPA",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "rules": [{"name": "now", "schedule": "* * * * *", "targetReplicas": 9}],
        },
    }
    place = ("autoscaling.karmada.io", "v1alpha1", "shop", "cronfederatedhpas")
    with impersonating(federation.kubeconfig, _KARMADA, group="reports-admins") as other:
        custom = client.CustomObjectsApi(other.api)
        with pytest.raises(client.ApiException, match="403"):
            custom.create_namespaced_custom_object(*place, scaler)
    as_developer = impersonating(federation.kubeconfig, _KARMADA, group="shop-developers")
    with federation.workload("web", "even", 3), as_developer as developer:
        custom = client.CustomObjectsApi(developer.api)
        custom.create_namespaced_custom_object(*place, scaler)
        federation.expect("web", {"na": 3, "eu": 3, "sea": 3})
        custom.delete_namespaced_custom_object(*place, "web")


@pytest.mark.parametrize("alive", [True, False], ids=["alive", "dead"])
def test_a_fourth_region_joins_and_gets_the_tenants_and_leaves_without_a_trace(
    federation: Federation, *, alive: bool
) -> None:
    settings = yaml.safe_load(federation.clone.stack_file.read_text())
    before = federation.clone.stack_file.read_text()
    settings["config"]["fleet:regions"]["apac"] = region(4, "ap-northeast-1")
    federation.clone.stack_file.write_text(yaml.safe_dump(settings, sort_keys=False))
    try:
        federation.clone.fleet("up").check()
        assert federation.members()["lab-apac"] == "True"
        assert set(reach(federation.clone, "apac").owned()) == expected(federation.clone, "apac")
        if not alive:
            lifecycle.stop(federation.cluster_folder("apac"))
    finally:
        federation.clone.stack_file.write_text(before)
        federation.clone.fleet("up").check()
    assert sorted(federation.members()) == ["lab-eu", "lab-na", "lab-sea"]
    assert not federation.cluster_folder("apac").exists()
    assert [name for name in federation.karmada.core.list_namespace().items if "apac" in name.metadata.name] == []


def test_a_member_gets_new_credentials_and_the_old_ones_open_nothing(federation: Federation) -> None:
    cluster = reach(federation.clone, "na")
    token = cluster.core.read_namespaced_secret("karmada-token-1", "karmada-cluster").data["token"]
    settings = yaml.safe_load(federation.clone.stack_file.read_text())
    settings["config"]["fleet:regions"]["na"]["federation"] = {"credential": 2}
    federation.clone.stack_file.write_text(yaml.safe_dump(settings, sort_keys=False))
    federation.clone.fleet("up").check()
    names = {secret.metadata.name for secret in cluster.core.list_namespaced_secret("karmada-cluster").items}
    assert names == {"karmada-token-2", "karmada-impersonator-token-2"}
    held = federation.karmada.core.read_namespaced_secret("lab-na", "karmada-cluster").data["token"]
    assert held == cluster.core.read_namespaced_secret("karmada-token-2", "karmada-cluster").data["token"] != token
    eventually(lambda: _is_refused(cluster, token))  # the API server remembers for seconds whom it has let in
    with federation.workload("web", "even", 3):
        federation.expect("web", {"na": 1, "eu": 1, "sea": 1})


def test_without_karmada_regions_and_tenants_go_on_and_it_converges_when_it_is_back(federation: Federation) -> None:
    with federation.workload("web", "even", 3):
        federation.expect("web", {"na": 1, "eu": 1, "sea": 1})
        Group(federation.karmada_folder).stop()
        cluster = reach(federation.clone, "eu")
        cluster.networking.delete_namespaced_network_policy("tenant", "shop")
        assert federation.replicas("web") == {"na": 1, "eu": 1, "sea": 1}
        federation.clone.fleet("up").check()
        eventually(lambda: cluster.networking.list_namespaced_network_policy("shop").items, _SECONDS)


def test_a_karmada_that_lost_its_data_is_made_anew_and_nothing_in_the_regions_is_touched(
    federation: Federation,
) -> None:
    with federation.workload("web", "even", 3):
        federation.expect("web", {"na": 1, "eu": 1, "sea": 1})
        before = federation.uids()
        Group(federation.karmada_folder).stop()
        shutil.rmtree(federation.karmada_folder / "etcd")
        federation.clone.fleet("up").check()
        assert federation.members() == {"lab-eu": "True", "lab-na": "True", "lab-sea": "True"}
        assert federation.uids() == before
        federation.clone.pulumi("preview", "--expect-no-changes").check()
        # Workloads that somebody else has put into Karmada run on; put in again, they are taken over as they are.
        apps = client.AppsV1Api(federation.karmada.api)
        apps.create_namespaced_deployment("shop", _deployment("web", "even", 6))
        federation.expect("web", {"na": 2, "eu": 2, "sea": 2})
        assert federation.uids() == before


def test_down_ends_with_a_member_that_is_dead(new_clone: NewClone) -> None:
    clone = new_clone(small() | {"federation": {"enabled": True}})
    clone.fleet("up").check()
    lifecycle.stop(clone.stack_folder / "clusters" / "lab-na")
    clone.fleet("down").check()
    check_gone(clone)


def _is_refused(cluster: Cluster, token: str) -> bool:
    """Whether the API server refuses the token, which is in base64."""
    review = client.V1TokenReview(spec=client.V1TokenReviewSpec(token=_decoded(token)))
    return not client.AuthenticationV1Api(cluster.api).create_token_review(review).status.authenticated


def _decoded(text: str) -> str:
    return b64decode(text).decode()
