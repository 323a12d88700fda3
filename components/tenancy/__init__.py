"""Tenants: namespaces, and what isolates and limits them, made by pure functions and delivered to each region."""

from components.tenancy.delivery import Tenant, TenantArgs
from components.tenancy.federated import FederatedTenant, FederatedTenantArgs, TenantPlacement, TenantPlacementArgs
from components.tenancy.manifests import tenant_manifests
from components.tenancy.tenants import deliver_tenants

__all__ = [
    "FederatedTenant",
    "FederatedTenantArgs",
    "Tenant",
    "TenantArgs",
    "TenantPlacement",
    "TenantPlacementArgs",
    "deliver_tenants",
    "tenant_manifests",
]
