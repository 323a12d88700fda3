"""Replicas leave a region that fails: off by default in Karmada, and it takes flags and a policy."""

from __future__ import annotations

from collections.abc import Iterator

from policies.federation.kinds import control_planes
from policies.objects import Stack, section
from policies.rules import Found, Parameters, StackRule

_PROGRAM = "karmada-controller-manager"
_FLAGS = ("--feature-gates=Failover=true", "--enable-no-execute-taint-eviction=true")


def _check(stack: Stack, parameters: Parameters) -> Iterator[Found]:
    del parameters
    tainting = [
        each
        for each in stack.objects("ClusterTaintPolicy")
        if any(taint.get("effect") == "NoExecute" for taint in section(each.manifest, "spec").get("taints", ()))
    ]
    for control_plane in control_planes(stack):
        flags = set(section(control_plane.fields, "arguments").get(_PROGRAM, ()))
        for flag in _FLAGS:
            if flag not in flags:
                yield control_plane, f"{_PROGRAM} runs without {flag}"
        if not tainting:
            yield control_plane, "no ClusterTaintPolicy taints members that have failed (NoExecute)"


RULE = StackRule(
    name="federation-failover",
    title="Failover between regions is configured.",
    mend="Leave federation.failover.enabled on.",
    check=_check,
)
