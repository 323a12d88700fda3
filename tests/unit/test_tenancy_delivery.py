"""A tenant's objects reach the clusters of its regions, and no others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks

from components.tenancy import Tenant, TenantArgs, tenant_manifests
from stacks.tenants import Tenant as TenantSettings
from tests.unit.settings_samples import loaded, tenant

RANGES = ("10.1.0.0/16",)


@dataclass
class Recorder(Mocks):
    """Answers for the engine and keeps what it was asked to create."""

    created: list[MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.created.append(args)
        return f"{args.name}-id", args.inputs

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"nothing is to be called, but {args.token} was")

    def objects(self) -> list[MockResourceArgs]:
        return [each for each in self.created if each.typ.startswith("kubernetes:")]


@dataclass
class StandIn:
    """A cluster as far as tenancy knows one."""

    provider: pulumi.ProviderResource
    resource: pulumi.Resource


def stand_in(name: str) -> StandIn:
    return StandIn(
        pulumi.ProviderResource("kubernetes", f"{name}-kubernetes", {}), pulumi.ComponentResource("t:m:C", name)
    )


def settings(**changes: object) -> TenantSettings:
    return loaded(tenant(**changes)).tenants[0]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    mocks = Recorder()
    set_mocks(mocks, project="fleet", stack="lab")
    yield mocks
    set_mocks(Recorder())


def deliver(what: TenantSettings, *regions: str, opts: pulumi.ResourceOptions | None = None) -> Tenant:
    clusters = {region: stand_in(f"lab-{region}") for region in regions}
    return Tenant(what.name, TenantArgs(tenant=what, clusters=clusters, address_ranges=RANGES), opts)


def test_each_region_gets_every_object_as_the_manifests_say(recorder: Recorder) -> None:
    what = settings(namespaces=["web", "data"], access={"viewer": {"groups": ["v"]}}, quotaShares={"eu": 1, "na": 2})
    by_region = {region: tenant_manifests(what, region, address_ranges=RANGES) for region in ("eu", "na")}

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        return deliver(what, "eu", "na").urn.apply(lambda _: None)

    run()
    for region in ("eu", "na"):
        own = [each for each in recorder.objects() if each.name.startswith(f"shop-{region}/")]
        by_name = {each.name + "/" + each.inputs["kind"]: each for each in own}
        assert len(by_name) == len(by_region[region]) == 12
        for manifest in by_region[region]:
            namespace, name = manifest["metadata"].get("namespace"), manifest["metadata"]["name"]
            path = "/".join(filter(None, (f"shop-{region}", namespace, name, manifest["kind"])))
            assert by_name[path].inputs == manifest
            assert f"::lab-{region}-kubernetes::" in (by_name[path].provider or "")
    assert len(recorder.objects()) == 24


def test_types_are_those_of_the_kubernetes_provider(recorder: Recorder) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        return deliver(settings(access={"admin": {"groups": ["a"]}}), "eu", "na").urn.apply(lambda _: None)

    run()
    assert {each.typ for each in recorder.objects()} == {
        "kubernetes:core/v1:LimitRange",
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:ResourceQuota",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:rbac.authorization.k8s.io/v1:Role",
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    }


def test_only_the_regions_that_a_tenant_asks_for_get_it(recorder: Recorder) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        component = deliver(settings(regions=["eu"]), "eu", "na")
        assert component.namespaces == {"eu": ["shop"]}
        return component.urn.apply(lambda _: None)

    run()
    assert {each.name.split("/")[0] for each in recorder.objects()} == {"shop-eu"}


@pytest.mark.usefixtures("recorder")
def test_what_is_in_a_namespace_follows_it_and_goes_with_it_and_all_goes_with_the_cluster() -> None:
    seen: dict[tuple[str, str], pulumi.ResourceTransformationArgs] = {}

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        seen[args.name, args.type_] = args

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        component = deliver(settings(), "eu", "na", opts=pulumi.ResourceOptions(transformations=[see]))
        return component.urn.apply(lambda _: None)

    run()
    component = seen.pop(("shop", "fleet:tenancy:Tenant")).resource
    assert len(seen) == 8
    for (name, kind), args in seen.items():
        region = name.split("/")[0].removeprefix("shop-")
        namespace = seen[f"shop-{region}/shop", "kubernetes:core/v1:Namespace"].resource
        assert args.opts.parent is component
        if kind.endswith(":Namespace"):
            cluster = args.opts.deleted_with
            assert isinstance(cluster, pulumi.ComponentResource)
            assert cluster._name == f"lab-{region}"
        else:
            assert args.opts.deleted_with is namespace
            assert args.opts.depends_on == [namespace]


def test_a_tenant_without_a_cluster_for_its_region_is_refused() -> None:
    with pytest.raises(ValueError, match="tenant shop runs in na, but got no cluster for it"):
        TenantArgs(tenant=settings(), clusters={"eu": object()}, address_ranges=RANGES)  # type: ignore[dict-item]
