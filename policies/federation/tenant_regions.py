"""Every tenant is in each of its regions, whoever delivers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.objects import KARMADA, Object, Resource, Stack
from policies.rules import Found, Parameters, StackRule

_FEDERATED = "fleet:tenancy:FederatedTenant"
_DIRECT = "fleet:tenancy:Tenant"


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    del parameters
    namespaces = stack.objects("Namespace")
    for tenant in stack.of(_FEDERATED, _DIRECT):
        wanted: Mapping[str, Any] = tenant.fields["namespaces"]
        for region, names in wanted.items():
            for name in names:
                if not any(_is_in(namespace, tenant, region) for namespace in namespaces if namespace.name == name):
                    yield tenant, f"namespace {name} of {tenant.name} is not delivered to {region}"


def _is_in(namespace: Object, tenant: Resource, region: str) -> bool:
    """Whether a namespace goes to the region's cluster, `<environment>-<region>`."""
    if tenant.type == _DIRECT:
        return namespace.home.endswith(f"-{region}")
    members = namespace.resource.fields.get("members", ())
    return namespace.home == KARMADA and any(str(member).endswith(f"-{region}") for member in members)


RULE = StackRule(
    name="federation-tenant-regions",
    title="Every tenant is in each of its regions.",
    mend="Deliver the tenant's namespaces to all regions that its settings name.",
    check=_check,
)
