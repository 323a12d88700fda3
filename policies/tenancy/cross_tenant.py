"""No tenant's service account has rights in another tenant's namespace."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import TENANT_LABEL, Stack
from policies.rules import Found, Parameters, StackRule


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    del parameters
    tenants = {(each.home, each.name): each.labels.get(TENANT_LABEL) for each in stack.objects("Namespace")}
    for binding in stack.objects("RoleBinding"):
        tenant = tenants.get((binding.home, binding.namespace))
        if tenant is None:
            continue
        for subject in binding.manifest.get("subjects", ()):
            if subject.get("kind") != "ServiceAccount":
                continue
            other = str(subject.get("namespace", binding.namespace))
            if tenants.get((binding.home, other)) != tenant:
                yield binding.resource, f"{binding} gives rights to a service account of namespace {other}"


RULE = StackRule(
    name="tenancy-cross-tenant",
    title="No binding reaches across tenants.",
    mend="Bind only service accounts of the tenant's own namespaces.",
    check=_check,
)
