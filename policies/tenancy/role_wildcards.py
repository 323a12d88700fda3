"""Roles of tenants name what they allow."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import TENANT_LABEL, Object, matches
from policies.rules import SYSTEM_NAMESPACES, ObjectRule, Parameters

_PARTS = ("apiGroups", "resources", "verbs")


def _check(role: Object, parameters: Parameters) -> Iterator[str]:
    system = matches(role.namespace, parameters["systemNamespaces"]) or not role.namespace
    if system and TENANT_LABEL not in role.labels:
        return
    for rule in role.manifest.get("rules", ()):
        wild = [part for part in _PARTS if "*" in rule.get(part, ())]
        if wild:
            yield f"has * in {', '.join(wild)}"
        if raised := sorted(set(rule.get("verbs", ())) & set(parameters["forbiddenVerbs"])):
            yield f"allows {', '.join(raised)}"


RULE = ObjectRule(
    name="tenancy-role-wildcards",
    title="No role of a tenant has wildcards, or verbs by which to get more rights.",
    mend="Name the API groups, resources and verbs; give the roles viewer, developer and admin by access.",
    parameters={"systemNamespaces": SYSTEM_NAMESPACES, "forbiddenVerbs": ["bind", "escalate", "impersonate"]},
    kinds=frozenset({"Role", "ClusterRole"}),
    check=_check,
)
