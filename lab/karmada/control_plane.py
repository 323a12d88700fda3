"""What can be done with a control plane of Karmada: make it, look at it, change it, remove it.

As with clusters, each can be killed at any moment and done again, and what is found without a record is leftovers.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock

from lab.cluster import ports as claims
from lab.cluster.api import Api, ApiError
from lab.cluster.kwok import find
from lab.cluster.lifecycle import Status
from lab.cluster.ports import LOOPBACK
from lab.karmada import credentials
from lab.karmada.objects import objects, webhooks
from lab.karmada.ports import KarmadaPorts
from lab.karmada.programs import INSTALLED, READY, programs
from lab.karmada.spec import Spec
from lab.processes import Group
from providers.patience import Patience

CHART = "karmada-chart"
"""The folder beside Karmada's programs that has its chart."""

_LOG_LINES = 4
_CLUSTERS = "/apis/cluster.karmada.io/v1alpha1/clusters"
_KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
_SILENT = (OSError, http.client.HTTPException, ApiError)


class KarmadaError(Exception):
    """A control plane could not be made or started; the message says what was in the way."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A control plane that was made: its name, its ports, the UID of its kube-system, and the version in it."""

    name: str
    ports: KarmadaPorts
    identifier: str
    version: str

    @classmethod
    def read(cls, folder: Path) -> Record | None:
        """The record of the control plane in `folder`; None if it was never complete, or has lost its data or keys."""
        if not all((folder / path).exists() for path in ("etcd/member", "pki/admin.key")):
            return None
        try:
            raw = json.loads((folder / "karmada.json").read_text())
        except FileNotFoundError:
            return None
        return cls(**{**raw, "ports": KarmadaPorts(**raw["ports"])})

    def write(self, folder: Path) -> None:
        """Write the record, whole or not at all."""
        new = folder / "karmada.json.new"
        new.write_text(json.dumps(asdict(self), indent=1))
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(folder / "karmada.json")

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{LOOPBACK}:{self.ports.api_server}"


def folder_of(root: Path, directory: str, name: str) -> Path:
    """Where the control plane `name` keeps its files; `directory` is relative to the project's `root`."""
    return root.resolve() / directory / "karmada" / name


def status(folder: Path) -> Status:
    """How the control plane in `folder` is: it runs if every process is kept alive, lives, and the API answers."""
    record = Record.read(folder)
    if record is None:
        return Status.MISSING
    group = Group(folder)
    if group.missing() or not group.is_supervised():
        return Status.STOPPED
    return Status.RUNNING if _is_ready(folder, record.ports.api_server) else Status.STOPPED


def create(spec: Spec, folder: Path, patience: Patience) -> Record:
    """Make the control plane in `folder`, or go on with the one that is there already; it works when this returns.

    Raises `KarmadaError`, `BinaryError`, `PortTakenError`, `TimeoutError` or `CancelledError`.
    """
    with lock(folder):
        record = Record.read(folder)
        if record is not None and record.name == spec.name:
            return _bring_up(record, spec, folder, patience)
        _clear(folder)
        try:
            return _make(spec, folder, patience)
        except BaseException:
            _clear(folder)
            raise


def restart(folder: Path, program: str, patience: Patience) -> None:
    """Start a program of the control plane in `folder` anew; all of it works when this returns.

    Raises `KarmadaError`, `TimeoutError` or `CancelledError`.
    """
    with lock(folder):
        record = Record.read(folder)
        if record is None:
            raise KarmadaError(f"there is no control plane in {folder}")
        Group(folder).restart(program)
        _await_controllers(folder, record.ports, patience)


def remove(folder: Path) -> None:
    """Remove the control plane in `folder`, however it is found: no process, port or file of it is left."""
    with lock(folder):
        _clear(folder)
        _lock_file(folder).unlink(missing_ok=True)
    with suppress(OSError):  # something else of the stack is in there still
        for parent in folder.parents[:2]:
            parent.rmdir()


def remove_all(directory: Path) -> None:
    """Remove every control plane in `directory`, also those that no state knows because their making was killed."""
    for folder in sorted((directory.resolve() / "karmada").glob("*/")):
        remove(folder)


def _make(spec: Spec, folder: Path, patience: Patience) -> Record:
    folder.mkdir(mode=0o700, parents=True)
    ports = claims.claim(folder, KarmadaPorts)
    credentials.create(folder / "pki")
    (folder / "kubeconfig").write_text(credentials.kubeconfig(spec.name, ports.api_server, folder / "pki"))
    _start(folder, ports, spec, patience)
    _install(folder, ports)
    with Api(ports.api_server, folder / "pki") as api:
        namespace = api.get(_KUBE_SYSTEM) or {}
    record = Record(name=spec.name, ports=ports, identifier=namespace["metadata"]["uid"], version=spec.version)
    _await_controllers(folder, ports, patience)
    record.write(folder)
    return record


def _bring_up(record: Record, spec: Spec, folder: Path, patience: Patience) -> Record:
    _start(folder, record.ports, spec, patience)
    if record.version != spec.version:
        _install(folder, record.ports)
        record = Record(**{**vars(record), "version": spec.version})
    (folder / INSTALLED).touch()
    _await_controllers(folder, record.ports, patience)
    record.write(folder)
    return record


def _start(folder: Path, ports: KarmadaPorts, spec: Spec, patience: Patience) -> None:
    """Have every program run that may, and return when the API server is ready to be used."""
    group, wanted = Group(folder), programs(folder, ports, spec)
    if not group.is_supervised():
        group.stop()  # what somebody has left behind who was killed
        claims.require_free((f"{name} of {folder.name}", port) for name, port in asdict(ports).items())
        for marker in (READY, INSTALLED):
            (folder / marker).unlink(missing_ok=True)
    for name, script in spec.scripts.items():
        (folder / f"{name}.sh").write_text(script.text)
    group.run(wanted)
    _await(partial(_is_ready, folder, ports.api_server), "kube-apiserver", folder, patience)
    (folder / READY).touch()


def _install(folder: Path, ports: KarmadaPorts) -> None:
    """Put Karmada's kinds and its aggregated API into the API server."""
    with Api(ports.api_server, folder / "pki", timeout=30) as api:
        for path, manifest in objects(find("karmada-webhook").with_name(CHART), folder / "pki", ports):
            api.apply(path, manifest)
    (folder / INSTALLED).touch()


def _await_controllers(folder: Path, ports: KarmadaPorts, patience: Patience) -> None:
    _await(partial(_is_ready, folder, ports.webhook), "karmada-webhook", folder, patience)
    for program, port in (
        ("karmada-scheduler", ports.scheduler_health),
        ("karmada-controller-manager", ports.controller_manager_health),
    ):
        _await(partial(is_healthy, port), program, folder, patience)
    with Api(ports.api_server, folder / "pki") as api:
        for path, manifest in webhooks(folder / "pki", ports):
            api.apply(path, manifest)
    _await(partial(_serves_clusters, folder, ports.api_server), "karmada-aggregated-apiserver", folder, patience)


def _await(condition: Callable[[], bool], program: str, folder: Path, patience: Patience) -> None:
    log = Group(folder).log(program)
    while not condition():
        try:
            patience.pause(f"{program} of {folder.name} (its log is {log})")
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {tail(log)}") from None


def _is_ready(folder: Path, port: int) -> bool:
    """Whether the server on `port`, the API server or the webhook, says that it is ready."""
    try:
        with Api(port, folder / "pki") as api:
            return api.is_ready()
    except _SILENT:
        return False


def _serves_clusters(folder: Path, port: int) -> bool:
    try:
        with Api(port, folder / "pki") as api:
            return api.get(_CLUSTERS) is not None
    except _SILENT:
        return False


def is_healthy(port: int) -> bool:
    """Whether a program of Karmada's that tells its health on `port` says that it is well."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)  # whatever proxy the user has for elsewhere
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except _SILENT:
        return False
    finally:
        connection.close()


def _clear(folder: Path) -> None:
    Group(folder).stop()
    if folder.exists():
        shutil.rmtree(folder)
    claims.release(folder)


def tail(log: Path) -> str:
    """The last lines of a log, for an error."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(line[:500] for line in lines[-_LOG_LINES:]) or f"{log} is empty"


def _lock_file(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.lock"


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the control plane in `folder`: whoever else wants to change it waits."""
    for parent in reversed(folder.parents[:-1]):
        parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(_lock_file(folder)):
        yield
