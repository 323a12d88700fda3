"""Karmada's control plane in the lab: the real programs, as processes that are started again if they die."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.federation.control_plane import ControlPlane
from lab.karmada import Karmada, KarmadaArgs
from lab.tools.catalogue import KARMADA


@dataclass(frozen=True, kw_only=True)
class LabKarmadaArgs:
    """`arguments` has more flags by program, such as `karmada-controller-manager`."""

    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)


class LabKarmada(ControlPlane):
    """A control plane of the lab. What it keeps lies in the stack's own folder, `.fleet/stacks/<stack>`."""

    def __init__(self, name: str, args: LabKarmadaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Lab", name, opts)
        karmada = Karmada(
            name,
            KarmadaArgs(
                name=name,
                directory=f".fleet/stacks/{pulumi.get_stack()}",
                version=KARMADA.version,
                arguments=args.arguments,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.finish(
            resource=karmada,
            kubeconfig=karmada.kubeconfig,
            server=karmada.server,
            ca_data=karmada.ca_data,
            identifier=karmada.identifier,
        )
