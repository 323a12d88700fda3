"""The whole mesh: what there is in each region, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pytest

from components.cluster import Cluster
from components.mesh import MeshArgs
from components.mesh.istio import IstioMesh, RegionalIstioArgs
from components.tenancy import deliver_tenants
from stacks.settings import Settings
from tests.unit.mesh_samples import MeshRecorder, SampleCluster, fleet
from tests.unit.settings_samples import tenant


class SampleIstio(pulumi.ComponentResource):
    """A control plane that nothing runs of."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("test:mesh:Istio", name, None, opts)
        self.resource: pulumi.Resource = self
        self.status_url = f"http://localhost/{name}"


@dataclass
class Made:
    """What a program has made: by name what each resource comes after, and what regions were told."""

    recorder: MeshRecorder = field(default_factory=MeshRecorder)
    after: dict[str, set[str]] = field(default_factory=dict)
    told: dict[str, tuple[RegionalIstioArgs, pulumi.ResourceOptions]] = field(default_factory=dict)

    def see(self, args: pulumi.ResourceTransformationArgs) -> None:
        depends: list[pulumi.Resource] = args.opts.depends_on or []  # type: ignore[assignment]
        self.after[f"{args.type_.split(':')[-1]}/{args.name}"] = {each._name for each in depends}

    def install(self, name: str, args: RegionalIstioArgs, opts: pulumi.ResourceOptions) -> SampleIstio:
        self.told[args.cluster.region] = (args, opts)
        return SampleIstio(name, opts)


def make(settings: Settings, *, tenants: bool = False) -> Made:
    made = Made()

    def program() -> pulumi.Resource:
        clusters: dict[str, Cluster] = {region: SampleCluster(region, settings) for region in settings.regions}
        seeing = pulumi.ResourceOptions(transformations=[made.see])
        mesh = IstioMesh("lab", MeshArgs(settings=settings, clusters=clusters), made.install, seeing)
        if tenants:
            deliver_tenants(settings, clusters, None, mesh)
        return mesh

    made.recorder.run(program)
    return made


def test_each_region_is_of_its_network_and_the_mesh_of_its_id() -> None:
    made = make(fleet(mesh={"meshId": "one"}))
    namespaces = made.recorder.of("kubernetes:core/v1:Namespace")
    assert {each["metadata"]["name"] for each in namespaces.values()} == {"istio-system"}
    networks = {name: each["metadata"]["labels"]["topology.istio.io/network"] for name, each in namespaces.items()}
    assert networks == {f"lab-{region}-istio-system": region for region in ("eu", "na", "sea")}
    assert {args.mesh_id for args, _ in made.told.values()} == {"one"}


def test_istiod_comes_after_what_it_signs_with() -> None:
    for region, (args, opts) in make(fleet()).told.items():
        assert isinstance(opts.depends_on, list)
        assert {each._name for each in opts.depends_on if isinstance(each, pulumi.Resource)} == {
            f"lab-{region}-cacerts",
            f"lab-{region}-istio-system",
        }
        assert args.cacerts is not None


def test_policies_of_the_mesh_come_after_the_control_plane_in_every_region() -> None:
    made = make(fleet())
    strict = made.recorder.of("kubernetes:security.istio.io/v1:PeerAuthentication")
    rules = made.recorder.of("kubernetes:networking.istio.io/v1:DestinationRule")
    assert len(strict) == len(rules) == 3
    for region in ("eu", "na", "sea"):
        assert made.after[f"PeerAuthentication/lab-{region}/PeerAuthentication/default"] == {f"lab-{region}"}
        assert made.after[f"DestinationRule/lab-{region}/DestinationRule/default"] == {f"lab-{region}"}


def test_a_gateway_is_reached_from_the_other_regions_and_from_nowhere_else() -> None:
    made = make(fleet(na={"mesh": {"sourceRanges": ["203.0.113.7/32"]}}))
    sources = {region: args.gateway_sources for region, (args, _) in made.told.items()}
    assert sources == {
        "eu": ["10.3.0.0/16", "203.0.113.7/32"],
        "na": ["10.1.0.0/16", "10.3.0.0/16"],
        "sea": ["10.1.0.0/16", "203.0.113.7/32"],
    }


def test_all_regions_are_peers() -> None:
    secrets = make(fleet()).recorder.of("kubernetes:core/v1:Secret")
    assert len([name for name in secrets if "-remote-" in name]) == 6


@pytest.mark.parametrize("enabled", [True, False])
def test_tenants_come_after_the_mesh_and_those_in_it_have_their_policies(*, enabled: bool) -> None:
    made = make(fleet(tenant("shop", mesh={"enabled": enabled})), tenants=True)
    policies = made.recorder.of("kubernetes:security.istio.io/v1:AuthorizationPolicy")
    assert len(policies) == (3 if enabled else 0)


def test_a_mesh_without_a_region_s_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no cluster for eu, na, sea"):
        MeshArgs(settings=fleet(), clusters={})
