"""What every kind of cluster takes and gives; nothing else of a cluster may be used by the other parts of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import pulumi
import pulumi_kubernetes as kubernetes

from components.api import KubernetesApi
from stacks.clusters import ClusterSettings

Settings_co = TypeVar("Settings_co", bound=ClusterSettings, covariant=True)


@dataclass(frozen=True, kw_only=True)
class ClusterArgs(Generic[Settings_co]):
    """A cluster to create: `region` is its name in the settings (`eu`, `manager`), `settings` what they say of it."""

    region: str
    settings: Settings_co


class Cluster(KubernetesApi):
    """A Kubernetes cluster."""

    region: str
    network: str
    """The mesh network that its pods are in."""
    provider: kubernetes.Provider
    """For what is to be created in it."""

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
        """As every Kubernetes API, and with a provider."""
        secret: pulumi.Output[str] = pulumi.Output.secret(kubeconfig)
        self.provider = kubernetes.Provider(
            f"{self.name}-kubernetes",
            kubeconfig=secret,
            cluster_identifier=identifier,
            # An `up` that was killed between creating an object and noting it finds that object and goes on with it.
            upsert_existing_objects=True,
            # What somebody changed by hand becomes what the settings say again, whoever has written that field since.
            enable_patch_force=True,
            # A Secret that changes is changed: deleted and made anew, it would be missing for a moment.
            enable_secret_mutable=True,
            # A cluster that does not answer keeps its objects in the state: they are in it still when it is back.
            skip_update_unreachable=True,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=resource),
        )
        super().finish(resource=resource, kubeconfig=kubeconfig, server=server, ca_data=ca_data, identifier=identifier)
