"""The mesh by Istio: in each region the trust, then a control plane with its gateways, then what holds for all of it.

Multi-primary, multi-network: every region's istiod serves its own proxies, and reads the endpoints of all regions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.mesh.addresses import gateway_source_ranges
from components.mesh.mesh import Mesh, MeshArgs
from components.mesh.names import MANAGED_BY, NAMESPACE, NETWORK_LABEL
from components.mesh.peering import Peering, PeeringArgs
from components.mesh.policy import mesh_policies
from components.mesh.traffic import Place
from components.mesh.trust import Trust, TrustArgs
from stacks.mesh import MeshSettings


@dataclass(frozen=True, kw_only=True)
class RegionalIstioArgs:
    """What one region's control plane and gateways are made of.

    `namespace` is `istio-system`, and `cacerts` what istiod signs with: files in PEM by name, a secret, None where an
    external authority signs. `gateway_sources` are the CIDRs that may reach the east-west gateway.
    """

    cluster: Cluster
    mesh_id: str
    settings: MeshSettings
    namespace: kubernetes.core.v1.Namespace
    cacerts: pulumi.Output[dict[str, str]] | None
    gateway_sources: Sequence[str]


class RegionalIstio(Protocol):
    """A region's control plane and gateways."""

    @property
    def resource(self) -> pulumi.Resource:
        """What objects of the mesh come after: their kinds are there, and the webhooks answer."""

    @property
    def status_url(self) -> pulumi.Input[str]:
        """URL of what its istiod tells of its state; empty where that is behind its Service."""


Install = Callable[[str, RegionalIstioArgs, pulumi.ResourceOptions], RegionalIstio]
"""Makes a region's control plane and gateways; the name is the cluster's."""


class IstioMesh(Mesh):
    """Istio in every region, each with all others as its peers. Its name is the mesh's."""

    trust: Trust

    def __init__(self, name: str, args: MeshArgs, install: Install, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Istio", name, opts)
        settings, inside = args.settings.mesh, pulumi.ResourceOptions(parent=self)
        regions = args.settings.regions
        self._name, self._clusters = name, {region: args.clusters[region] for region in regions}
        namespaces = {region: self._namespace(region) for region in regions}
        self.trust = Trust(
            name,
            TrustArgs(
                settings=settings.trust,
                regions={region: cluster.mesh for region, cluster in regions.items()},
                clusters=self._clusters,
                namespaces=namespaces,
            ),
            inside,
        )
        Peering(
            name,
            PeeringArgs(
                clusters=self._clusters,
                namespaces=namespaces,
                credentials={region: cluster.mesh.credential for region, cluster in regions.items()},
                revisions=[revision.name for revision in settings.revisions],
            ),
            inside,
        )
        places = {
            region: Place(cluster=self._clusters[region].name, location=cluster.location)
            for region, cluster in regions.items()
        }
        ready: list[pulumi.Resource] = []
        status_urls: dict[str, pulumi.Input[str]] = {}
        for region, namespace in namespaces.items():
            cacerts = self.trust.cacerts.get(region)
            istio = install(
                self._clusters[region].name,
                RegionalIstioArgs(
                    cluster=self._clusters[region],
                    mesh_id=args.settings.mesh_id,
                    settings=settings,
                    namespace=namespace,
                    cacerts=self.trust.files.get(region),
                    gateway_sources=gateway_source_ranges(args.settings, region),
                ),
                pulumi.ResourceOptions(parent=self, depends_on=[namespace, *([cacerts] if cacerts else [])]),
            )
            status_urls[self._clusters[region].name] = istio.status_url
            ready += [istio.resource, *self._policies(region, settings, places, istio.resource)]
        self.ready, self.status_urls = ready, status_urls
        self.register_outputs({"roots": self.trust.roots})

    def _namespace(self, region: str) -> kubernetes.core.v1.Namespace:
        cluster = self._clusters[region]
        return kubernetes.core.v1.Namespace(
            f"{self._name}-{region}-{NAMESPACE}",
            metadata={"name": NAMESPACE, "labels": {**MANAGED_BY, NETWORK_LABEL: cluster.network}},
            opts=pulumi.ResourceOptions(parent=self, provider=cluster.provider, deleted_with=cluster.resource),
        )

    def _policies(
        self, region: str, settings: MeshSettings, places: dict[str, Place], control_plane: pulumi.Resource
    ) -> list[pulumi.Resource]:
        cluster = self._clusters[region]
        options = pulumi.ResourceOptions(
            parent=self, provider=cluster.provider, deleted_with=cluster.resource, depends_on=[control_plane]
        )
        return [
            kubernetes.apiextensions.CustomResource(
                f"{self._name}-{region}/{manifest['kind']}/{manifest['metadata']['name']}",
                api_version=manifest["apiVersion"],
                kind=manifest["kind"],
                metadata=manifest["metadata"],
                spec=manifest["spec"],
                opts=options,
            )
            for manifest in mesh_policies(settings, region, places)
        ]
