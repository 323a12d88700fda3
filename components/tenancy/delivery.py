"""A tenant delivered by Pulumi itself: its objects created in the cluster of each of its regions, one by one.

This is the delivery of a fleet without federation. It decides nothing about the objects: ``manifests.py`` does.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pulumi

from components.tenancy.manifests import Manifest, tenant_manifests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.mesh.tenant import TenantInMesh
    from stacks.tenants import Tenant as TenantSettings


class Cluster(Protocol):
    """What a tenant needs of a cluster."""

    @property
    def provider(self) -> pulumi.ProviderResource:
        """For what is created in the cluster."""

    @property
    def resource(self) -> pulumi.Resource:
        """The cluster itself: what is in it goes with it."""


@dataclass(frozen=True, kw_only=True)
class TenantArgs:
    """A tenant to deliver.

    ``tenant`` is what its settings say, ``clusters`` has the cluster of each of its regions by the region's name, and
    ``address_ranges`` the CIDRs of all pods and Services of the fleet, which its egress rules never reach. ``mesh`` is
    the tenant in the mesh, None if it is not in one.
    """

    tenant: TenantSettings
    clusters: Mapping[str, Cluster]
    address_ranges: Sequence[str]
    mesh: TenantInMesh | None = None

    def __post_init__(self) -> None:
        missing = [region for region in self.tenant.regions if region not in self.clusters]
        if missing:
            raise ValueError(f"tenant {self.tenant.name} runs in {', '.join(missing)}, but got no cluster for it")


class Tenant(pulumi.ComponentResource):
    """A tenant in its regions: what ``tenant_manifests`` returns, in each.

    Children are called ``<name>-<region>/<namespace>`` and ``<name>-<region>/<namespace>/<object>``: dashes alone could
    not tell region ``a`` with namespace ``b-c`` from region ``a-b`` with namespace ``c``.
    """

    namespaces: Mapping[str, Sequence[str]]
    """Names of the tenant's namespaces by region."""

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:tenancy:Tenant", name, None, opts)
        for region in args.tenant.regions:
            manifests = tenant_manifests(args.tenant, region, address_ranges=args.address_ranges, mesh=args.mesh)
            self._deliver(f"{name}-{region}", manifests, args.clusters[region])
        self.namespaces = {region: list(args.tenant.namespace_names) for region in args.tenant.regions}
        self.register_outputs({"namespaces": self.namespaces})

    def _deliver(self, prefix: str, manifests: Sequence[Manifest], cluster: Cluster) -> None:
        """Create the objects in one cluster; what is in a namespace follows it, and goes with it."""
        namespaces: dict[str, pulumi.Resource] = {}
        for manifest in manifests:
            name, namespace = manifest["metadata"]["name"], manifest["metadata"].get("namespace")
            if namespace is None:
                options = pulumi.ResourceOptions(parent=self, provider=cluster.provider, deleted_with=cluster.resource)
                namespaces[name] = _create(f"{prefix}/{name}", manifest, options)
            else:
                options = pulumi.ResourceOptions(
                    parent=self,
                    provider=cluster.provider,
                    depends_on=[namespaces[namespace]],
                    deleted_with=namespaces[namespace],
                )
                _create(f"{prefix}/{namespace}/{name}", manifest, options)


def _create(name: str, manifest: Manifest, options: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Create the object of a manifest, which has the very shape of the resource's inputs.

    Through the classes of ``pulumi_kubernetes`` the engine would be told the same, at half as much work again for each
    object (4,800 of them: 27 s of CPU instead of 17) and half a second more for importing them.
    """
    version = manifest["apiVersion"]
    group = version if "/" in version else f"core/{version}"
    with _no_stack_trace():
        return pulumi.CustomResource(f"kubernetes:{group}:{manifest['kind']}", name, manifest, options)


@contextmanager
def _no_stack_trace() -> Iterator[None]:
    """Keep the program's stack out of the state, of which it would be a quarter.

    The SDK takes no more frames than Python would show.
    """
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
