"""The Pulumi resources `lab:index:IstiodPorts` and `lab:index:Istiod`, as a program sees them.

They are two because Istio's charts come between them: the webhooks in the charts name istiod's ports, and istiod reads
at its start what the charts have put into the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from lab.cluster.resource import snake_case


class IstiodPorts(pulumi.CustomResource):
    """Ports on loopback that are one istiod's for as long as this is there, and the addresses that follow from them.

    `directory` is where it keeps its files, relative to the project, so that the state names no path of a machine.
    """

    injection_url: pulumi.Output[str]
    """URL of the webhook that gives pods their sidecar."""
    validation_url: pulumi.Output[str]
    """URL of the webhook that refuses what is wrong in Istio's objects."""
    discovery_address: pulumi.Output[str]
    """Host and port of xDS and of the certificate authority, by TLS."""
    plain_discovery_address: pulumi.Output[str]
    """Host and port of xDS in the clear."""
    status_url: pulumi.Output[str]
    """URL of what tells its state: `/ready`, and `/debug/clusterz` and others like it."""
    monitoring_url: pulumi.Output[str]
    """URL of `/metrics`."""

    def __init__(self, name: str, *, directory: str, opts: pulumi.ResourceOptions | None = None) -> None:
        outputs = dict.fromkeys(
            (
                "injection_url",
                "validation_url",
                "discovery_address",
                "plain_discovery_address",
                "status_url",
                "monitoring_url",
            )
        )
        super().__init__("lab:index:IstiodPorts", name, {"name": name, "directory": directory, **outputs}, opts)

    def translate_output_property(self, prop: str) -> str:
        """The Python name of a property: `statusUrl` is `status_url`."""
        return snake_case(prop)


@dataclass(frozen=True, kw_only=True)
class IstiodArgs:
    """What an istiod is made from.

    `cluster` is its name in Istio, `kubeconfig` an administrator's of that cluster. `revision` is `default`, or the
    revision that the chart has been told. `certificates` are the files of the Secret `cacerts`, PEM by file name, and
    none where an authority elsewhere signs. `environment` is set beyond what the lab needs. `version` is the version of
    Istio that the program on PATH must have, such as `v1.31.1`.
    """

    ports: IstiodPorts
    cluster: str
    kubeconfig: pulumi.Input[str]
    version: str
    revision: str = "default"
    certificates: pulumi.Input[Mapping[str, str]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class Istiod(pulumi.CustomResource):
    """An istiod. It serves proxies, and its webhooks answer the API server, when the outputs are known."""

    status: pulumi.Output[str]
    """`Running`, or `Stopped` if a refresh found it so; the next update starts it again."""

    def __init__(self, name: str, args: IstiodArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {
            "ports": args.ports.id,
            "cluster": args.cluster,
            "kubeconfig": pulumi.Output.secret(args.kubeconfig),
            "version": args.version,
            "revision": args.revision,
            "certificates": pulumi.Output.secret(args.certificates),
            "environment": dict(args.environment),
        }
        super().__init__("lab:index:Istiod", name, {**inputs, "status": None}, opts)
