"""The Pulumi resource `lab:index:KarmadaAgent`, as a program sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from lab.cluster.resource import snake_case


@dataclass(frozen=True, kw_only=True)
class KarmadaAgentArgs:
    """What an agent is made from.

    `name` is its member's. `directory` is where it keeps its files, relative to the project, so that the state names no
    path of a machine. `version` is the version of Karmada that the binary on PATH must have. `arguments` are its flags,
    beyond those that the lab needs. It is to Karmada who `karmada_kubeconfig` says, and to its member who
    `member_kubeconfig` says; both are kept as secrets.
    """

    name: str
    directory: str
    version: str
    arguments: pulumi.Input[Sequence[pulumi.Input[str]]]
    karmada_kubeconfig: pulumi.Input[str]
    member_kubeconfig: pulumi.Input[str]


class KarmadaAgent(pulumi.CustomResource):
    """The agent of a member in pull mode, as a process. When its outputs are known, its member is ready in Karmada."""

    status: pulumi.Output[str]
    """`Running`, or `Stopped` if a refresh found it so; the next update starts it again."""

    def __init__(self, name: str, args: KarmadaAgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {
            "name": args.name,
            "directory": args.directory,
            "version": args.version,
            "arguments": args.arguments,
            "karmadaKubeconfig": pulumi.Output.secret(args.karmada_kubeconfig),
            "memberKubeconfig": pulumi.Output.secret(args.member_kubeconfig),
        }
        super().__init__("lab:index:KarmadaAgent", name, {**inputs, "status": None}, opts)

    def translate_output_property(self, prop: str) -> str:
        """The Python name of a property: `karmadaKubeconfig` is `karmada_kubeconfig`."""
        return snake_case(prop)
