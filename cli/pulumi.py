"""Runs the Pulumi CLI on the stack of a workspace."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml
from rich.console import Console

from cli.workspace import Workspace

_FOUND_AGAIN = ("lab:", "kubernetes:")


class Pulumi:
    """The Pulumi CLI in a workspace. What it prints goes to the terminal unless it is asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def run(self, *arguments: str) -> int:
        """Run a command on the workspace's stack with the terminal as its own; the exit status.

        An interrupt is Pulumi's to handle: it lets what has begun end, and writes the state.
        """
        process: subprocess.Popen[bytes] | None = None

        def pass_on(*_: object) -> None:
            if process is not None:
                process.send_signal(signal.SIGINT)

        # Set before Pulumi starts: it would inherit it if an interrupt were ignored, as in a script's background job.
        interrupt = signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends it to Pulumi as well
        terminate = signal.signal(signal.SIGTERM, pass_on)
        try:
            with self._settings_file_kept():
                process = subprocess.Popen(self._command(*arguments), cwd=self._workspace.root, env=self._environment)
                return process.wait()
        finally:
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, terminate)

    def ask(self, *arguments: str, stdin: str = "") -> str:
        """Run a command on the workspace's stack, with `stdin` to read, and return what it printed.

        Raises `RuntimeError` with what it said, if it failed.
        """
        answer = self.answer(*arguments, stdin=stdin)
        if answer.returncode != 0:
            message = f"pulumi {arguments[0]} failed: {answer.stderr.strip() or answer.stdout.strip()}"
            raise RuntimeError(message)
        return answer.stdout

    def answer(self, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the workspace's stack, with more `variables`; its exit status, and what it printed."""
        with self._settings_file_kept():
            return subprocess.run(
                self._command(*arguments),
                cwd=self._workspace.root,
                env={**self._environment, **variables},
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
            )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets included; empty before the first `up`."""
        outputs: dict[str, Any] = json.loads(self.ask("stack", "output", "--json", "--show-secrets"))
        return outputs

    def is_set_up(self) -> bool:
        """Whether the workspace has its tools."""
        return self._workspace.pulumi.exists()

    def has_stack(self) -> bool:
        """Whether the backend knows the stack."""
        if self._local_state():
            return self._checkpoint.exists()  # a tenth of a second sooner than the CLI says it
        stacks = json.loads(self.ask("stack", "ls", "--json"))
        return any(stack["name"].rpartition("/")[2] == self._workspace.stack for stack in stacks)

    def select_stack(self) -> None:
        """Create the stack if the backend does not know it."""
        if self.has_stack():
            return
        self.ask("stack", "init", self._workspace.stack, "--no-select")

    def take_over(self, console: Console) -> None:
        """Wait until no other update of the stack runs here, and take away the lock of one that was killed.

        Only a lock in the file backend, taken on this machine, can be known to be stale; others are left to Pulumi.
        """
        if not self._local_state():
            return
        stack = self._workspace.stack
        for file in (self._workspace.state / ".pulumi" / "locks").rglob(f"{stack}/*.json"):
            try:
                lock = json.loads(file.read_text())
            except FileNotFoundError:  # that update has just ended
                continue
            if lock["hostname"] != socket.gethostname():
                continue
            try:
                other = psutil.Process(lock["pid"])
                if other.name() == "pulumi":
                    console.print(f"Another update of {stack} is running (process {other.pid}): waiting for its end.")
                    other.wait()
            except psutil.NoSuchProcess:
                pass
            if file.exists():
                file.unlink()
                self._forget_what_is_found_again()
                console.print(f"The last update of {stack} was killed: this one goes on from where it was.")

    def remove_stack(self) -> None:
        """Forget the destroyed stack, its history included; its settings file stays."""
        self.ask("stack", "rm", "--yes", "--preserve-config")

    def _forget_what_is_found_again(self) -> None:
        """Drop the killed update's pending operations whose providers find again what they have made.

        The engine would warn of them until a refresh; those of any other provider are left for it to warn of.
        """
        state = json.loads(self.ask("stack", "export"))
        pending = state["deployment"].get("pending_operations", [])
        unknown = [operation for operation in pending if not operation["resource"]["type"].startswith(_FOUND_AGAIN)]
        if unknown != pending:
            state["deployment"]["pending_operations"] = unknown
            self.ask("stack", "import", stdin=json.dumps(state))

    @contextmanager
    def _settings_file_kept(self) -> Iterator[None]:
        """Undo what Pulumi adds to the settings file: the salt of the passphrase, which the state has as well."""
        file = self._workspace.settings_file
        before = file.read_bytes() if file.exists() else b""
        yield
        after = file.read_bytes() if file.exists() else b""
        if after != before and _without_salt(after) == _without_salt(before):
            file.write_bytes(before)

    @property
    def _environment(self) -> dict[str, str]:
        return self._workspace.environment()

    def _command(self, *arguments: str) -> list[str]:
        of_stack = () if arguments[:2] in {("stack", "init"), ("stack", "ls")} else ("--stack", self._workspace.stack)
        return [str(self._workspace.pulumi), *arguments, *of_stack]

    def _local_state(self) -> bool:
        return self._workspace.variables()["PULUMI_BACKEND_URL"] == self._workspace.own_backend

    @property
    def _checkpoint(self) -> Path:
        return self._workspace.state / ".pulumi" / "stacks" / "fleet" / f"{self._workspace.stack}.json"


def _without_salt(settings: bytes) -> dict[str, Any]:
    return {key: value for key, value in (yaml.safe_load(settings) or {}).items() if key != "encryptionsalt"}
