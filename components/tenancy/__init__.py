"""Tenants: their namespaces and what isolates and limits them, made by pure functions and delivered to their regions."""

from components.tenancy.delivery import Tenant, TenantArgs
from components.tenancy.manifests import tenant_manifests

__all__ = ["Tenant", "TenantArgs", "tenant_manifests"]
