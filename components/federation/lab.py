"""Karmada's control plane in the lab: the real programs, as processes that are started again if they die."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.federation.come_home import SCRIPT, variables
from components.federation.control_plane import ControlPlane
from components.federation.flags import control_plane_flags
from lab.karmada import Karmada, KarmadaArgs, KarmadaRestart, Script
from lab.tools.catalogue import KARMADA
from providers.pki import Issuer
from stacks.federation import FederationSettings


@dataclass(frozen=True, kw_only=True)
class LabKarmadaArgs:
    """What the settings say of the federation."""

    settings: FederationSettings


class LabKarmada(ControlPlane):
    """A control plane of the lab. What it keeps lies in the stack's own folder, `.fleet/stacks/<stack>`."""

    def __init__(self, name: str, args: LabKarmadaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Lab", name, opts)
        failover = args.settings.failover
        come_home = Script(text=SCRIPT.read_text(encoding="utf-8"), environment=variables(failover))
        karmada = Karmada(
            name,
            KarmadaArgs(
                name=name,
                directory=f".fleet/stacks/{pulumi.get_stack()}",
                version=KARMADA.version,
                arguments=control_plane_flags(args.settings),
                scripts={"come-home": come_home} if failover.enabled else {},
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._karmada = karmada
        self.finish(
            resource=karmada,
            kubeconfig=karmada.kubeconfig,
            server=karmada.server,
            ca_data=karmada.ca_data,
            identifier=karmada.identifier,
        )

    @property
    def client_issuer(self) -> Issuer:
        """As every control plane."""
        certificate = self._karmada.ca_data.apply(lambda data: b64decode(data).decode())
        return Issuer(certificate=certificate, private_key=self._karmada.ca_key)

    def take_up(self, credentials: Mapping[str, pulumi.Input[str]], after: Sequence[pulumi.Resource]) -> None:
        """As every control plane."""
        KarmadaRestart(
            f"{self.name}-restart",
            karmada=self._karmada,
            program="karmada-controller-manager",
            triggers=credentials,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=self._karmada, depends_on=list(after)),
        )
