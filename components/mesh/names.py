"""Names that Istio gives a meaning to, and those that the fleet gives to its own objects of the mesh."""

NAMESPACE = "istio-system"
"""Istio's root namespace: what is written there holds for the whole mesh."""

NETWORK_LABEL = "topology.istio.io/network"
CLUSTER_LABEL = "topology.istio.io/cluster"
INJECTION_LABEL = "istio-injection"
REMOTE_SECRET_LABEL = "istio/multiCluster"  # noqa: S105 - a label
REMOTE_CLUSTER_ANNOTATION = "networking.istio.io/cluster"

INGRESS_GATEWAY = "istio-ingressgateway"
"""The gateway of requests from outside, and its service account in `NAMESPACE`."""

EAST_WEST_PORT = 15443
"""Where a region's east-west gateway takes requests of other regions."""

MANAGED_BY = {"app.kubernetes.io/managed-by": "fleet"}
