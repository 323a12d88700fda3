"""What every kind of Karmada control plane gives, wherever it runs."""

from __future__ import annotations

import pulumi

from components.api import KubernetesApi


class ControlPlane(KubernetesApi):
    """A control plane of Karmada; as a Kubernetes API it is the one that reaches all members."""

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"fleet:federation:{kind}Karmada", name, None, opts)
        self.name = name
