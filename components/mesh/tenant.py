"""A tenant in the mesh: who may call its services, what its sidecars know of, and which pods get one.

Pure functions, as all that makes a tenant's objects; the tenant's delivery brings them to its regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.mesh.addresses import gateway_ranges
from components.mesh.names import INGRESS_GATEWAY, INJECTION_LABEL, NAMESPACE
from stacks.fleet import Settings
from stacks.grants import Grant
from stacks.tenants import Tenant

Manifest = dict[str, Any]

AUTHORIZATION = ("security.istio.io/v1", "AuthorizationPolicy")
SIDECAR = ("networking.istio.io/v1", "Sidecar")
"""API version and kind of what a tenant has of the mesh in each of its namespaces."""

INJECTION = {INJECTION_LABEL: "enabled"}
"""Label of a namespace whose pods get a sidecar: of the revision that Istio's default tag points to."""


@dataclass(frozen=True, kw_only=True)
class TenantInMesh:
    """What a tenant's objects need to know of the mesh and of other tenants.

    `callers` are the identities (SPIFFE, without the scheme; `*` ends a prefix) of others that may call its services,
    `caller_tenants` those others' names, and `granters` the tenants that let it call theirs, with their namespaces.
    `gateway_ranges` are the addresses of the regions' east-west gateways.
    """

    trust_domain: str
    callers: Sequence[str] = ()
    caller_tenants: Sequence[str] = ()
    granters: Sequence[tuple[str, Sequence[str]]] = ()
    gateway_ranges: Sequence[str] = ()


def tenant_in_mesh(settings: Settings, tenant: Tenant) -> TenantInMesh | None:
    """Return what a tenant's objects need to know; None if there is no mesh, or the tenant is not in it."""
    if not (settings.mesh.enabled and tenant.mesh.enabled):
        return None
    domain, tenants = settings.mesh.trust_domain, {each.name: each for each in settings.tenants}
    callers = [
        identity for grant in tenant.mesh.grants for identity in _identities(grant, tenants[grant.tenant], domain)
    ]
    granters = [
        (other.name, other.namespace_names)
        for other in settings.tenants
        if any(grant.tenant == tenant.name for grant in other.mesh.grants)
    ]
    return TenantInMesh(
        trust_domain=domain,
        callers=sorted(set(callers)),
        caller_tenants=sorted({grant.tenant for grant in tenant.mesh.grants}),
        granters=granters,
        gateway_ranges=gateway_ranges(settings),
    )


def authorization_spec(namespaces: Sequence[str], mesh: TenantInMesh) -> Manifest:
    """Return the spec of the AuthorizationPolicy of each of a tenant's namespaces, which are these.

    One that allows somebody denies everybody else.
    """
    own = [f"{mesh.trust_domain}/ns/{namespace}/sa/*" for namespace in sorted(namespaces)]
    ingress = f"{mesh.trust_domain}/ns/{NAMESPACE}/sa/{INGRESS_GATEWAY}"
    source = {"principals": [*own, ingress, *mesh.callers]}
    return {"action": "ALLOW", "rules": [{"from": [{"source": source}]}]}


def sidecar_spec(namespaces: Sequence[str], mesh: TenantInMesh) -> Manifest:
    """Return the spec of the Sidecar of each of a tenant's namespaces: what their proxies know of, and nothing else."""
    granted = [namespace for _, theirs in mesh.granters for namespace in theirs]
    hosts = [f"{namespace}/*" for namespace in sorted({*namespaces, *granted, NAMESPACE})]
    return {"egress": [{"hosts": hosts}]}


def _identities(grant: Grant, caller: Tenant, domain: str) -> list[str]:
    namespaces = [grant.namespace] if grant.namespace else caller.namespace_names
    return [f"{domain}/ns/{namespace}/sa/{grant.service_account or '*'}" for namespace in namespaces]
