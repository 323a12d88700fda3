"""`./fleet test`: everything that the machine can run is run, and what it cannot is named and never called passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli import suite
from cli.workspace import Workspace
from lab.tools.build import BuildError, UnreachableError


class _Machine:
    """Stands for the machine: notes the steps that are run; `status` has the exit status of those that fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
        self.steps: dict[str, Sequence[str]] = {}
        self.environments: dict[str, Mapping[str, str]] = {}
        self.status: dict[str, int] = {}
        self._error = error
        self.console = Console(file=StringIO(), width=300)
        monkeypatch.setattr(suite, "_step", self._step)
        monkeypatch.setattr(suite, "provide", self._provide)
        monkeypatch.setattr(suite, "find_go", lambda *_: Path("/go/bin/go"))
        monkeypatch.setattr(suite, "prepare", lambda *_: None)

    def run(self, *arguments: str, complete: bool = False) -> int:
        return suite.run(arguments, self.console, complete=complete)

    @property
    def said(self) -> str:
        assert isinstance(self.console.file, StringIO)
        return self.console.file.getvalue()

    def _provide(self, *_: object, **__: object) -> dict[str, Path]:
        if self._error:
            raise self._error
        return {name: Path(f"/cache/{name}-1/{name}") for name in ("helm", "pulumi-resource-kubernetes", "etcd")}

    def _step(self, _console: Console, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
        self.steps[name] = command
        self.environments[name] = environment
        return self.status.get(name, 0)


_STATIC = ["lint", "format", "types"]
_ALL = [*_STATIC, "plugin", "pytest"]


def test_everything_is_run_with_the_tools_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _Machine(monkeypatch)
    assert machine.run("-k", "tenants") == 0
    assert list(machine.steps) == _ALL
    assert list(machine.steps["pytest"])[-2:] == ["-k", "tenants"]
    assert list(machine.steps["plugin"])[-2:] == ["test", "./..."]
    folders = machine.environments["pytest"]["PATH"].split(":")
    assert set(folders[:2]) == {"/cache/helm-1", "/cache/pulumi-resource-kubernetes-1"}
    assert str(Workspace(stack="lab").bin) in folders


@pytest.mark.parametrize("failing", _ALL)
def test_whatever_fails_the_rest_is_run_and_the_whole_fails(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    machine = _Machine(monkeypatch)
    machine.status[failing] = 3
    assert machine.run() == 3
    assert list(machine.steps) == _ALL


def test_without_a_network_what_needs_none_is_run_and_the_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _Machine(monkeypatch, UnreachableError("its Go modules [a] cannot be downloaded"))
    assert machine.run() == 0
    assert list(machine.steps) == [*_STATIC, "pytest"]
    assert "Left out: the lab's and the plugin's tests" in machine.said
    assert "its Go modules [a] cannot be downloaded" in machine.said


def test_a_complete_run_may_leave_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _Machine(monkeypatch, UnreachableError("no network"))
    assert machine.run(complete=True) != 0
    assert "pytest" in machine.steps


def test_a_tool_that_does_not_build_is_no_reason_to_leave_tests_out(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _Machine(monkeypatch, BuildError("etcd does not build"))
    with pytest.raises(BuildError, match="etcd does not build"):
        machine.run()


def test_a_step_that_fails_is_named_with_its_command() -> None:
    console = Console(file=StringIO(), width=200)
    status = suite._step(console, "lint", ["sh", "-c", "exit 4"], {"PATH": "/usr/bin:/bin"})
    assert status == 4
    assert isinstance(console.file, StringIO)
    assert "lint failed (exit status 4): sh -c exit 4" in console.file.getvalue()
