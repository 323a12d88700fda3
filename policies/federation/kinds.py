"""The kinds of control planes of Karmada that rules can read."""

from __future__ import annotations

from policies.objects import Resource, Stack

TYPES = frozenset({"lab:index:Karmada"})


def control_planes(stack: Stack) -> list[Resource]:
    """Return the control planes of a stack; none where it has no federation."""
    return stack.of(*TYPES)
