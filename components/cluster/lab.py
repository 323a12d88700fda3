"""A lab cluster: real control plane processes on this machine, with simulated nodes and pods (KWOK)."""

from __future__ import annotations

import pulumi

from components.cluster.base import Cluster, ClusterArgs
from lab.cluster import Cluster as KwokCluster
from lab.cluster import ClusterArgs as KwokClusterArgs
from lab.cluster import NodePool
from lab.tools.catalogue import KUBERNETES
from stacks.clusters import LabClusterSettings


class LabCluster(Cluster):
    """A cluster of the lab. What it keeps lies in the stack's own folder, `.fleet/stacks/<stack>`."""

    def __init__(
        self, name: str, args: ClusterArgs[LabClusterSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Lab", name, args, opts)
        settings = args.settings
        cluster = KwokCluster(
            name,
            KwokClusterArgs(
                name=name,
                directory=f".fleet/stacks/{pulumi.get_stack()}",
                version=KUBERNETES.version,
                region=settings.location,
                zones=settings.zones,
                node_pools=[NodePool(**pool.model_dump()) for pool in settings.node_pools],
                pod_cidr=settings.network.pods,
                service_cidr=settings.network.services,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.finish(
            resource=cluster,
            kubeconfig=cluster.kubeconfig,
            server=cluster.server,
            ca_data=cluster.ca_data,
            identifier=cluster.identifier,
        )
