"""A namespace that is not the system's belongs to a tenant, and says who answers for it."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import TENANT_LABEL, Object, matches, section
from policies.rules import SYSTEM_NAMESPACES, ObjectRule, Parameters

_OWNER = "fleet/owner"


def _check(namespace: Object, parameters: Parameters) -> Iterator[str]:
    if matches(namespace.name, parameters["systemNamespaces"]):
        return
    if not namespace.labels.get(TENANT_LABEL):
        yield f"has no label {TENANT_LABEL}"
    if not section(namespace.metadata, "annotations").get(_OWNER):
        yield f"has no annotation {_OWNER}"


RULE = ObjectRule(
    name="tenancy-namespace-owner",
    title="Every tenant namespace names its tenant and its owner.",
    mend="Declare the namespace by a tenant in the settings, with an owner.",
    parameters={"systemNamespaces": SYSTEM_NAMESPACES},
    kinds=frozenset({"Namespace"}),
    check=_check,
)
