"""Which control plane of Karmada goes with which cloud of the manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.federation.control_plane import ControlPlane
from components.federation.lab import LabKarmada, LabKarmadaArgs
from stacks.clusters import Cloud


def create_control_plane(
    name: str,
    cloud: Cloud,
    arguments: Mapping[str, Sequence[str]],
    opts: pulumi.ResourceOptions | None = None,
) -> ControlPlane:
    """Create the control plane `name` where the manager is; `arguments` are flags by program."""
    if cloud is Cloud.LAB:
        return LabKarmada(name, LabKarmadaArgs(arguments=arguments), opts)
    raise ValueError(f"there is no way to run Karmada in {cloud}")
