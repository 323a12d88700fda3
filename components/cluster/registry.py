"""The registry of clouds: which class makes a cluster of which."""

from __future__ import annotations

import pulumi

from components.cluster.base import Cluster, ClusterArgs
from components.cluster.lab import LabCluster
from stacks.settings import Cloud

_CLASSES = {
    Cloud.LAB: LabCluster,
}


def create_cluster(name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> Cluster:
    """Create the cluster `name` in the cloud that its settings name."""
    return _CLASSES[args.settings.cloud](name, args, opts)
