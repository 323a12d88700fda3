"""The Pulumi resource `lab:index:Karmada`, as a program sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import pulumi

from lab.cluster.resource import snake_case


@dataclass(frozen=True, kw_only=True)
class Script:
    """A shell script that is kept running beside Karmada, with variables; its KUBECONFIG is an administrator's."""

    text: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class KarmadaArgs:
    """What a control plane of Karmada is made from.

    `directory` is where it keeps its files, relative to the project, so that the state names no path of a machine.
    `version` is the version of Karmada that the binaries on PATH must have, such as `v1.18.2`. `arguments` are lists of
    flags by program, such as `karmada-controller-manager`, beyond those that the lab needs. `scripts` are by name.
    """

    name: str
    directory: str
    version: str
    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    scripts: Mapping[str, Script] = field(default_factory=dict)


class Karmada(pulumi.CustomResource):
    """A control plane of Karmada. Its API is there, and its controllers work, when the outputs are known."""

    kubeconfig: pulumi.Output[str]
    """Administrator's kubeconfig with one context, called like the control plane; a secret."""
    server: pulumi.Output[str]
    """URL of Karmada's API server."""
    ca_data: pulumi.Output[str]
    """Certificate of the API server's CA, whose clients it believes as well: PEM in base64."""
    ca_key: pulumi.Output[str]
    """The CA's key in PEM; a secret."""
    identifier: pulumi.Output[str]
    """UID of its namespace kube-system: another one means that what was in it is gone."""
    status: pulumi.Output[str]
    """`Running`, or `Stopped` if a refresh found it so; the next update starts it again."""

    def __init__(self, name: str, args: KarmadaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {
            "name": args.name,
            "directory": args.directory,
            "version": args.version,
            "arguments": {program: list(flags) for program, flags in args.arguments.items()},
            "scripts": {name: asdict(script) for name, script in args.scripts.items()},
        }
        outputs = dict.fromkeys(("kubeconfig", "server", "ca_data", "ca_key", "identifier", "status"))
        super().__init__("lab:index:Karmada", name, {**inputs, **outputs}, opts)

    def translate_output_property(self, prop: str) -> str:
        """The Python name of a property: `caData` is `ca_data`."""
        return snake_case(prop)


class KarmadaRestart(pulumi.CustomResource):
    """Starts a program of a control plane anew whenever one of `triggers` changes."""

    def __init__(
        self,
        name: str,
        *,
        karmada: Karmada,
        program: str,
        triggers: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"controlPlane": karmada.id, "program": program, "triggers": dict(triggers)}
        super().__init__("lab:index:KarmadaRestart", name, inputs, opts)
