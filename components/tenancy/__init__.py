"""Tenants: namespaces, and what isolates and limits them, made by pure functions and delivered to each region."""

from components.tenancy.delivery import Tenant, TenantArgs
from components.tenancy.manifests import tenant_manifests

__all__ = ["Tenant", "TenantArgs", "tenant_manifests"]
