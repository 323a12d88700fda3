"""What can be done with the agent of a member in pull mode: make it, look at it, remove it.

Its folder lies beside that of the control plane, and is called like its member, which no control plane is: whoever
removes all control planes of a stack removes the agents as well. There is nothing in it that cannot be made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.cluster import ports as claims
from lab.cluster.kwok import find
from lab.cluster.lifecycle import Status
from lab.cluster.ports import LOOPBACK
from lab.karmada.control_plane import is_healthy, lock, tail
from lab.processes import Group, Program
from providers.karmada.api import Api, ApiError
from providers.karmada.propagation import why_unready
from providers.patience import Patience

PROGRAM = "karmada-agent"
REPLACING = ("name", "directory")
UPDATING = ("version", "arguments", "karmadaKubeconfig", "memberKubeconfig")

_PORTS_FILE = "ports.json"


@dataclass(frozen=True, kw_only=True)
class AgentPorts:
    """Where an agent tells whether it is well and what it measures, on loopback."""

    health: int
    metrics: int


@dataclass(frozen=True, kw_only=True)
class AgentSpec:
    """An agent as it is to be; see `KarmadaAgentArgs` for what each field means."""

    name: str
    version: str
    arguments: Sequence[str]
    karmada_kubeconfig: str
    member_kubeconfig: str

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> AgentSpec:
        """Read inputs."""
        return cls(
            name=inputs["name"],
            version=inputs["version"],
            arguments=inputs["arguments"],
            karmada_kubeconfig=inputs["karmadaKubeconfig"],
            member_kubeconfig=inputs["memberKubeconfig"],
        )


def status(folder: Path) -> Status:
    """How the agent in `folder` is: it runs if it is kept alive and says that it is well."""
    ports = _ports(folder)
    if ports is None:
        return Status.MISSING
    group = Group(folder)
    is_alive = group.is_supervised() and not group.missing() and is_healthy(ports.health)
    return Status.RUNNING if is_alive else Status.STOPPED


def create(spec: AgentSpec, folder: Path, patience: Patience) -> None:
    """Make the agent in `folder`, or have the one that is there be what `spec` says; its member is ready afterwards.

    Raises `ApiError`, `BinaryError`, `PortTakenError`, `TimeoutError` or `CancelledError`.
    """
    with lock(folder):
        ports = _ports(folder) or _claim(folder)
        group = Group(folder)
        if not group.is_supervised():
            group.stop()  # what somebody has left behind who was killed
            claims.require_free((f"{name} of the agent of {spec.name}", port) for name, port in asdict(ports).items())
        if _write(folder, spec) and group.is_supervised():
            group.stop()
        group.run([_program(folder, ports, spec)])
        _await_ready(spec, folder, patience)


def _await_ready(spec: AgentSpec, folder: Path, patience: Patience) -> None:
    karmada = Api(spec.karmada_kubeconfig)
    while reason := _why_unready(karmada, spec.name) or _why_unwell(folder):
        try:
            patience.pause(f"{spec.name} in Karmada ({reason})", 0.2)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {tail(Group(folder).log(PROGRAM))}") from None


def _why_unready(karmada: Api, name: str) -> str | None:
    try:
        return why_unready(karmada, name)
    except ApiError as error:
        return str(error)


def _why_unwell(folder: Path) -> str | None:
    """What is amiss with the agent itself: Karmada may think well of its member from the time before."""
    return None if status(folder) is Status.RUNNING else "its agent is not well"


def _claim(folder: Path) -> AgentPorts:
    folder.mkdir(mode=0o700, exist_ok=True)
    ports = claims.claim(folder, AgentPorts)
    (folder / _PORTS_FILE).write_text(json.dumps(asdict(ports)))
    return ports


def _ports(folder: Path) -> AgentPorts | None:
    """The ports of the agent in `folder`, None if there is none."""
    try:
        return AgentPorts(**json.loads((folder / _PORTS_FILE).read_text()))
    except (FileNotFoundError, ValueError):  # one that was killed while it wrote them
        return None


def _write(folder: Path, spec: AgentSpec) -> bool:
    """Write what the agent reads when it starts, for the owner alone; whether that is a change."""
    wanted = {
        "karmada.kubeconfig": spec.karmada_kubeconfig,
        "member.kubeconfig": spec.member_kubeconfig,
        "version": spec.version,  # another one lies at the same path
    }
    files = {folder / name: text for name, text in wanted.items()}
    changed = {file: text for file, text in files.items() if not file.exists() or file.read_text() != text}
    for file, text in changed.items():
        file.touch(mode=0o600)
        file.write_text(text)
    return bool(changed)


def _program(folder: Path, ports: AgentPorts, spec: AgentSpec) -> Program:
    flags = [
        f"--karmada-kubeconfig={folder / 'karmada.kubeconfig'}",
        f"--cluster-name={spec.name}",
        "--leader-elect=false",  # there is one
        f"--health-probe-bind-address={LOOPBACK}:{ports.health}",
        f"--metrics-bind-address={LOOPBACK}:{ports.metrics}",
        *spec.arguments,
    ]
    environment = {"KUBECONFIG": str(folder / "member.kubeconfig")}
    return Program(name=PROGRAM, command=[str(find(PROGRAM)), *flags], environment=environment)
