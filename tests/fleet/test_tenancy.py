"""Tenants on the real API servers: who may do what, how much, and what they cannot get around."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from tests.fleet.clone import eventually
from tests.fleet.cluster import Cluster, impersonating
from tests.fleet.conftest import Fleet

_REGIONS = ("na", "eu", "sea")
_RBAC = "rbac.authorization.k8s.io"
_ALL = frozenset({"viewer", "developer", "admin"})
_WRITERS = frozenset({"developer", "admin"})
_ADMIN = frozenset({"admin"})
_NOBODY: frozenset[str] = frozenset()

# verb, API group, resource (with its subresource), and the roles that may.
_RIGHTS = [
    ("get", "", "pods", _ALL),
    ("list", "", "configmaps", _ALL),
    ("watch", "", "events", _ALL),
    ("get", "", "pods/log", _ALL),
    ("list", "", "resourcequotas", _ALL),
    ("list", "apps", "deployments", _ALL),
    ("list", "networking.k8s.io", "networkpolicies", _ALL),
    ("create", "", "pods", _WRITERS),
    ("delete", "", "pods", _WRITERS),
    ("create", "", "pods/exec", _WRITERS),
    ("create", "", "pods/portforward", _WRITERS),
    ("get", "", "secrets", _WRITERS),
    ("create", "", "secrets", _WRITERS),
    ("update", "", "configmaps", _WRITERS),
    ("create", "", "services", _WRITERS),
    ("create", "apps", "deployments", _WRITERS),
    ("patch", "apps", "deployments/scale", _WRITERS),
    ("delete", "apps", "statefulsets", _WRITERS),
    ("create", "batch", "cronjobs", _WRITERS),
    ("create", "", "serviceaccounts", _ADMIN),
    ("create", "", "pods/eviction", _ADMIN),
    ("create", "policy", "poddisruptionbudgets", _ADMIN),
    ("list", _RBAC, "rolebindings", _ADMIN),
    ("create", _RBAC, "rolebindings", _NOBODY),
    ("update", _RBAC, "roles", _NOBODY),
    ("escalate", _RBAC, "roles", _NOBODY),
    ("bind", _RBAC, "clusterroles", _NOBODY),
    ("update", "", "resourcequotas", _NOBODY),
    ("delete", "", "resourcequotas", _NOBODY),
    ("patch", "", "limitranges", _NOBODY),
    ("create", "networking.k8s.io", "networkpolicies", _NOBODY),
    ("delete", "networking.k8s.io", "networkpolicies", _NOBODY),
    ("patch", "", "namespaces", _NOBODY),
    ("delete", "", "namespaces", _NOBODY),
    ("create", "", "endpoints", _NOBODY),
    ("create", "discovery.k8s.io", "endpointslices", _NOBODY),
    ("impersonate", "", "serviceaccounts", _NOBODY),
    ("create", "", "pods/binding", _NOBODY),
]
_ROLES = {
    "viewer": {"groups": ["shop-viewers"]},
    "developer": {"groups": ["shop-developers"]},
    "admin": {"groups": ["shop-admins"]},
}


@pytest.fixture(scope="module")
def clusters(fleet: Fleet) -> dict[str, Cluster]:
    """The clusters by region, as their administrator."""
    return {region: fleet.cluster(region) for region in (*_REGIONS, "manager")}


def _attributes(verb: str, group: str, resource: str) -> dict[str, str]:
    name, _, subresource = resource.partition("/")
    return {"verb": verb, "group": group, "resource": name, "subresource": subresource}


@pytest.mark.parametrize("role", _ROLES)
@pytest.mark.parametrize("right", [pytest.param(right, id=f"{right[0]}-{right[2]}") for right in _RIGHTS])
def test_a_role_may_in_its_own_namespace_what_it_should_and_nothing_anywhere_else(
    clusters: dict[str, Cluster], role: str, right: tuple[str, str, str, frozenset[str]]
) -> None:
    verb, group, resource, roles = right
    attributes = _attributes(verb, group, resource)
    for region in _REGIONS:
        namespaces = ["shop", "payments-api", "payments-ledger", "kube-system", "default", ""]
        allowed = [each for each in namespaces if clusters[region].allows(_ROLES[role], namespace=each, **attributes)]
        assert allowed == (["shop"] if role in roles else []), f"in {region}"


def test_users_have_the_roles_that_settings_name_them_for(clusters: dict[str, Cluster]) -> None:
    create = _attributes("create", "apps", "deployments")
    for namespace in ("payments-api", "payments-ledger"):
        assert clusters["na"].allows({"user": "dana@example.com"}, namespace=namespace, **create)
    assert not clusters["na"].allows({"user": "dana@example.com"}, namespace="shop", **create)
    assert clusters["eu"].allows({"user": "robin@example.com"}, namespace="reports", **create)


def test_who_is_in_no_role_may_nothing(clusters: dict[str, Cluster]) -> None:
    for verb, group, resource, _ in _RIGHTS:
        assert not clusters["na"].allows({}, namespace="shop", **_attributes(verb, group, resource)), (verb, resource)


@pytest.mark.parametrize(
    ("resource", "group"), [("nodes", ""), ("persistentvolumes", ""), ("clusterroles", _RBAC), ("namespaces", "")]
)
@pytest.mark.parametrize("verb", ["list", "create", "delete"])
def test_no_role_reaches_beyond_namespaces(clusters: dict[str, Cluster], verb: str, group: str, resource: str) -> None:
    for who in _ROLES.values():
        assert not clusters["eu"].allows(who, verb=verb, group=group, resource=resource)


def test_a_tenant_is_in_its_regions_and_in_no_other(clusters: dict[str, Cluster]) -> None:
    where = {region: set(cluster.namespaces()) for region, cluster in clusters.items()}
    everywhere = {"shop", "payments-api", "payments-ledger"}
    assert where == {
        "na": everywhere | {"search"},
        "eu": everywhere | {"search", "reports"},
        "sea": everywhere | {"telemetry"},
        "manager": set(),
    }


def test_a_tenant_may_nothing_in_a_region_that_it_is_not_in(clusters: dict[str, Cluster]) -> None:
    create = _attributes("create", "", "pods")
    assert clusters["eu"].allows({"user": "robin@example.com"}, namespace="reports", **create)
    for region in ("na", "sea", "manager"):
        assert not clusters[region].allows({"user": "robin@example.com"}, namespace="reports", **create)


def _pod(*containers: dict[str, Any], restricted: bool = True, **spec: object) -> dict[str, Any]:
    safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    template = {"image": "registry.example.com/app:1", **({"securityContext": safe} if restricted else {})}
    pod_wide = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}} if restricted else {}
    return {
        "metadata": {"name": "probe"},
        "spec": {
            "securityContext": pod_wide,
            "containers": [{"name": f"c{at}", **template, **each} for at, each in enumerate(containers or [{}])],
            **spec,
        },
    }


def _create(cluster: Cluster, namespace: str, pod: dict[str, Any]) -> client.V1Pod:
    return cluster.core.create_namespaced_pod(namespace, pod, dry_run="All")


def _refusal(cluster: Cluster, namespace: str, pod: dict[str, Any]) -> str:
    with pytest.raises(client.ApiException) as caught:
        _create(cluster, namespace, pod)
    assert caught.value.status == 403
    return str(caught.value.body)


@pytest.fixture(scope="module")
def shop(fleet: Fleet) -> Iterator[Cluster]:
    """The cluster na as a developer of the tenant shop sees it."""
    with impersonating(fleet.kubeconfig, "lab-na", group="shop-developers") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def reports(fleet: Fleet) -> Iterator[Cluster]:
    """The cluster eu as the admin of the tenant reports, which may use one CPU, sees it."""
    with impersonating(fleet.kubeconfig, "lab-eu", user="robin@example.com") as cluster:
        quota = eventually(lambda: cluster.core.read_namespaced_resource_quota("tenant", "reports").status.hard)
        assert quota["limits.cpu"] == "1"
        yield cluster


def test_a_pod_within_quota_and_standards_is_taken(shop: Cluster, reports: Cluster) -> None:
    assert _create(shop, "shop", _pod()).metadata.name == "probe"
    assert _create(reports, "reports", _pod({"resources": {"limits": {"cpu": "400m"}}})).metadata.name == "probe"


def test_a_pod_over_quota_is_refused_with_what_is_used_and_what_is_left(reports: Cluster) -> None:
    """Its sidecar counts, too, with 500m."""
    half = {"resources": {"limits": {"cpu": "600m", "memory": "128Mi"}}}
    reason = _refusal(reports, "reports", _pod(half, half))
    assert re.search(
        r"exceeded quota: tenant, requested: limits\.cpu=1700m.* used: limits\.cpu=0.* limited: limits\.cpu=1", reason
    )


def test_a_container_over_its_limit_is_refused(shop: Cluster) -> None:
    reason = _refusal(shop, "shop", _pod({"resources": {"limits": {"cpu": "5"}}}))
    assert "maximum cpu usage per Container is 4, but limit is 5" in reason


def test_a_container_that_says_nothing_gets_the_defaults(shop: Cluster) -> None:
    resources = _create(shop, "shop", _pod()).spec.containers[0].resources
    assert resources.requests == {"cpu": "100m", "memory": "128Mi"}
    assert resources.limits == {"cpu": "500m", "memory": "512Mi"}


def test_a_load_balancer_that_the_quota_has_none_of_is_refused(shop: Cluster) -> None:
    service = {"metadata": {"name": "probe"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    with pytest.raises(client.ApiException, match=r"exceeded quota: tenant.*services\.loadbalancers"):
        shop.core.create_namespaced_service("shop", service, dry_run="All")


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (_pod({"securityContext": {"privileged": True}}), "privileged"),
        (_pod(hostNetwork=True), "host namespaces"),
        (_pod(volumes=[{"name": "host", "hostPath": {"path": "/"}}]), "restricted volume type"),
        (_pod(restricted=False), "runAsNonRoot"),
    ],
    ids=["privileged", "host-network", "host-path", "root"],
)
def test_a_pod_that_the_restricted_standard_forbids_is_refused(shop: Cluster, pod: dict[str, Any], reason: str) -> None:
    refusal = _refusal(shop, "shop", pod)
    assert 'violates PodSecurity \\"restricted' in refusal
    assert reason in refusal


def test_baseline_takes_more_than_restricted_but_nothing_privileged(fleet: Fleet) -> None:
    with impersonating(fleet.kubeconfig, "lab-sea", group="telemetry-developers") as telemetry:
        assert _create(telemetry, "telemetry", _pod(restricted=False)).metadata.name == "probe"
        privileged = _pod({"securityContext": {"privileged": True}}, restricted=False)
        assert 'violates PodSecurity \\"baseline' in _refusal(telemetry, "telemetry", privileged)


def test_a_pod_runs(fleet: Fleet, shop: Cluster) -> None:
    shop.core.create_namespaced_pod("shop", _pod())
    try:
        eventually(lambda: shop.core.read_namespaced_pod("probe", "shop").status.phase == "Running")
    finally:
        fleet.cluster("na").core.delete_namespaced_pod("probe", "shop", grace_period_seconds=0)


def test_nobody_can_widen_what_they_may_do(fleet: Fleet) -> None:
    subject = {"kind": "Group", "name": "shop-admins", "apiGroup": _RBAC}
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    privileged = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    binding = {
        "metadata": {"name": "mine"},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [subject],
    }
    with impersonating(fleet.kubeconfig, "lab-na", group="shop-admins") as admin:
        attempts: dict[str, Callable[[], object]] = {
            "bind cluster-admin": lambda: admin.rbac.create_namespaced_role_binding("shop", binding),
            "bind it everywhere": lambda: admin.rbac.create_cluster_role_binding(binding),
            "make a role": lambda: admin.rbac.create_namespaced_role(
                "shop", {"metadata": {"name": "mine"}, "rules": [rule]}
            ),
            "widen a role": lambda: admin.rbac.patch_namespaced_role("tenant-admin", "shop", {"rules": [rule]}),
            "relabel the namespace": lambda: admin.core.patch_namespace("shop", privileged),
            "drop the quota": lambda: admin.core.delete_namespaced_resource_quota("tenant", "shop"),
            "drop the limits": lambda: admin.core.delete_namespaced_limit_range("tenant", "shop"),
            "drop the policy": lambda: admin.networking.delete_namespaced_network_policy("tenant", "shop"),
            "read another's secrets": lambda: admin.core.list_namespaced_secret("payments-api"),
            "read the system's": lambda: admin.core.list_namespaced_secret("kube-system"),
        }
        got_through = []
        for what, attempt in attempts.items():
            try:
                attempt()
            except client.ApiException as error:
                assert error.status == 403, what  # noqa: PT017 - every attempt is made before the verdict
            else:
                got_through.append(what)
    assert got_through == []


def test_a_service_account_of_a_tenant_may_nothing_by_itself(clusters: dict[str, Cluster]) -> None:
    account = {
        "user": "system:serviceaccount:shop:default",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:shop"],
    }
    for verb, resource in (("get", "secrets"), ("list", "pods"), ("create", "pods")):
        assert not clusters["na"].allows(account, verb=verb, resource=resource, namespace="shop")


@pytest.mark.parametrize("region", _REGIONS)
def test_every_namespace_denies_all_traffic_but_its_tenants_own_dns_and_the_mesh(
    clusters: dict[str, Cluster], region: str
) -> None:
    """The policies as objects: KWOK simulates pods, so no packet flows that they could stop."""
    cluster = clusters[region]
    for namespace, found in cluster.namespaces().items():
        (policy,) = cluster.networking.list_namespaced_network_policy(namespace).items
        spec = cluster.api.sanitize_for_serialization(policy.spec)
        tenant = found.metadata.labels["fleet/tenant"]
        assert spec["podSelector"] == {}, "it covers every pod"
        assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"], "and both directions"

        sources = [_peer(peer) for rule in spec["ingress"] for peer in rule["from"]]
        assert sorted(sources) == sorted([f"tenant {tenant}", "istio-ingress istio-system"])
        destinations = sorted((_peer(peer), _ports(rule)) for rule in spec["egress"] for peer in rule["to"])
        outside = [("203.0.113.0/24", "TCP 443")] if tenant == "payments" else []
        assert destinations == sorted(
            [
                (f"tenant {tenant}", "all"),
                ("kube-system k8s-app=kube-dns", "TCP 53, UDP 53"),
                ("istio-ingress istio-system", "TCP 15012, TCP 15443"),
                *((f"10.10{number}.0.0/16", "TCP 15443") for number in (1, 2, 3)),  # the regions' gateways
                *outside,
            ]
        )


def _peer(peer: dict[str, Any]) -> str:
    """What a peer of a policy selects, in a few words."""
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    namespaces = peer["namespaceSelector"]
    labels = namespaces.get("matchLabels", {})
    if "fleet/tenant" in labels:
        words = [f"tenant {labels.pop('fleet/tenant')}"]
    else:
        key = "kubernetes.io/metadata.name"
        (expression,) = namespaces.get(
            "matchExpressions", [{"key": key, "operator": "In", "values": [labels.pop(key, "")]}]
        )
        assert (expression["key"], expression["operator"]) == (key, "In")
        words = sorted(expression["values"])
    assert not labels
    words += [f"{name}={value}" for name, value in peer.get("podSelector", {}).get("matchLabels", {}).items()]
    return " ".join(words)


def _ports(rule: dict[str, Any]) -> str:
    return ", ".join(sorted(f"{port['protocol']} {port['port']}" for port in rule.get("ports", []))) or "all"


def test_namespaces_say_whose_they_are(clusters: dict[str, Cluster]) -> None:
    namespace = clusters["eu"].namespaces()["payments-ledger"]
    assert namespace.metadata.labels["fleet/tenant"] == "payments"
    assert namespace.metadata.annotations["fleet/owner"] == "payments-team@example.com"
