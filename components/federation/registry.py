"""What of the federation differs with the cloud: the manager's control plane of Karmada, and a member's agent.

The lab's run as processes. Every other cloud has real pods, and the same classes do for all of them.
"""

from __future__ import annotations

import pulumi

from components.cluster import Cluster
from components.federation.agent import Agent, AgentArgs
from components.federation.control_plane import ControlPlane
from components.federation.flags import control_plane_flags
from components.federation.helm import HelmKarmada, HelmKarmadaArgs
from components.federation.lab import LabKarmada, LabKarmadaArgs
from components.federation.lab_agent import LabAgent
from components.federation.pod_agent import PodAgent
from stacks.clusters import Cloud
from stacks.federation import FederationSettings


def create_control_plane(
    name: str,
    cloud: Cloud,
    settings: FederationSettings,
    manager: Cluster | None,
    opts: pulumi.ResourceOptions | None = None,
) -> ControlPlane:
    """Create the control plane `name` where the manager is: in its cluster, unless its cloud is the lab."""
    if cloud is Cloud.LAB:
        return LabKarmada(name, LabKarmadaArgs(settings=settings), opts)
    if manager is None or settings.control_plane is None:
        raise ValueError(f"Karmada in {cloud} needs the manager's cluster and federation.controlPlane")
    args = HelmKarmadaArgs(
        cluster=manager,
        chart=settings.control_plane,
        arguments=control_plane_flags(settings),
        failover=settings.failover,
    )
    return HelmKarmada(name, args, opts)


def create_agent(name: str, cloud: Cloud, args: AgentArgs, opts: pulumi.ResourceOptions | None = None) -> Agent:
    """Create the agent `name` of a member in pull mode, which is in `cloud`."""
    return (LabAgent if cloud is Cloud.LAB else PodAgent)(name, args, opts)
