"""What a tenant runs has a placement: without one Karmada keeps it and runs it nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from policies.objects import KARMADA, Stack, section
from policies.rules import SYSTEM_NAMESPACES, Found, Parameters, StackRule

_PLACEMENT = "fleet/placement"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    placed = {
        policy.namespace
        for policy in stack.objects("PropagationPolicy")
        for selector in section(policy.manifest, "spec").get("resourceSelectors", ())
        if selector.get("kind") in _WORKLOADS and section(section(policy.manifest, "spec"), "placement")
    }
    for namespace in stack.tenant_namespaces(parameters["systemNamespaces"]):
        if namespace.home == KARMADA and namespace.name not in placed:
            yield namespace.resource, f"{namespace} has no PropagationPolicy for workloads"
    for workload in stack.objects(*_WORKLOADS):
        if workload.home == KARMADA and not workload.labels.get(_PLACEMENT):
            yield workload.resource, f"{workload} has no label {_PLACEMENT}"


RULE = StackRule(
    name="federation-placement",
    title="Every tenant workload has a placement.",
    mend="Add a placement to federation.placements, and label the workload with its name.",
    parameters={"systemNamespaces": SYSTEM_NAMESPACES},
    check=_check,
)
