"""Clusters of the lab: real control planes as processes on loopback, with nodes and pods simulated by KWOK.

`Cluster` is the Pulumi resource. What a provider does for it is in `lab.cluster.kind`, and to the machine in
`lab.cluster.lifecycle`, which the command line and the tests use as well.
"""

from lab.cluster.resource import Cluster, ClusterArgs, NodePool

__all__ = ["Cluster", "ClusterArgs", "NodePool"]
