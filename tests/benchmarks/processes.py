"""What the processes of a clone use: seconds of CPU and resident memory, sampled while a command runs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

_INTERVAL_SECONDS = 0.2
_SETTLED_SECONDS = 2
"""A process this old will not become one of the clone's by executing another program."""


@dataclass(kw_only=True)
class Sampled:
    """A process as it was seen; times in seconds after the start of the sampling, CPU seconds from then on."""

    pid: int
    command: tuple[str, ...]
    first_seen: float
    last_seen: float
    cpu_seconds: float = 0.0

    @property
    def name(self) -> str:
        """Its program; for Python the module or script that it runs."""
        return program_name(self.command)


class Sampler(threading.Thread):
    """Samples the processes of the clone at `folder` until it is left.

    `processes` has all that were seen. `peak_rss_by_name` has bytes of resident memory by program, each at the moment
    when all its processes together had most.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._strangers: set[psutil.Process] = set()
        self._seen: dict[tuple[int, tuple[str, ...]], Sampled] = {}
        self._before: dict[tuple[int, tuple[str, ...]], float] = {}
        self.peak_rss_by_name: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._sample()
        self._before = {key: process.cpu_seconds for key, process in self._seen.items()}
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    @property
    def processes(self) -> list[Sampled]:
        """Every process that was seen, in the order in which they were."""
        return list(self._seen.values())

    def run(self) -> None:
        """Take samples, the last one when the end is asked for."""
        while True:
            ending = self._ended.wait(_INTERVAL_SECONDS)
            self._sample()
            if ending:
                return

    def _sample(self) -> None:
        now = time.monotonic() - self._began
        rss_by_name: dict[str, int] = {}
        for process in psutil.process_iter():
            if process in self._strangers:
                continue
            try:
                with process.oneshot():
                    command = tuple(process.cmdline())
                    if not is_of(self._folder, command, process.cwd()):
                        if time.time() - process.create_time() > _SETTLED_SECONDS:
                            self._strangers.add(process)
                        continue
                    times = process.cpu_times()
                    rss = process.memory_info().rss
            except psutil.Error:
                continue
            cpu = times.user + times.system
            key = (process.pid, command)
            seen = self._seen.setdefault(key, Sampled(pid=process.pid, command=command, first_seen=now, last_seen=now))
            seen.last_seen = now
            seen.cpu_seconds = cpu - self._before.get(key, 0.0)
            rss_by_name[seen.name] = rss_by_name.get(seen.name, 0) + rss
        for name, rss in rss_by_name.items():
            self.peak_rss_by_name[name] = max(self.peak_rss_by_name.get(name, 0), rss)


def of(folder: Path) -> list[psutil.Process]:
    """The processes of the clone at `folder`: those that run in it, or name a file of it in their arguments."""
    found = []
    for process in psutil.process_iter():
        try:
            if is_of(folder, process.cmdline(), process.cwd()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def is_of(folder: Path, command: Sequence[str], cwd: str) -> bool:
    """Whether a process with these arguments and this working directory is one of the clone at `folder`."""
    name = re.compile(rf"{re.escape(str(folder))}(?![\w.-])")
    return bool(command) and any(name.search(text) for text in (cwd, *command))


def program_name(command: Sequence[str]) -> str:
    """The name of the program that a command line runs: for Python, and for a shell, of the module or script."""
    if not command:
        return ""
    name = Path(command[0]).name
    if re.fullmatch(r"(python[\d.]*|sh|bash|dash)", name):
        arguments = iter(command[1:])
        for argument in arguments:
            if argument == "-m":
                return f"{name} -m {next(arguments, '')}"
            if argument == "-c":
                return f"{name} -c"
            if not argument.startswith("-"):
                return f"{name} {Path(argument).name}"
    return name


def busy_seconds() -> float:
    """Seconds that all cores together have worked since the machine was started."""
    times = psutil.cpu_times()
    return float(times.user + times.system)


def cpu_by_name(processes: Iterable[Sampled]) -> dict[str, float]:
    """Seconds of CPU by program, most first; programs that used less than 0.05 s are left out."""
    seconds: dict[str, float] = {}
    for process in processes:
        seconds[process.name] = seconds.get(process.name, 0.0) + process.cpu_seconds
    return {name: used for name, used in sorted(seconds.items(), key=lambda item: -item[1]) if used >= 0.05}


def rss_by_cluster(folder: Path, clusters: Iterable[str]) -> dict[str, dict[str, int]]:
    """Bytes of resident memory now, by cluster and program: of each process that names the cluster in its arguments."""
    memory: dict[str, dict[str, int]] = {name: {} for name in clusters}
    for process in of(folder):
        try:
            command, rss = process.cmdline(), process.memory_info().rss
        except psutil.Error:
            continue
        for cluster, programs in memory.items():
            if names(command, cluster):
                name = program_name(command)
                programs[name] = programs.get(name, 0) + rss
    return memory


def names(command: Iterable[str], cluster: str) -> bool:
    """Whether a command line names the cluster: `lab-na`, but not `lab-na-2` or `my-lab-na`."""
    return any(re.search(rf"(?<![\w-]){re.escape(cluster)}(?![\w-])", argument) for argument in command)
