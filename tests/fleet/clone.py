"""A fresh clone of the project to run fleets in, and what a test asks of it: commands, processes, ports, state."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import yaml
from platformdirs import user_cache_path

from cli.workspace import ROOT
from lab.cluster.record import Record
from tests.benchmarks import processes

_COMMAND_SECONDS = 240
_TO_END_SECONDS = 30
_EVENTUALLY_SECONDS = 60
_POLL_SECONDS = 0.02
_T = TypeVar("_T")

STACK = "lab"

# Programs of a clone by the words that tell their command lines apart.
ENGINE = "/bin/pulumi "
KUBERNETES_PLUGIN = "pulumi-resource-kubernetes"
LAB_PLUGIN = "lab.provider"
LANGUAGE_HOST = "-m language_host"


def eventually(condition: Callable[[], _T], seconds: float = _EVENTUALLY_SECONDS) -> _T:
    """Return what `condition` gives as soon as that is true; fail with the last of it after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still {value!r} after {seconds} s: {condition}"
        time.sleep(_POLL_SECONDS)
    return value


@dataclass(frozen=True)
class Result:
    """A command that has ended: its exit status, and all that it wrote, errors included."""

    status: int
    output: str

    def check(self) -> Result:
        """Return this result if the command went well; fail with what it said if not."""
        assert self.status == 0, f"exit status {self.status}:\n{self.output}"
        return self


class Command:
    """A command that runs in a clone."""

    def __init__(self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> None:
        # Not a pipe: what a command leaves running must not keep the reader waiting.
        self._output = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def end(self, seconds: float = _COMMAND_SECONDS) -> Result:
        """Wait for its end; fail, and end it, if it takes longer than `seconds`."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.process.args!r} runs after {seconds} s:\n{self.said()}") from None
        finally:
            self.stop()
        return Result(status, self.said())

    def said(self) -> str:
        """What it has written so far."""
        self._output.flush()
        return os.pread(self._output.fileno(), 2**26, 0).decode(errors="replace")

    def stop(self) -> None:
        """End it and what it started in its group: with an interrupt first, then at once."""
        for sign in (signal.SIGINT, signal.SIGKILL):
            if self.process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, sign)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(_TO_END_SECONDS)


class Clone:
    """The project at `root` as a newcomer has it after cloning, with the Python environment of the checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stack_file = root / "stacks" / f"Pulumi.{STACK}.yaml"
        self.stack_folder = root / ".fleet" / "stacks" / STACK
        self.checkpoint = root / ".fleet" / "state" / ".pulumi" / "stacks" / "fleet" / f"{STACK}.json"
        self._started: list[Command] = []

    def start(self, *arguments: str, **variables: str) -> Command:
        """Start a command in the clone with no variable of the caller's that concerns Pulumi."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "VIRTUAL_ENV"))
        }
        command = Command(arguments, self.root, inherited | variables)
        self._started.append(command)
        return command

    def fleet(self, *arguments: str, **variables: str) -> Result:
        """Run `./fleet`."""
        return self.start("./fleet", *arguments, **variables).end()

    def pulumi(self, *arguments: str) -> Result:
        """Run plain `pulumi` on the stack, in a shell that was set up as the README says."""
        script = 'eval "$(./fleet env)" && exec pulumi "$@"'
        return self.start("sh", "-c", script, "sh", *arguments, "--stack", STACK, "--non-interactive").end()

    def git(self, *arguments: str) -> str:
        """Run `git` and return what it printed."""
        return subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Make the stack file say `settings`, by their names without `fleet:`."""
        config = {f"fleet:{name}": value for name, value in settings.items()}
        self.stack_file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))

    def clusters(self) -> list[str]:
        """Names of the clusters that have a folder."""
        return sorted(folder.name for folder in (self.stack_folder / "clusters").glob("[!.]*/"))

    def record(self, cluster: str) -> Record | None:
        """What the cluster has written down about itself; None before it was complete."""
        return Record.read(self.stack_folder / "clusters" / cluster)

    def kubeconfig(self, cluster: str) -> str | None:
        """The administrator's kubeconfig from the cluster's own files, which are there before the stack's outputs."""
        record = self.record(cluster)
        return record.kubeconfig(self.stack_folder / "clusters" / cluster) if record else None

    def processes(self, words: str = "") -> list[psutil.Process]:
        """The clone's processes whose command line has `words` in it."""
        found = []
        for process in processes.of(self.root):
            with suppress(psutil.Error):
                if words in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def kill(self, words: str) -> list[psutil.Process]:
        """Kill the clone's processes whose command line has `words` in it, one at least, and return them."""
        victims = self.processes(words)
        assert victims, f"no process has {words!r} in its command line"
        for process in victims:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(victims, timeout=_TO_END_SECONDS)
        return victims

    def listening(self) -> dict[tuple[str, int], str]:
        """The name of the program by each (address, port) that a process of the clone listens on."""
        sockets = {}
        for process in self.processes():
            with suppress(psutil.Error):
                for connection in process.net_connections("inet"):
                    if connection.status == psutil.CONN_LISTEN or connection.type.name == "SOCK_DGRAM":
                        sockets[connection.laddr.ip, connection.laddr.port] = process.name()
        return sockets

    def state(self) -> dict[str, Any]:
        """The stack's checkpoint as it lies on the disk."""
        checkpoint: dict[str, Any] = json.loads(self.checkpoint.read_text())["checkpoint"]
        return checkpoint

    def close(self, settings: str) -> None:
        """Destroy the stack with `settings` as its file, and remove the clone; fails if that leaves a process."""
        for command in self._started:
            command.stop()
        try:
            if self.checkpoint.exists():
                self.stack_file.write_text(settings)
                self.fleet("down").check()
            assert eventually(lambda: not self.processes(), _TO_END_SECONDS), "`down` left processes"
        finally:
            alive = self.processes()
            for process in alive:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(alive, timeout=_TO_END_SECONDS)
            shutil.rmtree(self.root)


def claims(clone: Clone) -> dict[str, int]:
    """The first port of each cluster of the clone, by name, as it is written down for all fleets of the user."""
    registry = json.loads((user_cache_path("fleet") / "ports.json").read_text())
    return {Path(folder).name: port for folder, port in registry.items() if Path(folder).is_relative_to(clone.root)}


def check_gone(clone: Clone) -> None:
    """Check that no process, port or file of the clone's stack is left."""
    eventually(lambda: not clone.processes(), _TO_END_SECONDS)
    assert not clone.stack_folder.exists()
    assert not clone.checkpoint.exists()
    state = clone.root / ".fleet" / "state"
    assert [path for path in state.rglob("*") if STACK in path.name.split(".") or path.name == STACK] == []
    assert claims(clone) == {}


@contextmanager
def fresh_clone(settings: Mapping[str, Any] | None = None) -> Iterator[Clone]:
    """A real git clone of the files that git knows or would add, whose stack file says `settings` if any are given.

    Whatever was made in it is gone in the end. A clone that cannot be cleared by `./fleet down` fails the test.
    """
    clone = Clone(Path(tempfile.mkdtemp(prefix="fleet-")).resolve())
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():  # not one that was removed and is still in the index
            (clone.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone.root / name, follow_symlinks=False)
    (clone.root / ".venv").symlink_to(ROOT / ".venv")
    if settings is not None:
        clone.write_settings(settings)
    _commit(clone.root)
    before = clone.stack_file.read_text()
    try:
        yield clone
    finally:
        clone.close(before)


def _commit(root: Path) -> None:
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "--quiet"], cwd=root, check=True)
    with (root / ".git" / "info" / "exclude").open("a") as exclude:
        exclude.write("/.venv\n")  # a link here, which the pattern for the folder does not cover
    subprocess.run([*git, "add", "--all"], cwd=root, check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "as it is"], cwd=root, check=True)
