"""Which control plane of Karmada goes with which cloud of the manager."""

from __future__ import annotations

import pulumi

from components.federation.control_plane import ControlPlane
from components.federation.lab import LabKarmada, LabKarmadaArgs
from stacks.clusters import Cloud
from stacks.federation import FederationSettings


def create_control_plane(
    name: str, cloud: Cloud, settings: FederationSettings, opts: pulumi.ResourceOptions | None = None
) -> ControlPlane:
    """Create the control plane `name` where the manager is."""
    if cloud is Cloud.LAB:
        return LabKarmada(name, LabKarmadaArgs(settings=settings), opts)
    raise ValueError(f"there is no way to run Karmada in {cloud}")
