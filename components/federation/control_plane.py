"""What every kind of Karmada control plane gives, wherever it runs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import pulumi

from components.api import KubernetesApi


class ControlPlane(KubernetesApi):
    """A control plane of Karmada; as a Kubernetes API it is the one that reaches all members."""

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"fleet:federation:{kind}Karmada", name, None, opts)
        self.name = name

    @abstractmethod
    def take_up(self, credentials: Mapping[str, pulumi.Input[str]], after: Sequence[pulumi.Resource]) -> None:
        """Have the controllers use new credentials of members, once `after` is there; `credentials` tell old from new.

        Karmada (1.18) goes on watching a member with the credential that it had when it first did, until it is started
        anew (initializeGenericInformerManagerForCluster in its cluster_status_controller.go).
        """
