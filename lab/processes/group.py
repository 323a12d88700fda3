"""A group of processes under one supervisord, which has a folder of its own and is known by it.

There is no control socket: supervisord reads what is to run when it starts, and is started anew for something else.
Processes are found by their whole command lines, which name files of the folder: a number in a file may by now be a
stranger's.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from lab.processes import ending

_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, kw_only=True)
class Program:
    """A process: its name in the group, its command, and what it needs.

    The command begins with an absolute path, and another of its words names a file in the folder. `environment` is
    set beyond what is inherited. `after` is a file, as a path, without which it is not started: it waits.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    after: str = ""


@dataclass(frozen=True)
class Group:
    """The processes whose files are in `folder`."""

    folder: Path

    def run(self, programs: Sequence[Program]) -> None:
        """Have these programs run, and no others; nothing is touched if they are kept alive already."""
        wanted = {program.name: json.dumps(asdict(program), indent=1) for program in programs}
        if self.is_supervised() and wanted == {file.stem: file.read_text() for file in self._files()}:
            return
        self.stop()
        for file in self._files():
            file.unlink()
        for folder in ("logs", "programs"):
            (self.folder / folder).mkdir(mode=0o700, exist_ok=True)
        for name, text in wanted.items():
            (self.folder / "programs" / f"{name}.json").write_text(text)
        self._configuration.write_text(self._ini())
        # It makes a daemon of itself and then is nobody's child here.
        subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._configuration)],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            umask=0o077,
        )

    def is_supervised(self) -> bool:
        """Whether there is somebody to start again what dies."""
        return any(self._is_supervisor(process) for process in self._processes())

    def missing(self) -> list[str]:
        """The names of the programs that do not run now."""
        running = [_command_line(process) for process in self._processes()]
        return [file.stem for file in self._files() if json.loads(file.read_text())["command"] not in running]

    def restart(self, name: str) -> None:
        """End the program `name`; the supervisor starts it again."""
        file = self.folder / "programs" / f"{name}.json"
        words = json.loads(file.read_text())["command"]
        ending.kill([process for process in self._processes() if _command_line(process) == words])

    def log(self, name: str) -> Path:
        """The file with what the program `name` has written."""
        return self.folder / "logs" / f"{name}.log"

    def stop(self) -> None:
        """End every process of the group, and return when none is left: first the one that would start them again."""
        # Without asking: what is worth keeping, etcd has on the disk at any moment.
        ending.kill([process for process in self._processes() if self._is_supervisor(process)])
        ending.kill([each for process in self._processes() for each in (process, *_children(process))])

    @property
    def _configuration(self) -> Path:
        return self.folder / "supervisord.conf"

    def _files(self) -> list[Path]:
        return sorted((self.folder / "programs").glob("*.json"))

    def _ini(self) -> str:
        # Relative to the folder: supervisord puts values in for what follows a percent sign, in some paths twice.
        lines = [
            "[supervisord]",
            "logfile=logs/supervisord.log",
            "pidfile=supervisord.pid",
            "logfile_maxbytes=1MB",
            "logfile_backups=1",
            "umask=077",
        ]
        for file in self._files():
            words = [sys.executable, "-I", str(_LAUNCH), str(file)]
            lines += [
                f"[program:{file.stem}]",
                f"command={shlex.join(words).replace('%', '%%')}",
                f"stdout_logfile=logs/{file.stem}.log",
                "stdout_logfile_maxbytes=8MB",
                "stdout_logfile_backups=1",
                "redirect_stderr=true",
                "autorestart=true",
                # It is never given up: what it needs may be away for as long as it takes.
                "startretries=1000000",
            ]
        return "\n".join([*lines, ""])

    def _is_supervisor(self, process: psutil.Process) -> bool:
        return str(self._configuration) in _command_line(process)

    def _processes(self) -> Iterator[psutil.Process]:
        """The supervisor and the programs, also those that have not become themselves yet, whoever's Python it is."""
        files = self._files()
        named = {str(self._configuration), *map(str, files)}
        commands = [json.loads(file.read_text())["command"] for file in files]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                is_ours = words in commands or not named.isdisjoint(words)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    """What the process has started, and what that has started."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
