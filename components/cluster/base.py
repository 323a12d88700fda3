"""What every kind of cluster takes and gives; nothing else of a cluster may be used by the other parts of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import pulumi
import pulumi_kubernetes as kubernetes

from stacks.clusters import ClusterSettings

Settings_co = TypeVar("Settings_co", bound=ClusterSettings, covariant=True)


@dataclass(frozen=True, kw_only=True)
class ClusterArgs(Generic[Settings_co]):
    """A cluster to create: `region` is its name in the settings (`eu`, `manager`), `settings` what they say of it."""

    region: str
    settings: Settings_co


class Cluster(pulumi.ComponentResource):
    """A Kubernetes cluster that is ready to be used. Its resource's name is its name everywhere."""

    name: str
    region: str
    network: str
    """The mesh network that its pods are in."""
    kubeconfig: pulumi.Output[str]
    """Administrator's kubeconfig with one context, called like the cluster; a secret."""
    server: pulumi.Output[str]
    """URL of the API server."""
    ca_data: pulumi.Output[str]
    """Certificate of the API server's CA: PEM in base64."""
    provider: kubernetes.Provider
    """For what is to be created in the cluster."""
    resource: pulumi.Resource
    """The cluster itself, for `deleted_with`: what is in the cluster goes with it."""

    def __init__(
        self, kind: str, name: str, args: ClusterArgs[ClusterSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(f"fleet:cluster:{kind}", name, None, opts)
        self.name = name
        self.region = args.region
        self.network = args.settings.network.name

    def finish(
        self,
        *,
        resource: pulumi.Resource,
        kubeconfig: pulumi.Output[str],
        server: pulumi.Output[str],
        ca_data: pulumi.Output[str],
        identifier: pulumi.Output[str],
    ) -> None:
        """Set the outputs, make the provider and register all; a subclass calls it last in its constructor.

        `identifier` stays the same for the life of the cluster, however its kubeconfig is rotated: only when it changes
        is what was in the cluster created anew.
        """
        self.resource = resource
        self.kubeconfig = pulumi.Output.secret(kubeconfig)
        self.server = server
        self.ca_data = ca_data
        self.provider = kubernetes.Provider(
            f"{self.name}-kubernetes",
            kubeconfig=self.kubeconfig,
            cluster_identifier=identifier,
            # An `up` that was killed between creating an object and noting it finds that object and goes on with it.
            upsert_existing_objects=True,
            # What somebody changed by hand becomes what the settings say again, whoever has written that field since.
            enable_patch_force=True,
            # A cluster that does not answer keeps its objects in the state: they are in it still when it is back.
            skip_update_unreachable=True,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=resource),
        )
        self.register_outputs({"kubeconfig": self.kubeconfig, "server": self.server, "caData": self.ca_data})
