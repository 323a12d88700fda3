"""A region's gateways: east-west for the requests of other networks, and the ingress for those from outside.

Only the east-west gateway is its network's gateway to Istio. It takes a request with the mesh's own TLS on port 15443
and passes it on as it is, to the service that the request names (`AUTO_PASSTHROUGH`): it cannot read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.mesh.charts import Values, east_west_values, gateway_scaling, merged
from components.mesh.names import EAST_WEST_PORT, INGRESS_GATEWAY, MANAGED_BY, NAMESPACE
from components.mesh.releases import Releases

EAST_WEST_GATEWAY = "istio-eastwestgateway"


@dataclass(frozen=True, kw_only=True)
class GatewaysArgs:
    """What gateways are made of.

    `network` is the mesh network that they are in. `sources` are the CIDRs that may reach the east-west gateway; where
    there are none, there is no other region to serve and no such gateway. `replicas` is how many pods each has at
    least, and `revision` and `version` are those of the control plane that gives them their proxy.
    """

    releases: Releases
    network: str
    sources: Sequence[str]
    replicas: int
    revision: str
    version: str


class Gateways(pulumi.ComponentResource):
    """The gateways of one region, which come after its control plane. Their name is the cluster's."""

    east_west: kubernetes.helm.v3.Release | None = None
    ingress: kubernetes.helm.v3.Release

    def __init__(
        self,
        name: str,
        args: GatewaysArgs,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fleet:mesh:Gateways", name, None, opts)
        self._args, self._after = args, after
        if args.sources:
            self.east_west = self._gateway(EAST_WEST_GATEWAY, east_west_values(args.network, args.sources))
            manifest = cross_network_gateway()
            kubernetes.apiextensions.CustomResource(
                f"{name}-{manifest['metadata']['name']}",
                api_version=manifest["apiVersion"],
                kind=manifest["kind"],
                metadata=manifest["metadata"],
                spec=manifest["spec"],
                opts=args.releases.options(self, after),
            )
        self.ingress = self._gateway(INGRESS_GATEWAY, {})
        self.register_outputs({})

    def _gateway(self, name: str, values: Values) -> kubernetes.helm.v3.Release:
        args = self._args
        scaling = gateway_scaling(args.replicas, name, f"{args.revision}-{args.version}")
        return args.releases.install(
            name,
            chart="gateway",
            version=args.version,
            values=merged(scaling, values),
            parent=self,
            after=self._after,
        )


def cross_network_gateway() -> dict[str, Any]:
    """Return the Gateway by which the east-west gateway passes on what other networks send to services of this one."""
    server = {
        "port": {"number": EAST_WEST_PORT, "name": "tls", "protocol": "TLS"},
        "tls": {"mode": "AUTO_PASSTHROUGH"},
        "hosts": ["*.local"],
    }
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "cross-network-gateway", "namespace": NAMESPACE, "labels": MANAGED_BY},
        "spec": {"selector": {"istio": EAST_WEST_GATEWAY.removeprefix("istio-")}, "servers": [server]},
    }
