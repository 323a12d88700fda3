"""What a tenant may use is limited in each of its namespaces."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import Object, Stack, section
from policies.rules import SYSTEM_NAMESPACES, Found, Parameters, StackRule


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    limited: dict[tuple[str, str], set[str]] = {}
    for quota in stack.objects("ResourceQuota", "FederatedResourceQuota"):
        limited.setdefault((quota.home, quota.namespace), set()).update(_limits(quota))
    for namespace in stack.tenant_namespaces(parameters["systemNamespaces"]):
        missing = set(parameters["resources"]) - limited.get((namespace.home, namespace.name), set())
        if missing:
            yield namespace.resource, f"{namespace} has no quota of {', '.join(sorted(missing))}"


def _limits(quota: Object) -> set[str]:
    spec = section(quota.manifest, "spec")
    return set(section(spec, "overall" if quota.kind == "FederatedResourceQuota" else "hard"))


RULE = StackRule(
    name="tenancy-quota",
    title="Every tenant namespace has a quota.",
    mend="Leave the usual quota of the tenant in place, or set quota for each resource that is named.",
    parameters={
        "systemNamespaces": SYSTEM_NAMESPACES,
        "resources": ["limits.cpu", "limits.memory", "pods", "requests.cpu", "requests.memory"],
    },
    check=_check,
)
