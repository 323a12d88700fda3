"""The processes of a cluster, found by what they are and not by remembered numbers.

Each names files in the cluster's own folder among its arguments, which tells it from all others of the machine: a
number in a file may by now be a stranger's, and a process may have been started and not yet written down.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil

from lab.processes import ending

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
_ETCD_SECONDS = 5


def running(folder: Path) -> dict[str, list[psutil.Process]]:
    """The live processes of the cluster in `folder`, by component; a component that has none is not in it."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            component = _component(process.cmdline(), folder)
            if component and process.status() != psutil.STATUS_ZOMBIE:
                found.setdefault(component, []).append(process)
    return found


def started(folder: Path) -> set[str]:
    """The components that kwokctl has started, whether they live or not."""
    return {file.stem for file in (folder / "pids").glob("*.pid")}


def stop(folder: Path, *, gracefully: bool) -> None:
    """End every process of the cluster in `folder`, and return when none is left.

    `gracefully` gives etcd a few seconds to close its files; the others keep nothing and need no time.
    """
    alive = running(folder)
    stateful = alive.pop("etcd", []) if gracefully else []
    others = [process for group in alive.values() for process in group]
    ending.send(others, signal.SIGKILL)
    ending.send(stateful, signal.SIGTERM)
    ending.await_end(stateful, _ETCD_SECONDS)
    ending.kill([*others, *stateful])


def write_pid_files(folder: Path, alive: dict[str, list[psutil.Process]]) -> None:
    """Make the pid files, by which kwokctl decides what to start, say what is true."""
    (folder / "pids").mkdir(mode=0o700, exist_ok=True)
    for component in COMPONENTS:
        file = folder / "pids" / f"{component}.pid"
        if component in alive:
            file.write_text(str(alive[component][0].pid))
        else:
            file.unlink(missing_ok=True)


def _component(command: Sequence[str], folder: Path) -> str:
    """The component of the cluster in `folder` that runs as `command`; empty if it is none."""
    # Where a program is a script, the interpreter comes first.
    names = {"kwok" if name == "kwok-controller" else name: name for name in COMPONENTS}
    words = [Path(word).name for word in command[:2]]
    component = next((names.get(word, word) for word in words if names.get(word, word) in COMPONENTS), "")
    # kwokctl asks each program for its version before it starts it.
    serves = "--version" not in command and any(f"{folder}/" in argument for argument in command[1:])
    return component if serves else ""
