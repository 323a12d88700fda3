"""All tenants of a fleet, delivered by Karmada where there is a federation, and by Pulumi itself otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.cluster import Cluster
from components.federation import Federation
from components.tenancy.delivery import Tenant, TenantArgs
from components.tenancy.federated import FederatedTenant, FederatedTenantArgs, TenantPlacement, TenantPlacementArgs
from stacks.fleet import Settings


def deliver_tenants(settings: Settings, clusters: Mapping[str, Cluster], federation: Federation | None) -> None:
    """Create every tenant of the settings; ``clusters`` are the regions', by region."""
    if federation is None:
        for tenant in settings.tenants:
            Tenant(tenant.name, TenantArgs(tenant=tenant, clusters=clusters, address_ranges=settings.address_ranges))
        return
    placement = TenantPlacement(
        settings.environment,
        TenantPlacementArgs(
            tenants=settings.tenants, members=federation.members, control_plane=federation.control_plane
        ),
        pulumi.ResourceOptions(depends_on=list(federation.joined)),
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
            ),
            pulumi.ResourceOptions(depends_on=[placement]),
        )
