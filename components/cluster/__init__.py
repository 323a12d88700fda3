"""A region's cluster, whatever cloud it is in: one class a kind of cluster, all with the same outputs.

A new cloud is one new file with a subclass of `Cluster`, and one line in `registry.py`.
"""

from components.cluster.base import Cluster, ClusterArgs
from components.cluster.registry import create_cluster

__all__ = ["Cluster", "ClusterArgs", "create_cluster"]
