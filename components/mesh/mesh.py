"""What a mesh gives to the rest of the fleet, whatever it is made with: the seam for others than Istio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.cluster import Cluster
from stacks.fleet import Settings


@dataclass(frozen=True, kw_only=True)
class MeshArgs:
    """The settings of the fleet, and the cluster of each region."""

    settings: Settings
    clusters: Mapping[str, Cluster]

    def __post_init__(self) -> None:
        if missing := self.settings.regions.keys() - self.clusters.keys():
            raise ValueError(f"there is no cluster for {', '.join(sorted(missing))}")


class Mesh(pulumi.ComponentResource):
    """One mesh over the clusters of all regions."""

    ready: Sequence[pulumi.Resource]
    """Workloads come after these: every region injects sidecars, and holds them to the mesh's policies."""

    status_urls: Mapping[str, pulumi.Input[str]]
    """Where each region's control plane tells of its state, by cluster; empty where that is behind its Service."""

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"fleet:mesh:{kind}Mesh", name, None, opts)
