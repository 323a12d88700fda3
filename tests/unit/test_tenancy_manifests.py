"""What a tenant gets, and what nobody in it can do, as the objects themselves say it."""

from typing import Any

import pytest

from components.tenancy import tenant_manifests
from components.tenancy.roles import rules
from stacks.access import Role
from stacks.quantities import canonical
from tests.unit.settings_samples import loaded, tenant

EVERYBODY = {role.value: {"groups": [f"{role.value}s"]} for role in Role}
RANGES = ("10.1.0.0/16", "10.101.0.0/16", "fd00:1::/56")


def objects(**changes: object) -> list[dict[str, Any]]:
    (settings,) = loaded(tenant(**changes)).tenants
    return tenant_manifests(settings, "eu", address_ranges=RANGES)


def only(kind: str, **changes: object) -> dict[str, Any]:
    (found,) = [each for each in objects(**changes) if each["kind"] == kind]
    return found


def test_a_namespace_has_four_objects_and_two_for_each_role_that_somebody_has() -> None:
    assert [each["kind"] for each in objects()] == ["Namespace", "LimitRange", "NetworkPolicy", "ResourceQuota"]
    assert [each["kind"] for each in objects(access=EVERYBODY)][3:-1] == ["Role", "RoleBinding"] * 3
    assert len(objects(access=EVERYBODY, namespaces=["a", "b"])) == 20


def test_every_object_is_known_as_the_tenants_and_lies_in_its_namespace() -> None:
    for each in objects(access=EVERYBODY, namespaces=["web", "data"]):
        metadata = each["metadata"]
        assert metadata["labels"].items() >= {"app.kubernetes.io/managed-by": "fleet", "fleet/tenant": "shop"}.items()
        namespace = metadata["name"] if each["kind"] == "Namespace" else metadata["namespace"]
        assert namespace in {"shop-web", "shop-data"}


def test_a_namespace_comes_before_what_is_in_it() -> None:
    seen: set[str] = set()
    for each in objects(namespaces=["b", "a"]):
        if each["kind"] == "Namespace":
            seen.add(each["metadata"]["name"])
        else:
            assert each["metadata"]["namespace"] in seen


@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_pod_security_is_enforced(level: str) -> None:
    namespace = only("Namespace", podSecurity=level)["metadata"]
    mode = "pod-security.kubernetes.io"
    labels = {f"{mode}/enforce": level, f"{mode}/audit": "restricted", f"{mode}/warn": "restricted"}
    assert namespace["labels"].items() >= labels.items()
    assert namespace["annotations"] == {"fleet/owner": "team@example.com"}


def test_the_quota_is_the_regions_share_as_the_api_server_stores_it() -> None:
    hard = only("ResourceQuota", quota={"requests.cpu": 1, "pods": 4000, "limits.memory": "2048Mi"})["spec"]["hard"]
    assert (hard["requests.cpu"], hard["pods"], hard["limits.memory"]) == ("500m", "2k", "1Gi")
    assert all(canonical(quantity) == quantity for quantity in hard.values())
    assert list(hard) == sorted(hard)


def test_the_limit_range_bounds_and_fills_in_every_container() -> None:
    (limits,) = only("LimitRange", limits={"max": {"cpu": "1000m"}})["spec"]["limits"]
    assert limits == {
        "type": "Container",
        "min": {"cpu": "10m", "memory": "16Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
        "default": {"cpu": "500m", "memory": "512Mi"},
        "max": {"cpu": "1", "memory": "8Gi"},
    }


def test_roles_are_bound_to_their_groups_and_users_and_to_nobody_else() -> None:
    access = {"admin": {"groups": ["b", "a"]}, "viewer": {"users": ["dana"]}}
    found = objects(access=access)
    bindings = {each["metadata"]["name"]: each for each in found if each["kind"] == "RoleBinding"}
    api = "rbac.authorization.k8s.io"
    assert {name: each["subjects"] for name, each in bindings.items()} == {
        "tenant-admin": [{"apiGroup": api, "kind": "Group", "name": name} for name in ("a", "b")],
        "tenant-viewer": [{"apiGroup": api, "kind": "User", "name": "dana"}],
    }
    for name, binding in bindings.items():
        assert binding["roleRef"] == {"apiGroup": api, "kind": "Role", "name": name}
    granted = {each["metadata"]["name"]: each["rules"] for each in found if each["kind"] == "Role"}
    assert granted == {"tenant-admin": rules(Role.ADMIN), "tenant-viewer": rules(Role.VIEWER)}


def may(role: Role, verb: str, group: str, resource: str) -> bool:
    """Return whether a role's rules allow something, as the API server's RBAC authorizer reads them."""
    return any(
        verb in rule["verbs"] and group in rule["apiGroups"] and resource in rule["resources"] for rule in rules(role)
    )


WRITES = ["create", "update", "patch", "delete", "deletecollection"]
NEVER_WRITTEN = [
    ("policy.karmada.io", "propagationpolicies"),
    ("policy.karmada.io", "federatedresourcequotas"),
    ("cluster.karmada.io", "clusters"),
    ("work.karmada.io", "resourcebindings"),
    ("", "namespaces"),
    ("", "resourcequotas"),
    ("", "limitranges"),
    ("", "endpoints"),
    ("discovery.k8s.io", "endpointslices"),
    ("networking.k8s.io", "networkpolicies"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
]


@pytest.mark.parametrize("role", Role)
def test_nobody_may_write_what_isolates_and_limits_the_tenant(role: Role) -> None:
    for group, resource in NEVER_WRITTEN:
        assert not [verb for verb in WRITES if may(role, verb, group, resource)]
    for rule in rules(role):
        assert not {"*", "bind", "escalate", "impersonate"} & set(rule["verbs"])
        assert not [each for each in (*rule["resources"], *rule["apiGroups"]) if "*" in each]
        assert not [each for each in rule["resources"] if each.endswith("/proxy")]
        assert not {"policy.karmada.io", "cluster.karmada.io", "work.karmada.io"} & set(rule["apiGroups"])


def test_viewers_look_but_see_no_secrets_and_write_nothing() -> None:
    for rule in rules(Role.VIEWER):
        assert set(rule["verbs"]) <= {"get", "list", "watch"}
        assert "secrets" not in rule["resources"]
    assert may(Role.VIEWER, "get", "", "pods/log")
    assert may(Role.VIEWER, "list", "apps", "deployments")
    assert may(Role.VIEWER, "list", "autoscaling.karmada.io", "federatedhpas")


def test_developers_run_workloads_but_do_not_handle_identities() -> None:
    for group, resource in (
        ("", "pods"),
        ("", "secrets"),
        ("", "pods/exec"),
        ("apps", "deployments"),
        ("autoscaling.karmada.io", "cronfederatedhpas"),
        ("autoscaling.karmada.io", "federatedhpas"),
        ("batch", "jobs"),
    ):
        assert may(Role.DEVELOPER, "create", group, resource)
        assert not may(Role.VIEWER, "create", group, resource)
    for resource in ("serviceaccounts", "serviceaccounts/token", "pods/eviction"):
        assert not may(Role.DEVELOPER, "create", "", resource)
        assert may(Role.ADMIN, "create", "", resource)


def test_each_role_may_do_what_the_one_below_it_may() -> None:
    for higher, lower in ((Role.ADMIN, Role.DEVELOPER), (Role.DEVELOPER, Role.VIEWER)):
        assert rules(higher)[: len(rules(lower))] == rules(lower)
        assert len(rules(higher)) > len(rules(lower))


def peers(rules_: list[dict[str, Any]], direction: str) -> list[dict[str, Any]]:
    return [peer for rule in rules_ for peer in rule[direction]]


def test_all_traffic_is_denied_but_the_tenants_own_dns_and_the_mesh() -> None:
    spec = only("NetworkPolicy")["spec"]
    assert (spec["podSelector"], spec["policyTypes"]) == ({}, ["Ingress", "Egress"])
    own = {"namespaceSelector": {"matchLabels": {"fleet/tenant": "shop"}}}
    label = "kubernetes.io/metadata.name"
    mesh = {
        "namespaceSelector": {
            "matchExpressions": [{"key": label, "operator": "In", "values": ["istio-system", "istio-ingress"]}]
        }
    }
    dns = {
        "namespaceSelector": {"matchLabels": {label: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    assert peers(spec["ingress"], "from") == [own, mesh]
    assert peers(spec["egress"], "to") == [own, dns, mesh]
    ports = [{port["port"] for port in rule.get("ports", [])} for rule in spec["egress"]]
    assert ports == [set(), {53}, {15012, 15443}]


def egress(*rules_: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = only("NetworkPolicy", network={"egress": list(rules_)})["spec"]["egress"][3:]
    return found


def test_egress_opens_the_ports_that_are_named_or_all() -> None:
    assert egress({"cidr": "203.0.113.0/24", "ports": [53, 853], "protocol": "UDP"}, {"cidr": "198.51.100.0/24"}) == [
        {
            "to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}],
            "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "UDP", "port": 853}],
        },
        {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]},
    ]


def test_egress_to_everywhere_still_reaches_neither_the_fleet_nor_a_clouds_metadata() -> None:
    (v4,), (v6,) = (rule["to"] for rule in egress({"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}))
    assert v4["ipBlock"]["except"] == ["10.1.0.0/16", "10.101.0.0/16", "169.254.0.0/16"]
    assert v6["ipBlock"]["except"] == ["fd00:1::/56", "fd00:ec2::/32", "fe80::/10"]


def test_the_same_settings_make_the_same_objects() -> None:
    one: dict[str, Any] = {"quota": {"pods": 3, "secrets": 2}, "access": {"admin": {"groups": ["a", "b"]}}}
    other: dict[str, Any] = {"access": {"admin": {"groups": ["b", "a"]}}, "quota": {"secrets": 2, "pods": 3}}
    assert repr(objects(**one)) == repr(objects(**other))
