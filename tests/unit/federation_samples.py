"""A control plane of Karmada for tests with Pulumi mocks: nothing runs, and only what is common to all is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.federation.control_plane import ControlPlane
from providers.pki import Issuer


class SampleControlPlane(ControlPlane):
    """Called `karmada`, with the identifier `1`."""

    def __init__(self) -> None:
        super().__init__("Sample", "karmada")
        text = pulumi.Output.from_input
        self.finish(
            resource=self,
            kubeconfig=text("key"),
            server=text("https://127.0.0.1:5443"),
            ca_data=text("Y2E="),
            identifier=text("1"),
        )

    @property
    def client_issuer(self) -> Issuer:
        """An authority that has signed nothing yet."""
        return Issuer(certificate="ca", private_key="ca-key")

    def take_up(self, credentials: Mapping[str, pulumi.Input[str]], after: Sequence[pulumi.Resource]) -> None:
        """Nothing runs that could."""
