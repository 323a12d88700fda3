"""What every kind of cluster takes and gives; nothing else of a cluster may be used by the other parts of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import pulumi

from components.api import KubernetesApi
from stacks.clusters import ClusterSettings

Settings_co = TypeVar("Settings_co", bound=ClusterSettings, covariant=True)


@dataclass(frozen=True, kw_only=True)
class ClusterArgs(Generic[Settings_co]):
    """A cluster to create: `region` is its name in the settings (`eu`, `manager`), `settings` what they say of it."""

    region: str
    settings: Settings_co


class Cluster(KubernetesApi):
    """A Kubernetes cluster."""

    region: str
    network: str
    """The mesh network that its pods are in."""

    def __init__(
        self, kind: str, name: str, args: ClusterArgs[ClusterSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(f"fleet:cluster:{kind}", name, None, opts)
        self.name = name
        self.region = args.region
        self.network = args.settings.network.name
