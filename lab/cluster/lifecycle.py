"""What can be done with a cluster: make it, look at it, start it, stop it, change it, remove it.

Each can be killed at any moment and done again. A cluster counts as made from when its record is written; what is found
without one is leftovers of an attempt, in which nothing can be yet, and is made anew.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from filelock import FileLock

from lab.cluster import kwok, nodes, ports, processes
from lab.cluster.api import Api
from lab.cluster.ports import Ports
from lab.cluster.record import Record
from lab.cluster.spec import Spec
from providers.patience import Patience

DEFAULT_SECONDS = 180
"""How long a cluster may take to become ready."""

_NEEDED_BYTES = 400 * 2**20
_KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
_LOG_LINES = 4
_LOOK_SECONDS = 0.5  # to look through the machine's processes costs hundredths of a second
_IMPATIENT = frozenset({"kube-controller-manager", "kube-scheduler", "kwok-controller"})
"""What gives up when its API server is not there in ten seconds: a busy machine takes longer."""
_ATTEMPTS = 3
_SILENT = (OSError, http.client.HTTPException)


class Status(StrEnum):
    """How a cluster is found. `MISSING` is one that never was complete, or has lost its data."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    MISSING = "Missing"


class ClusterError(Exception):
    """A cluster could not be made or started; the message says what was in the way."""


def folder_of(root: Path, directory: str, name: str) -> Path:
    """Where the cluster `name` keeps its files; `directory` is relative to the project's `root`."""
    return root.resolve() / directory / "clusters" / name


def status(folder: Path) -> Status:
    """How the cluster in `folder` is: it runs if all its processes do and the API server says that it is ready."""
    record = Record.read(folder)
    if record is None:
        return Status.MISSING
    if set(processes.COMPONENTS) - processes.running(folder).keys():
        return Status.STOPPED
    return Status.RUNNING if _is_ready(folder, record.ports) else Status.STOPPED


def create(spec: Spec, folder: Path, patience: Patience | None = None) -> Record:
    """Make the cluster that `spec` says in `folder`, or go on with the one that is there already.

    Raises `ClusterError`, `BinaryError`, `PortTakenError`, `TimeoutError` or `CancelledError`. A cluster that could not
    be made leaves nothing behind.
    """
    patience = patience or Patience(DEFAULT_SECONDS)
    with _lock(folder):
        record = Record.read(folder)
        if record is not None and record.identity == spec.identity:
            record = _bring_up(folder, record, spec.version, patience)
        else:
            _clear(folder)
            try:
                record = _make(spec, folder, patience)
            except BaseException:
                _clear(folder)
                raise
        with Api(record.ports.api_server, folder / "pki") as api:
            nodes.apply(api, kwok.nodes(spec))
    return record


def start(folder: Path, patience: Patience | None = None) -> Record:
    """Start what does not run of the cluster in `folder`, with all that was in it. Raises as `create` does."""
    with _lock(folder):
        record = Record.read(folder)
        if record is None:
            raise ClusterError(f"there is no cluster in {folder}")
        return _bring_up(folder, record, record.version, patience or Patience(DEFAULT_SECONDS))


def stop(folder: Path) -> None:
    """Stop the cluster in `folder`; `start` brings it back with all that was in it."""
    with _lock(folder):
        processes.stop(folder, gracefully=True)


def remove(folder: Path) -> None:
    """Remove the cluster in `folder`, however it is found: no process, port or file of it is left."""
    with _lock(folder):
        _clear(folder)
        _lock_file(folder).unlink(missing_ok=True)
    with suppress(OSError):  # another cluster is in there still, or whoever removed one took the folder away just now
        for parent in folder.parents[:2]:
            parent.rmdir()


def remove_all(directory: Path) -> None:
    """Remove every cluster in `directory`, also those that no state knows because their making was killed."""
    for folder in sorted((directory.resolve() / "clusters").glob("*/")):
        remove(folder)


def _make(spec: Spec, folder: Path, patience: Patience) -> Record:
    kwok.require_version(spec.version)
    folder.mkdir(mode=0o700, parents=True)
    _require_space(folder)
    claimed = ports.claim(folder, Ports)
    kwok.link_binaries(folder)
    config = folder / "kwokctl.yaml"
    config.write_text(kwok.configuration(spec, claimed, folder))
    _run_kwokctl(kwok.create_command(spec.name, config), folder, claimed, patience)
    identifier = _await_all(spec.name, folder, claimed, patience)
    record = Record(identity=spec.identity, ports=claimed, identifier=identifier, version=spec.version)
    record.write(folder)
    return record


def _bring_up(folder: Path, record: Record, version: str, patience: Patience) -> Record:
    if record.version != version:
        kwok.require_version(version)
        processes.stop(folder, gracefully=True)
        record = Record(**{**vars(record), "version": version})
        record.write(folder)
    alive = processes.running(folder)
    dead = [component for component in processes.COMPONENTS if component not in alive]
    if dead:
        kwok.require_version(version)
        _require_space(folder)
        for component in dead:
            ports.require_free(_ports_of(component, record.ports, folder))
        kwok.link_binaries(folder)
        processes.write_pid_files(folder, alive)
        _run_kwokctl(kwok.start_command(record.name), folder, record.ports, patience)
    _await_all(record.name, folder, record.ports, patience)
    return record


def _run_kwokctl(command: list[str], folder: Path, claimed: Ports, patience: Patience) -> None:
    """Run kwokctl until it ends. It waits long for an API server that has died, so that is looked for here."""
    log = folder / "kwokctl.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=kwok.environment(folder), stdout=output, stderr=output, umask=0o077)
    try:
        while _is_running_after(process, _LOOK_SECONDS):
            _require_alive(folder, claimed)
            patience.pause(f"the start of {folder.name}", seconds=0)
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise ClusterError(f"kwokctl could not start {folder.name}: {_tail(log)}")


def _is_running_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _await_all(name: str, folder: Path, claimed: Ports, patience: Patience) -> str:
    """Wait until the API server is ready, and start again what gave up waiting for it; the UID of kube-system."""
    for _ in range(_ATTEMPTS):
        uid = _await_ready(folder, claimed, patience)
        ended = _ended(folder)
        if not ended:
            return uid
        processes.write_pid_files(folder, processes.running(folder))
        _run_kwokctl(kwok.start_command(name), folder, claimed, patience)
    raise _has_ended(folder, ended[0])


def _await_ready(folder: Path, claimed: Ports, patience: Patience) -> str:
    """Wait until the API server is ready to be used; the UID of its namespace kube-system."""
    while True:
        try:
            with Api(claimed.api_server, folder / "pki") as api:
                if api.is_ready() and (namespace := api.get(_KUBE_SYSTEM)) is not None:
                    uid: str = namespace["metadata"]["uid"]
                    return uid
        except _SILENT:
            pass
        _require_alive(folder, claimed)
        patience.pause(f"the API server of {folder.name} (its log is {folder / 'logs' / 'kube-apiserver.log'})")


def _require_alive(folder: Path, claimed: Ports) -> None:
    """Raise `ClusterError`, or `PortTakenError` if that is the reason, when a process has ended that was started.

    But for those that may only have given up: `_await_all` starts them again.
    """
    for component in _ended(folder):
        ports.require_free(_ports_of(component, claimed, folder))
        if component not in _IMPATIENT:
            raise _has_ended(folder, component)


def _ended(folder: Path) -> list[str]:
    started, alive = processes.started(folder), processes.running(folder)
    return [component for component in processes.COMPONENTS if component in started and component not in alive]


def _has_ended(folder: Path, component: str) -> ClusterError:
    return ClusterError(f"{component} of {folder.name} has ended: {_tail(folder / 'logs' / f'{component}.log')}")


def _ports_of(component: str, claimed: Ports, folder: Path) -> Iterator[tuple[str, int]]:
    numbers = {
        "etcd": (claimed.etcd, claimed.etcd_peer),
        "kube-apiserver": (claimed.api_server,),
        "kube-controller-manager": (claimed.controller_manager,),
        "kube-scheduler": (claimed.scheduler,),
        "kwok-controller": (claimed.kwok,),
    }
    for number in numbers[component]:
        yield f"{component} of {folder.name}", number


def _is_ready(folder: Path, claimed: Ports) -> bool:
    try:
        with Api(claimed.api_server, folder / "pki") as api:
            return api.is_ready()
    except _SILENT:
        return False


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        needed, left = _NEEDED_BYTES // 2**20, free // 2**20
        raise ClusterError(f"the disk with {folder} is full: a cluster needs {needed} MiB, and {left} MiB are free")


def _clear(folder: Path) -> None:
    processes.stop(folder, gracefully=False)
    if folder.exists():
        shutil.rmtree(folder)
    ports.release(folder)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(line[:500] for line in lines[-_LOG_LINES:]) or f"{log} is empty"


def _lock_file(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.lock"


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the cluster in `folder`: whoever else wants to change it waits."""
    for parent in reversed(folder.parents[:-1]):
        parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(_lock_file(folder)):
        yield
