"""Pods of tenants are held to one of Kubernetes' Pod Security Standards."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import Object, matches
from policies.rules import SYSTEM_NAMESPACES, ObjectRule, Parameters

_ENFORCE = "pod-security.kubernetes.io/enforce"


def _check(namespace: Object, parameters: Parameters) -> Iterator[str]:
    if matches(namespace.name, parameters["systemNamespaces"]):
        return
    level = namespace.labels.get(_ENFORCE)
    if level not in parameters["levels"]:
        yield f"has {_ENFORCE}={level}" if level else f"has no label {_ENFORCE}"


RULE = ObjectRule(
    name="tenancy-pod-security",
    title="Every tenant namespace enforces a Pod Security Standard.",
    mend="Set podSecurity of the tenant to restricted, or to baseline where its pods need it.",
    parameters={"systemNamespaces": SYSTEM_NAMESPACES, "levels": ["baseline", "restricted"]},
    kinds=frozenset({"Namespace"}),
    check=_check,
)
