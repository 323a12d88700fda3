"""Tenants through Karmada: one resource each, in the regions that settings name, with their shares of the quota."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import set_mocks

from components.tenancy import FederatedTenant, FederatedTenantArgs, TenantPlacement, TenantPlacementArgs
from components.tenancy.region_sets import region_set, tenant_policies
from components.tenancy.roles import rules
from providers.karmada import Provider, ResourceTemplatesArgs
from stacks.access import Role
from stacks.federation import EvenPlacement, FailoverSettings, SinglePlacement
from stacks.settings import Settings
from stacks.tenants import Tenant as TenantSettings
from tests.unit.federation_samples import SampleControlPlane
from tests.unit.settings_samples import cluster, loaded, tenant
from tests.unit.test_tenancy_delivery import Recorder

RANGES = ("10.1.0.0/16",)
MEMBERS = {"eu": "lab-eu", "na": "lab-na", "sea": "lab-sea"}
PLACEMENTS = {"even": EvenPlacement(strategy="even"), "sea": SinglePlacement(strategy="single", region="sea")}
EVERYBODY = {role.value: {"groups": [f"{role.value}s"]} for role in Role}


def fleet(*tenants: object) -> Settings:
    return loaded(*tenants, regions={name: cluster(at) for at, name in enumerate(MEMBERS, start=1)})


def settings(**changes: object) -> TenantSettings:
    return fleet(tenant(**changes)).tenants[0]


def arguments(what: TenantSettings, control_plane: Any = None, **changes: Any) -> FederatedTenantArgs:  # noqa: ANN401
    given = {"members": MEMBERS, "placements": PLACEMENTS, "failover": FailoverSettings(), **changes}
    return FederatedTenantArgs(tenant=what, control_plane=control_plane, address_ranges=RANGES, **given)


def manifests(**changes: object) -> list[dict[str, Any]]:
    return arguments(settings(**changes)).manifests()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    mocks = Recorder()
    set_mocks(mocks, project="fleet", stack="lab")
    yield mocks
    set_mocks(Recorder())


@pytest.mark.parametrize("regions", [["eu"], ["eu", "na"], ["eu", "na", "sea"]])
def test_a_tenant_is_one_resource_however_many_regions_it_has(recorder: Recorder, regions: list[str]) -> None:
    what = settings(regions=regions, namespaces=["web", "data"], access=EVERYBODY)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        component = FederatedTenant("shop", arguments(what, SampleControlPlane()))
        assert component.namespaces == {region: ["shop-web", "shop-data"] for region in regions}
        return component.urn.apply(lambda _: None)

    run()
    (templates,) = [each for each in recorder.created if each.typ == "karmada:index:ResourceTemplates"]
    tenant_types = [each.typ for each in recorder.created if "ample" not in each.typ and "providers" not in each.typ]
    assert len(tenant_types) == 2, "the component, and what it keeps"
    wanted = ResourceTemplatesArgs(
        manifests=arguments(what).manifests(), members=[MEMBERS[each] for each in regions], karmada="1"
    )
    assert {key: value for key, value in templates.inputs.items() if value is not None} == wanted.properties()
    assert templates.name == "shop-templates"
    assert "::karmada-templates::" in (templates.provider or "")


def test_the_policies_are_one_resource_for_the_fleet(recorder: Recorder) -> None:
    tenants = fleet(
        tenant("a"), tenant("b"), tenant("c", regions=["na", "eu"]), tenant("d", regions=["eu", "na"])
    ).tenants

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        args = TenantPlacementArgs(tenants=tenants, members=MEMBERS, control_plane=SampleControlPlane())
        return TenantPlacement("tenants", args).urn.apply(lambda _: None)

    run()
    (templates,) = [each for each in recorder.created if each.typ == "karmada:index:ResourceTemplates"]
    assert sorted(templates.inputs["manifests"]) == [
        "ClusterPropagationPolicy/tenants.eu.na",
        "ClusterPropagationPolicy/tenants.eu.na.sea",
        "ClusterRole/fleet:member-proxy",
        "ClusterRoleBinding/fleet:member-proxy",
    ]
    assert templates.inputs["members"] == []


def test_the_kubeconfig_of_the_provider_is_a_secret(recorder: Recorder) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        return Provider("karmada", kubeconfig="key", identifier="1").urn.apply(lambda _: None)

    run()
    (provider,) = recorder.created
    assert provider.typ == "pulumi:providers:karmada"
    assert provider.inputs["kubeconfig"] == {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "value": "key",
    }


def selected_by(policy: dict[str, Any], manifest: dict[str, Any]) -> bool:
    return any(
        (each["apiVersion"], each["kind"]) == (manifest["apiVersion"], manifest["kind"])
        and each["labelSelector"]["matchLabels"].items() <= manifest["metadata"]["labels"].items()
        for each in policy["spec"]["resourceSelectors"]
    )


def test_each_object_is_placed_in_its_tenants_regions_by_one_policy() -> None:
    policies = tenant_policies([["eu", "na", "sea"], ["na", "eu"], ["sea"]], MEMBERS)
    assert len(policies) == 3
    for regions in (["eu", "na", "sea"], ["na", "eu"], ["sea"]):
        for each in manifests(regions=regions, access=EVERYBODY):
            if "karmada.io" in each["apiVersion"]:
                continue
            (policy,) = [policy for policy in policies if selected_by(policy, each)]
            placement = policy["spec"]["placement"]
            assert placement["clusterAffinity"]["clusterNames"] == [MEMBERS[region] for region in sorted(regions)]
            assert placement["clusterTolerations"] == [{"operator": "Exists"}]
            assert policy["spec"]["conflictResolution"] == "Overwrite"


def test_policies_place_nothing_that_somebody_in_a_tenant_may_write() -> None:
    writable = {
        resource
        for rule in rules(Role.ADMIN)
        if set(rule["verbs"]) - {"get", "list", "watch"}
        for resource in rule["resources"]
    }
    (policy,) = tenant_policies([["eu"]], MEMBERS)
    plurals = {
        "Namespace": "namespaces",
        "LimitRange": "limitranges",
        "NetworkPolicy": "networkpolicies",
        "Role": "roles",
        "RoleBinding": "rolebindings",
    }
    assert {plurals[each["kind"]] for each in policy["spec"]["resourceSelectors"]} & writable == set()


def test_namespaces_go_nowhere_by_themselves() -> None:
    namespaces = [each for each in manifests(namespaces=["a", "b"]) if each["kind"] == "Namespace"]
    assert len(namespaces) == 2
    for each in namespaces:
        assert each["metadata"]["labels"]["namespace.karmada.io/skip-auto-propagation"] == "true"


def test_each_member_is_assigned_its_share_of_the_quota() -> None:
    found = manifests(regions=["na", "eu"], quota={"pods": 9}, quotaShares={"na": 2, "eu": 1})
    (quota,) = [each for each in found if each["kind"] == "FederatedResourceQuota"]
    assert quota["metadata"]["name"] == "tenant"
    assert quota["spec"]["overall"]["pods"] == "9"
    assigned = {each["clusterName"]: each["hard"]["pods"] for each in quota["spec"]["staticAssignments"]}
    assert assigned == {"lab-eu": "3", "lab-na": "6"}
    assert not [each for each in found if each["kind"] == "ResourceQuota"]


def test_workloads_can_ask_for_the_placements_that_have_a_region_of_the_tenants() -> None:
    for regions, names in ((["eu", "sea"], {"workloads-even", "workloads-sea"}), (["eu"], {"workloads-even"})):
        policies = [each for each in manifests(regions=regions) if each["kind"] == "PropagationPolicy"]
        assert {each["metadata"]["name"] for each in policies} == names | {"supporting"}
        assert {each["metadata"]["namespace"] for each in policies} == {"shop"}
        for each in policies:
            assert set(each["spec"]["placement"]["clusterAffinity"]["clusterNames"]) <= {
                MEMBERS[name] for name in regions
            }


def test_long_sets_of_regions_keep_apart_and_fit_a_label() -> None:
    many = [f"region-{number:02}" for number in range(12)]
    first, second = region_set(many), region_set(many[:-1])
    assert first != second
    assert len(f"tenants.{first}") <= 63
    assert region_set(reversed(many)) == first


def test_a_tenant_in_a_region_that_is_no_member_is_refused() -> None:
    with pytest.raises(ValueError, match="tenant shop runs in na, sea, which is no member of Karmada"):
        arguments(settings(), members={"eu": "lab-eu"})
