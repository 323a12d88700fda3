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
from providers.karmada.objects import Manifest
from stacks.clusters import Cloud, MemberSettings, SyncMode
from stacks.fleet import Settings
from stacks.names import MANAGER


@dataclass(frozen=True, kw_only=True)
class FederationArgs:
    """The settings of the fleet, and the cluster of each region; the manager's too, unless its cloud is the lab.

    `kinds` are CustomResourceDefinitions of what Karmada is to deliver and does not know by itself.
    """

    settings: Settings
    clusters: Mapping[str, Cluster]
    kinds: Sequence[Manifest] = ()

    def __post_init__(self) -> None:
        runs_karmada = self.settings.manager.cloud is not Cloud.LAB
        needed = {*self.settings.regions, *([MANAGER] if runs_karmada else [])}
        if missing := needed - self.clusters.keys():
            raise ValueError(f"there is no cluster for {', '.join(sorted(missing))}")


class Federation(pulumi.ComponentResource):
    """Karmada with every region in it. Its resource's name is the control plane's, and its kubeconfig context."""

    control_plane: ControlPlane
    members: Mapping[str, str]
    """Name of the member of each region."""
    joined: list[pulumi.Resource]
    """What is placed in members comes after these: every member is ready, every kind known."""

    def __init__(self, name: str, args: FederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:federation:Federation", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        settings = args.settings.federation
        self.control_plane = create_control_plane(
            name, args.settings.manager.cloud, settings, args.clusters.get(MANAGER), inside
        )
        members = [
            Member(
                args.clusters[region].name,
                MemberArgs(
                    cluster=args.clusters[region],
                    control_plane=self.control_plane,
                    settings=region_settings,
                    federation=settings,
                ),
                inside,
            )
            for region, region_settings in args.settings.regions.items()
        ]
        credentials = {
            region: told
            for region, region_settings in args.settings.regions.items()
            if (told := _news(region_settings.federation))
        }
        self.joined = [member.resource for member in members]
        self.control_plane.take_up(credentials, self.joined)
        if args.kinds:
            # At once: Karmada looks for new kinds every half minute (discoverResources in its pkg/detector).
            self.joined.append(self.control_plane.keep(f"{name}-kinds", args.kinds, parent=self))
        self.members = {region: args.clusters[region].name for region in args.settings.regions}
        if settings.failover.enabled:
            self.control_plane.keep(f"{name}-taint-policy", [taint_policy()], parent=self)
        self.register_outputs({"members": self.members})


def _news(member: MemberSettings) -> str:
    """What the controllers have to be told of a member: with its first credential, in push mode, nothing.

    A member that comes to push mode has objects already that they do not watch: they look for a member's mode only when
    something of it changes (WorkWithinPushClusterPredicate in Karmada's pkg/util/helper).
    """
    number = str(member.credential)
    if member.mode is SyncMode.PULL:
        return f"{number} ({member.mode})"
    return "" if member.credential == 1 else number
