"""Clusters of the lab: real control planes as processes on loopback, with nodes and pods simulated by KWOK.

`Cluster` is the Pulumi resource. Its provider is `lab.cluster.provider`; what it does to the machine is in
`lab.cluster.lifecycle`, which the command line and the tests use as well.
"""

from lab.cluster.resource import Cluster, ClusterArgs, NodePool

__all__ = ["Cluster", "ClusterArgs", "NodePool"]
