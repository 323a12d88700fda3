"""A fresh clone of the project to measure in, and the commands that are run in it. It leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cli.workspace import Workspace
from tests.benchmarks import processes
from tests.benchmarks.events import Event, EventLog
from tests.benchmarks.processes import Sampled, Sampler

# Where a user's own state and plugins are: a clone has its own.
_NOT_INHERITED = {
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_HOME",
    "PULUMI_STACK",
}
_SECONDS_TO_END = 30
_LINES_OF_FAILURE = 30


class BenchmarkError(Exception):
    """A command that is measured failed; the text says which, and what it said last."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A command that was run: how long it took, and what was seen meanwhile."""

    seconds: float
    events: list[Event]
    processes: list[Sampled]
    peak_rss: Mapping[str, int]
    """Bytes by program, at the moment when all its processes together had most."""
    other_cpu_seconds: float
    """CPU that the rest of the machine used meanwhile: without it the command would have been faster."""

    def span(self, *words: str) -> tuple[float, float] | None:
        """When a process with `words` as the first of its arguments was seen first and last; None if none was."""
        found = [
            each for each in self.processes if (Path(each.command[0]).name, *each.command[1 : len(words)]) == words
        ]
        return (min(each.first_seen for each in found), max(each.last_seen for each in found)) if found else None


@dataclass(frozen=True, kw_only=True)
class Clone:
    """The project as a newcomer has it after cloning: its files at `root`, and nothing set up but the environment."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for every command, on top of the user's."""

    def fleet(self, *arguments: str) -> Measured:
        """Run `./fleet` with `arguments` and measure it; raises `BenchmarkError`."""
        return self.run("./fleet", *arguments)

    def run(self, *command: str) -> Measured:
        """Run a command in the clone and measure it; raises `BenchmarkError`.

        An interrupt is passed on: the command gets time to end in good order before the exception goes on.
        """
        with tempfile.TemporaryDirectory(prefix="fleet-bench-") as folder:
            output, log = Path(folder) / "output", Path(folder) / "events"
            busy, started = processes.busy_seconds(), time.monotonic()
            with output.open("wb") as sink, Sampler(self.root) as sampler, EventLog(log, started) as events:
                child = subprocess.Popen(
                    command,
                    cwd=self.root,
                    env=self._variables(log),
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                try:
                    status = child.wait()
                except BaseException:
                    _end(child)
                    raise
                seconds, busy = time.monotonic() - started, processes.busy_seconds() - busy
            if status != 0:
                last = "\n".join(output.read_text(errors="replace").splitlines()[-_LINES_OF_FAILURE:])
                raise BenchmarkError(f"{' '.join(command)} failed (exit status {status}):\n{last}")
        return Measured(
            seconds=seconds,
            events=events.events,
            processes=sampler.processes,
            peak_rss=sampler.peak_rss_by_name,
            other_cpu_seconds=max(busy - sum(each.cpu_seconds for each in sampler.processes), 0.0),
        )

    def workspace(self, stack: str) -> Workspace:
        """The clone seen from `stack`."""
        return Workspace(stack=stack, root=self.root)

    def left_over(self) -> list[str]:
        """What there is of the clone's stacks: their processes, and the files in their folders."""
        stacks = self.root / ".fleet" / "stacks"
        files = sorted(str(path.relative_to(self.root)) for path in stacks.rglob("*") if not path.is_dir())
        return [processes.program_name(process.cmdline()) for process in processes.of(self.root)] + files

    def _variables(self, log: Path) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        # Every option of the Pulumi CLI can be given by the environment; this one only where debugging commands are on.
        return {**inherited, "PULUMI_DEBUG_COMMANDS": "true", "PULUMI_OPTION_EVENT_LOG": str(log), **self.environment}


@contextmanager
def fresh_clone(workspace: Workspace, stack: str, environment: Mapping[str, str] | None = None) -> Iterator[Clone]:
    """A clone with the files that git knows or would add, and the Python environment of `workspace` linked into it.

    It lies in the workspace's `.fleet`, on the disk that a user's would be on. In the end `stack` is destroyed, what
    still runs is killed, and the clone is removed.
    """
    workspace.create()
    root = Path(tempfile.mkdtemp(prefix="bench-", dir=workspace.home))
    clone = Clone(root=root, environment=environment or {})
    try:
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, cwd=workspace.root, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            if (workspace.root / name).exists():  # not one that was removed and is still in the index
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(workspace.root / name, root / name, follow_symlinks=False)
        (root / ".venv").symlink_to(workspace.root / ".venv")
        yield clone
    finally:
        _remove(clone, stack)


def _remove(clone: Clone, stack: str) -> None:
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatience here would leave a fleet running
    try:
        if processes.of(clone.root):
            with suppress(BenchmarkError):  # what it did not end is killed
                clone.fleet("down", stack)
    finally:
        alive = processes.of(clone.root)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_SECONDS_TO_END)
        shutil.rmtree(clone.root)
        signal.signal(signal.SIGINT, handler)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a command's process group: with an interrupt first, which lets the engine save its state."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        os.killpg(child.pid, sign)
        try:
            child.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            continue
        return
