"""A tenant in the mesh is called by nobody but itself, whom it grants, and the ingress; its proxies know no more."""

from __future__ import annotations

from typing import Any

from components.mesh.karmada import kind_definitions
from components.mesh.tenant import AUTHORIZATION, SIDECAR, authorization_spec, sidecar_spec, tenant_in_mesh
from components.mesh.values import istiod_values
from components.tenancy import tenant_manifests
from components.tenancy.network import policy_spec
from components.tenancy.region_sets import tenant_policies
from providers.karmada.objects import Key
from stacks.quantities import parse
from stacks.settings import Settings
from tests.unit.mesh_samples import fleet
from tests.unit.settings_samples import tenant

INGRESS = "cluster.local/ns/istio-system/sa/istio-ingressgateway"
SHOP = tenant("shop", namespaces=["web", "data"], mesh={"grants": [{"tenant": "search"}]})
SEARCH = tenant("search", namespaces=["api", "index"])
OTHER = tenant("other")


def specs(settings: Settings, name: str) -> tuple[list[str], list[str], dict[str, Any]]:
    """Return who may call a tenant, what its proxies know, and its network policy."""
    (found,) = [each for each in settings.tenants if each.name == name]
    mesh = tenant_in_mesh(settings, found)
    assert mesh is not None
    (rule,) = authorization_spec(found.namespace_names, mesh)["rules"]
    (source,) = rule["from"]
    (egress,) = sidecar_spec(found.namespace_names, mesh)["egress"]
    network = policy_spec(found, settings.address_ranges, mesh)
    return source["source"]["principals"], egress["hosts"], network


def allowed(principals: list[str], identity: str) -> bool:
    """Whether a policy admits an identity; Istio takes a `*` at the end for any ending."""
    return any(identity.startswith(each[:-1]) if each.endswith("*") else identity == each for each in principals)


def identity(namespace: str, account: str = "default") -> str:
    return f"cluster.local/ns/{namespace}/sa/{account}"


def test_a_tenant_is_called_by_its_own_namespaces_by_whom_it_grants_and_by_the_ingress() -> None:
    principals, *_ = specs(fleet(SHOP, SEARCH, OTHER), "shop")
    admitted = ["shop-web", "shop-data", "search-api", "search-index"]
    assert all(allowed(principals, identity(namespace)) for namespace in admitted)
    assert allowed(principals, INGRESS)
    for stranger in ("other", "shop", "shop-web2", "search", "default", "istio-system"):
        assert not allowed(principals, identity(stranger))
    assert not allowed(principals, "example.com/ns/shop-web/sa/default")


def test_a_grant_goes_one_way() -> None:
    principals, *_ = specs(fleet(SHOP, SEARCH, OTHER), "search")
    assert not allowed(principals, identity("shop-web"))


def test_a_grant_can_be_for_a_namespace_or_an_account_alone() -> None:
    grants = [{"tenant": "search", "namespace": "search-api", "serviceAccount": "indexer"}]
    principals, *_ = specs(fleet(tenant("shop", mesh={"grants": grants}), SEARCH), "shop")
    assert allowed(principals, identity("search-api", "indexer"))
    assert not allowed(principals, identity("search-api"))
    assert not allowed(principals, identity("search-index", "indexer"))


def test_identities_are_of_the_meshs_trust_domain() -> None:
    principals, *_ = specs(fleet(OTHER, mesh={"trustDomain": "fleet.example.com"}), "other")
    assert principals == [
        "fleet.example.com/ns/other/sa/*",
        "fleet.example.com/ns/istio-system/sa/istio-ingressgateway",
    ]


def test_proxies_know_of_their_own_namespaces_those_that_grant_and_the_meshs() -> None:
    settings = fleet(SHOP, SEARCH, OTHER)
    assert specs(settings, "search")[1] == [
        "istio-system/*",
        "search-api/*",
        "search-index/*",
        "shop-data/*",
        "shop-web/*",
    ]
    assert specs(settings, "other")[1] == ["istio-system/*", "other/*"]


def test_the_network_lets_through_what_is_granted_and_no_more() -> None:
    settings = fleet(SHOP, SEARCH, OTHER)

    def tenants_in(peers: list[dict[str, Any]]) -> set[str]:
        labels = [each.get("namespaceSelector", {}).get("matchLabels", {}) for each in peers]
        return {each["fleet/tenant"] for each in labels if "fleet/tenant" in each}

    shop, search, other = (specs(settings, name)[2] for name in ("shop", "search", "other"))
    assert tenants_in(shop["ingress"][0]["from"]) == {"shop", "search"}
    assert tenants_in(search["ingress"][0]["from"]) == {"search"}
    assert tenants_in(search["egress"][0]["to"]) == {"search", "shop"}
    assert tenants_in(shop["egress"][0]["to"]) == {"shop"}
    assert tenants_in(other["ingress"][0]["from"]) == tenants_in(other["egress"][0]["to"]) == {"other"}


def test_the_network_lets_proxies_reach_the_gateways_of_other_regions() -> None:
    *_, network = specs(fleet(OTHER, eu={"mesh": {"gatewayRanges": ["203.0.113.0/28"]}}), "other")
    (gateways,) = [rule for rule in network["egress"] if any("ipBlock" in peer for peer in rule["to"])]
    assert gateways["ports"] == [{"protocol": "TCP", "port": 15443}]
    assert [peer["ipBlock"]["cidr"] for peer in gateways["to"]] == ["10.102.0.0/16", "10.103.0.0/16", "203.0.113.0/28"]


def test_each_namespace_of_a_tenant_in_the_mesh_has_its_objects_and_sidecars() -> None:
    settings = fleet(SHOP, SEARCH)
    shop = settings.tenants[0]
    mesh = tenant_in_mesh(settings, shop)
    with_mesh = tenant_manifests(shop, "eu", address_ranges=(), mesh=mesh)
    without = tenant_manifests(shop, "eu", address_ranges=())
    for kind in (AUTHORIZATION, SIDECAR):
        found = [each for each in with_mesh if (each["apiVersion"], each["kind"]) == kind]
        assert [each["metadata"]["namespace"] for each in found] == ["shop-web", "shop-data"]
    assert len(with_mesh) == len(without) + 4
    labels = [each["metadata"]["labels"] for each in with_mesh if each["kind"] == "Namespace"]
    assert [each.get("istio-injection") for each in labels] == ["enabled", "enabled"]
    assert not any("istio-injection" in each["metadata"]["labels"] for each in without if each["kind"] == "Namespace")


def test_a_tenant_or_a_fleet_that_is_not_in_a_mesh_has_none_of_it() -> None:
    aside = fleet(tenant("aside", mesh={"enabled": False}))
    assert tenant_in_mesh(aside, aside.tenants[0]) is None
    without = fleet(OTHER, mesh={"enabled": False})
    assert tenant_in_mesh(without, without.tenants[0]) is None


def test_karmada_brings_them_to_the_regions_and_knows_their_kinds() -> None:
    (policy,) = tenant_policies([["eu"]], {"eu": "lab-eu"}, meshed=True)
    placed = {(each["apiVersion"], each["kind"]) for each in policy["spec"]["resourceSelectors"]}
    assert {AUTHORIZATION, SIDECAR} <= placed
    (plain,) = tenant_policies([["eu"]], {"eu": "lab-eu"})
    assert not {AUTHORIZATION, SIDECAR} & {
        (each["apiVersion"], each["kind"]) for each in plain["spec"]["resourceSelectors"]
    }
    defined = {
        (f"{each['spec']['group']}/{each['spec']['versions'][0]['name']}", each["spec"]["names"]["kind"])
        for each in kind_definitions()
    }
    assert defined == {AUTHORIZATION, SIDECAR}
    for each in kind_definitions():
        assert each["metadata"]["name"] == f"{each['spec']['names']['plural']}.{each['spec']['group']}"
        _, kind = each["spec"]["group"], each["spec"]["names"]["kind"]
        path = Key(kind, "shop", "tenant").path
        assert path == f"/apis/{each['spec']['group']}/v1/namespaces/shop/{each['spec']['names']['plural']}/tenant"


def test_istiod_is_told_what_the_settings_say() -> None:
    values = istiod_values(fleet(mesh={"trustDomain": "fleet.example.com"}).mesh)
    assert values["meshConfig"]["trustDomain"] == "fleet.example.com"
    assert values["meshConfig"]["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    assert values["pilot"]["env"]["ISTIO_MULTIROOT_MESH"] == "true"
    anywhere = istiod_values(fleet(mesh={"egress": "any"}).mesh)
    assert anywhere["meshConfig"]["outboundTrafficPolicy"] == {"mode": "ALLOW_ANY"}


def test_sidecars_are_such_that_a_tenants_namespace_takes_them() -> None:
    """The standard `restricted` refuses containers that set up a network, or have no seccomp profile."""
    values = istiod_values(fleet().mesh)
    assert values["pilot"]["cni"] == {"enabled": True}
    assert values["global"]["proxy"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_a_sidecar_fits_what_one_container_of_a_usual_tenant_may_have() -> None:
    resources, limits = istiod_values(fleet().mesh)["global"]["proxy"]["resources"], fleet(OTHER).tenants[0].limits
    for resource in ("cpu", "memory"):
        least, asked = parse(limits.min[resource]), parse(resources["requests"][resource])
        assert least <= asked <= parse(resources["limits"][resource]) <= parse(limits.default[resource])
