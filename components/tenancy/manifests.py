"""A tenant's Kubernetes objects, from its settings: pure functions, whoever delivers what they return.

They are few, because each costs a resource of Pulumi's in every region, or a binding of Karmada's: for each namespace a
Namespace, a quota, LimitRange and NetworkPolicy, a Role and RoleBinding for each role that somebody has, and in a mesh
an AuthorizationPolicy and a Sidecar.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.mesh.tenant import (
    AUTHORIZATION,
    INJECTION,
    SIDECAR,
    TenantInMesh,
    authorization_spec,
    sidecar_spec,
)
from components.tenancy.network import TENANT_LABEL, policy_spec
from components.tenancy.roles import rules
from stacks.access import Members
from stacks.quantities import canonical
from stacks.tenants import Tenant

Manifest = dict[str, Any]

OWNER_ANNOTATION = "fleet/owner"
_NAME = "tenant"
_RBAC = "rbac.authorization.k8s.io"
# What is enforced may be less; what is audited and warned about shows what stands between a tenant and `restricted`.
_ADVISED = "restricted"


def tenant_manifests(
    tenant: Tenant, region: str, *, address_ranges: Sequence[str], mesh: TenantInMesh | None = None
) -> list[Manifest]:
    """Return all objects that a tenant has in one of its regions, in an order in which they can be created.

    There are 4 for each namespace, 2 more for each role that somebody has, and 2 more in a mesh.

    Args:
        tenant: its settings.
        region: the region, which its share of the quota is for.
        address_ranges: CIDRs of all pods and Services of the fleet; the tenant's egress rules never reach them.
        mesh: the tenant in the mesh; None if it is not in one.

    """
    return [*tenant_objects(tenant, address_ranges=address_ranges, mesh=mesh), *resource_quotas(tenant, region)]


def tenant_objects(
    tenant: Tenant, *, address_ranges: Sequence[str], mesh: TenantInMesh | None = None
) -> list[Manifest]:
    """Return what is the same in each region of a tenant: everything but the quota."""
    return [
        each for namespace in tenant.namespace_names for each in _namespace(tenant, namespace, address_ranges, mesh)
    ]


def resource_quotas(tenant: Tenant, region: str) -> list[Manifest]:
    """Return the quota of each namespace in one region: the region's share, for an API server to enforce."""
    hard = _canonical(tenant.regional_quotas[region])
    return [
        _manifest(tenant, namespace, "v1", "ResourceQuota", _NAME, spec={"hard": hard})
        for namespace in tenant.namespace_names
    ]


def federated_quotas(tenant: Tenant, members: Mapping[str, str]) -> list[Manifest]:
    """Return the quota of each namespace for Karmada, which gives each member its share; ``members`` are by region."""
    shares = tenant.regional_quotas
    spec = {
        "overall": _canonical(tenant.quota),
        "staticAssignments": [
            {"clusterName": members[region], "hard": _canonical(shares[region])} for region in sorted(tenant.regions)
        ],
    }
    return [
        _manifest(tenant, namespace, "policy.karmada.io/v1alpha1", "FederatedResourceQuota", _NAME, spec=spec)
        for namespace in tenant.namespace_names
    ]


def _manifest(tenant: Tenant, namespace: str, api_version: str, kind: str, name: str, **body: object) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": _labels(tenant)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _labels(tenant: Tenant) -> dict[str, str]:
    return {"app.kubernetes.io/managed-by": "fleet", TENANT_LABEL: tenant.name}


def _namespace(
    tenant: Tenant, namespace: str, address_ranges: Sequence[str], mesh: TenantInMesh | None
) -> Iterator[Manifest]:
    levels = {"enforce": tenant.pod_security.value, "audit": _ADVISED, "warn": _ADVISED}
    pod_security = {f"pod-security.kubernetes.io/{mode}": level for mode, level in levels.items()}
    yield {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": namespace,
            "labels": {**_labels(tenant), **pod_security, **(INJECTION if mesh else {})},
            "annotations": {OWNER_ANNOTATION: tenant.owner},
        },
    }
    limits = {"limits": [_container_limits(tenant)]}
    yield _manifest(tenant, namespace, "v1", "LimitRange", _NAME, spec=limits)
    network = policy_spec(tenant, address_ranges, mesh)
    yield _manifest(tenant, namespace, "networking.k8s.io/v1", "NetworkPolicy", _NAME, spec=network)
    for role, members in tenant.access.roles().items():
        name = f"{_NAME}-{role.value}"
        yield _manifest(tenant, namespace, f"{_RBAC}/v1", "Role", name, rules=rules(role))
        reference = {"apiGroup": _RBAC, "kind": "Role", "name": name}
        bound = {"roleRef": reference, "subjects": _subjects(members)}
        yield _manifest(tenant, namespace, f"{_RBAC}/v1", "RoleBinding", name, **bound)
    if mesh:
        namespaces = tenant.namespace_names
        yield _manifest(tenant, namespace, *AUTHORIZATION, _NAME, spec=authorization_spec(namespaces, mesh))
        yield _manifest(tenant, namespace, *SIDECAR, _NAME, spec=sidecar_spec(namespaces, mesh))


def _container_limits(tenant: Tenant) -> Manifest:
    limits = tenant.limits
    return {
        "type": "Container",
        "min": _canonical(limits.min),
        "defaultRequest": _canonical(limits.default_request),
        "default": _canonical(limits.default),
        "max": _canonical(limits.max),
    }


def _canonical(quantities: dict[str, str]) -> dict[str, str]:
    # As the API server stores them, so that a refresh finds no difference where there is none.
    return {resource: canonical(quantity) for resource, quantity in sorted(quantities.items())}


def _subjects(members: Members) -> list[Manifest]:
    return [
        {"apiGroup": _RBAC, "kind": kind, "name": name}
        for kind, names in (("Group", members.groups), ("User", members.users))
        for name in sorted(names)
    ]
