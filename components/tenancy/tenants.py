"""All tenants of a fleet, delivered by Karmada where there is a federation, and by Pulumi itself otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.cluster import Cluster
from components.federation import Federation
from components.mesh import Mesh
from components.mesh.tenant import tenant_in_mesh
from components.tenancy.delivery import Tenant, TenantArgs
from components.tenancy.federated import FederatedTenant, FederatedTenantArgs, TenantPlacement, TenantPlacementArgs
from stacks.fleet import Settings


def deliver_tenants(
    settings: Settings, clusters: Mapping[str, Cluster], federation: Federation | None, mesh: Mesh | None = None
) -> None:
    """Create every tenant of the settings; ``clusters`` are the regions', by region.

    Where there is a mesh they come after it: it injects their sidecars, and judges their policies.
    """
    in_mesh = {tenant.name: tenant_in_mesh(settings, tenant) if mesh else None for tenant in settings.tenants}
    meshed = list(mesh.ready) if mesh else []
    if federation is None:
        for tenant in settings.tenants:
            Tenant(
                tenant.name,
                TenantArgs(
                    tenant=tenant,
                    clusters=clusters,
                    address_ranges=settings.address_ranges,
                    mesh=in_mesh[tenant.name],
                ),
                pulumi.ResourceOptions(depends_on=meshed),
            )
        return
    placement = TenantPlacement(
        settings.environment,
        TenantPlacementArgs(
            tenants=settings.tenants,
            members=federation.members,
            control_plane=federation.control_plane,
            meshed=mesh is not None,
        ),
        pulumi.ResourceOptions(depends_on=[*federation.joined, *meshed]),
    )
    for tenant in settings.tenants:
        FederatedTenant(
            tenant.name,
            FederatedTenantArgs(
                tenant=tenant,
                members=federation.members,
                control_plane=federation.control_plane,
                address_ranges=settings.address_ranges,
                placements=settings.federation.placements,
                failover=settings.federation.failover,
                mesh=in_mesh[tenant.name],
            ),
            pulumi.ResourceOptions(depends_on=[placement]),
        )
