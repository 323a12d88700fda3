"""Pods of tenants reach, and are reached by, only what is allowed by name."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import Object, Stack, section
from policies.rules import SYSTEM_NAMESPACES, Found, Parameters, StackRule

_DIRECTIONS = {"ingress": "from", "egress": "to"}


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    namespaces = stack.tenant_namespaces(parameters["systemNamespaces"])
    names = {(each.home, each.name) for each in namespaces}
    denying: set[tuple[str, str]] = set()
    for policy in stack.objects("NetworkPolicy"):
        if _denies(policy):
            denying.add((policy.home, policy.namespace))
        if (policy.home, policy.namespace) in names:
            for direction in _open(policy):
                yield policy.resource, f"{policy} allows {direction} for everybody"
    for namespace in namespaces:
        if (namespace.home, namespace.name) not in denying:
            yield namespace.resource, f"{namespace} has no NetworkPolicy that denies both directions for all pods"


def _denies(policy: Object) -> bool:
    spec = section(policy.manifest, "spec")
    selects_all = not any(section(spec, "podSelector").values())
    return selects_all and {"Ingress", "Egress"} <= set(spec.get("policyTypes", ()))


def _open(policy: Object) -> list[str]:
    """The directions in which a rule without peers allows everything."""
    spec = section(policy.manifest, "spec")
    return [name for name, peers in _DIRECTIONS.items() if any(not rule.get(peers) for rule in spec.get(name, ()))]


RULE = StackRule(
    name="tenancy-default-deny",
    title="Every tenant namespace denies traffic that is not allowed by name.",
    mend="Allow what is needed by network of the tenant; take away rules without peers.",
    parameters={"systemNamespaces": SYSTEM_NAMESPACES},
    check=_check,
)
