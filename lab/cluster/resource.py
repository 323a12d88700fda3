"""The Pulumi resource `lab:index:Cluster`, as a program sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """Simulated nodes that are alike: `cpu` and `memory` are Kubernetes quantities, `pods` is what a node can run."""

    name: str = "default"
    count: int = 3
    cpu: str = "8"
    memory: str = "32Gi"
    pods: int = 110


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What a lab cluster is made from.

    `directory` is where it keeps its files, relative to the project, so that the state names no path of a machine.
    `version` is the Kubernetes version that the binaries on PATH must have, such as `v1.36.3`. `region` becomes the
    nodes' topology label; they are spread over `zones` in turn (left out: the region with a, b and c after it).
    `pod_cidr` and `service_cidr` must not overlap those of a cluster that is to reach this one.
    """

    name: str
    directory: str
    version: str
    region: str
    zones: Sequence[str] = ()
    node_pools: Sequence[NodePool] = (NodePool(),)
    pod_cidr: str = "10.1.0.0/16"
    service_cidr: str = "10.101.0.0/16"

    def properties(self) -> dict[str, Any]:
        """The resource's inputs, named as the provider names them."""
        return {
            "name": self.name,
            "directory": self.directory,
            "version": self.version,
            "region": self.region,
            "zones": list(self.zones) or [f"{self.region}{letter}" for letter in "abc"],
            "nodePools": [dict(vars(pool)) for pool in self.node_pools],
            "podCidr": self.pod_cidr,
            "serviceCidr": self.service_cidr,
        }


class Cluster(pulumi.CustomResource):
    """A lab cluster. It is there, and its API server is ready, when the outputs are known."""

    kubeconfig: pulumi.Output[str]
    """Administrator's kubeconfig with one context, called like the cluster, and its certificates in it; a secret."""
    server: pulumi.Output[str]
    """URL of the API server."""
    ca_data: pulumi.Output[str]
    """Certificate of the API server's CA: PEM in base64."""
    identifier: pulumi.Output[str]
    """UID of the namespace kube-system: another one means that what was in the cluster is gone."""
    version: pulumi.Output[str]
    """Kubernetes version that the API server reports."""
    status: pulumi.Output[str]
    """`Running`, or `Stopped` if a refresh found it so; the next update starts it again."""
    node_count: pulumi.Output[int]
    """How many nodes its pools have in it."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {snake_case(key): value for key, value in args.properties().items()}
        outputs = dict.fromkeys(("kubeconfig", "server", "ca_data", "identifier", "status", "node_count"))
        super().__init__("lab:index:Cluster", name, {**inputs, **outputs}, opts)

    def translate_input_property(self, prop: str) -> str:
        """The provider's name of a property: `ca_data` is `caData`."""
        first, *rest = prop.split("_")
        return first + "".join(part.capitalize() for part in rest)

    def translate_output_property(self, prop: str) -> str:
        """The Python name of a property: `caData` is `ca_data`."""
        return snake_case(prop)


def snake_case(name: str) -> str:
    """The Python name of a property: `caData` is `ca_data`."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
