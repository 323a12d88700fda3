"""The federation: a control plane of Karmada, the regions' clusters as its members, and failover between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.cluster import Cluster
from components.federation.control_plane import ControlPlane
from components.federation.failover import taint_policy
from components.federation.member import Member, MemberArgs
from components.federation.registry import create_control_plane
from stacks.fleet import Settings


@dataclass(frozen=True, kw_only=True)
class FederationArgs:
    """The settings of the fleet, and the cluster of each region."""

    settings: Settings
    clusters: Mapping[str, Cluster]

    def __post_init__(self) -> None:
        if missing := self.settings.regions.keys() - self.clusters.keys():
            raise ValueError(f"there is no cluster for {', '.join(sorted(missing))}")


class Federation(pulumi.ComponentResource):
    """Karmada with every region in it. Its resource's name is the control plane's, and its kubeconfig context."""

    control_plane: ControlPlane
    members: Mapping[str, str]
    """Name of the member of each region."""
    joined: Sequence[pulumi.Resource]
    """What is placed in members comes after these: every member is ready."""

    def __init__(self, name: str, args: FederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:federation:Federation", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        settings = args.settings.federation
        self.control_plane = create_control_plane(name, args.settings.manager.cloud, settings, inside)
        members = [
            Member(
                args.clusters[region].name,
                MemberArgs(cluster=args.clusters[region], control_plane=self.control_plane, settings=region_settings),
                inside,
            )
            for region, region_settings in args.settings.regions.items()
        ]
        numbers = {each: member.federation.credential for each, member in args.settings.regions.items()}
        credentials = {
            each: str(number) for each, number in numbers.items() if number > 1
        }  # the first is new to nobody
        self.joined = [member.resource for member in members]
        self.control_plane.take_up(credentials, self.joined)
        self.members = {region: args.clusters[region].name for region in args.settings.regions}
        if settings.failover.enabled:
            self.control_plane.keep(f"{name}-taint-policy", [taint_policy()], parent=self)
        self.register_outputs({"members": self.members})
