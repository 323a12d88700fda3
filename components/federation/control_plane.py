"""What every kind of Karmada control plane gives, wherever it runs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import pulumi

from components.api import KubernetesApi
from providers.karmada import Provider, ResourceTemplates, ResourceTemplatesArgs
from providers.karmada.objects import Manifest
from providers.pki import Issuer


class ControlPlane(KubernetesApi):
    """A control plane of Karmada; as a Kubernetes API it is the one that reaches all members."""

    provider: Provider
    """For what Karmada is to keep. One that has lost it all gets it again, without a thing being replaced."""

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"fleet:federation:{kind}Karmada", name, None, opts)
        self.name = name

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
        self.provider = Provider(
            f"{self.name}-templates",
            kubeconfig=kubeconfig,
            identifier=identifier,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=resource),
        )
        super().finish(resource=resource, kubeconfig=kubeconfig, server=server, ca_data=ca_data, identifier=identifier)

    def keep(
        self,
        name: str,
        manifests: Sequence[Manifest],
        *,
        parent: pulumi.Resource,
        members: Sequence[str] = (),
        after: Sequence[pulumi.Resource] = (),
    ) -> ResourceTemplates:
        """Have Karmada keep `manifests`, in `members` and until it goes itself."""
        return ResourceTemplates(
            name,
            ResourceTemplatesArgs(manifests=manifests, members=members, karmada=self.identifier),
            pulumi.ResourceOptions(
                parent=parent, provider=self.provider, deleted_with=self.resource, depends_on=list(after)
            ),
        )

    @property
    @abstractmethod
    def client_issuer(self) -> Issuer:
        """Who signs the certificates by which the API server knows its clients, the agents of members among them."""

    @abstractmethod
    def take_up(self, credentials: Mapping[str, pulumi.Input[str]], after: Sequence[pulumi.Resource]) -> None:
        """Have the controllers use new credentials of members, once `after` is there; `credentials` tell old from new.

        Karmada (1.18) goes on watching a member with the credential that it had when it first did, until it is started
        anew (initializeGenericInformerManagerForCluster in its cluster_status_controller.go).
        """
