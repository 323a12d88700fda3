"""Nobody in a tenant gets rights that reach beyond its namespaces."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import Object, matches, section
from policies.rules import SYSTEM_NAMESPACES, ObjectRule, Parameters


def _check(binding: Object, parameters: Parameters) -> Iterator[str]:
    if binding.kind == "ClusterRoleBinding":
        if binding.name not in parameters["clusterRoleBindings"]:
            yield "gives rights in the whole cluster"
        return
    if matches(binding.namespace, parameters["systemNamespaces"]):
        return
    if section(binding.manifest, "roleRef").get("kind") != "Role":
        yield "binds a cluster-wide role"
    for subject in binding.manifest.get("subjects", ()):
        if str(subject.get("name", "")).startswith("system:"):
            yield "binds a subject of system:*"


RULE = ObjectRule(
    name="tenancy-bindings",
    title="No binding gives cluster-wide roles, or rights to system:* subjects.",
    mend="Bind a Role of the namespace to users or groups of the tenant's own, by access in the settings.",
    parameters={
        "systemNamespaces": SYSTEM_NAMESPACES,
        "clusterRoleBindings": ["fleet:member-proxy", "fleet-mesh-reader", "karmada"],
    },
    kinds=frozenset({"RoleBinding", "ClusterRoleBinding"}),
    check=_check,
)
