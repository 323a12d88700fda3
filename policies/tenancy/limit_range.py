"""A container that asks for nothing gets defaults, and none gets more than its tenant's maximum."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import Stack, section
from policies.rules import SYSTEM_NAMESPACES, Found, Parameters, StackRule


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    limited = {
        (each.home, each.namespace)
        for each in stack.objects("LimitRange")
        if any(limit.get("type") == "Container" for limit in section(each.manifest, "spec").get("limits", ()))
    }
    for namespace in stack.tenant_namespaces(parameters["systemNamespaces"]):
        if (namespace.home, namespace.name) not in limited:
            yield namespace.resource, f"{namespace} has no LimitRange for containers"


RULE = StackRule(
    name="tenancy-limit-range",
    title="Every tenant namespace has a limit range.",
    mend="Deliver the namespace as a tenant of the settings: its limit range comes with it.",
    parameters={"systemNamespaces": SYSTEM_NAMESPACES},
    check=_check,
)
