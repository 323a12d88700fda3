"""The registry of clouds: which class makes a cluster of which."""

from __future__ import annotations

from typing import Any

import pulumi

from components.cluster.base import Cluster, ClusterArgs
from components.cluster.lab import LabCluster
from stacks.clusters import Cloud

_CLASSES: dict[Cloud, type[Any]] = {
    Cloud.LAB: LabCluster,
}


def create_cluster(name: str, args: ClusterArgs[Any], opts: pulumi.ResourceOptions | None = None) -> Cluster:
    """Create the cluster `name` in the cloud that its settings name."""
    cluster: Cluster = _CLASSES[args.settings.cloud](name, args, opts)
    return cluster
