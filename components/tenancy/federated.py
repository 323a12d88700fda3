"""A tenant delivered by Karmada: declared once in Karmada's API, and kept there in each of its regions.

Pulumi's state has one resource for all of a tenant, however many regions, namespaces and objects there are; Karmada
itself puts back what somebody deletes in a region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.federation.placement import propagation_policies
from components.tenancy.manifests import federated_quotas, tenant_objects
from components.tenancy.region_sets import placed, proxy_access, tenant_policies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.federation.control_plane import ControlPlane
    from components.mesh.tenant import TenantInMesh
    from components.tenancy.manifests import Manifest
    from stacks.federation import FailoverSettings, Placement
    from stacks.tenants import Tenant


@dataclass(frozen=True, kw_only=True)
class TenantPlacementArgs:
    """What the tenants of a fleet have in common in Karmada.

    ``members`` has the name of each region's member, ``control_plane`` is Karmada's, and
    ``meshed`` says whether the fleet has a mesh, whose kinds Karmada then has to know.
    """

    tenants: Sequence[Tenant]
    members: Mapping[str, str]
    control_plane: ControlPlane
    meshed: bool = False


class TenantPlacement(pulumi.ComponentResource):
    """The policies that bring tenants to their regions: one for each set of regions in use. Tenants depend on it."""

    def __init__(self, name: str, args: TenantPlacementArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:tenancy:TenantPlacement", name, None, opts)
        policies = tenant_policies([tenant.regions for tenant in args.tenants], args.members, meshed=args.meshed)
        args.control_plane.keep(f"{name}-policies", [*policies, *proxy_access()], parent=self)
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class FederatedTenantArgs:
    """A tenant to deliver by Karmada.

    ``tenant`` is what its settings say, ``members`` has the name of each region's member, ``control_plane`` is
    Karmada's, and ``address_ranges`` are the CIDRs of all pods and Services of the fleet. ``placements`` are what its
    workloads can ask for, ``failover`` what those do when a region fails. ``mesh`` is the tenant in the mesh, None if
    it is not in one.
    """

    tenant: Tenant
    members: Mapping[str, str]
    control_plane: ControlPlane
    address_ranges: Sequence[str]
    placements: Mapping[str, Placement]
    failover: FailoverSettings
    mesh: TenantInMesh | None = None

    def __post_init__(self) -> None:
        missing = [region for region in self.tenant.regions if region not in self.members]
        if missing:
            raise ValueError(f"tenant {self.tenant.name} runs in {', '.join(missing)}, which is no member of Karmada")

    @property
    def tenant_members(self) -> dict[str, str]:
        """The members of the tenant's regions, by region."""
        return {region: self.members[region] for region in sorted(self.tenant.regions)}

    def manifests(self) -> list[Manifest]:
        """What Karmada is to keep: the objects, the quotas, and the policies for what the tenant runs."""
        objects = tenant_objects(self.tenant, address_ranges=self.address_ranges, mesh=self.mesh)
        policies = [
            policy
            for namespace in self.tenant.namespace_names
            for policy in propagation_policies(
                namespace=namespace, placements=self.placements, members=self.tenant_members, failover=self.failover
            )
        ]
        return [
            *(placed(each, self.tenant.regions) for each in objects),
            *federated_quotas(self.tenant, self.members),
            *policies,
        ]


class FederatedTenant(pulumi.ComponentResource):
    """A tenant in its regions, by Karmada: there when each of its regions has all of it."""

    namespaces: Mapping[str, Sequence[str]]
    """Names of the tenant's namespaces by region."""

    def __init__(self, name: str, args: FederatedTenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:tenancy:FederatedTenant", name, None, opts)
        args.control_plane.keep(
            f"{name}-templates", args.manifests(), parent=self, members=list(args.tenant_members.values())
        )
        self.namespaces = {region: list(args.tenant.namespace_names) for region in args.tenant.regions}
        self.register_outputs({"namespaces": self.namespaces})
