"""The command line itself: what it says and the exit status it ends with, before anything is set up."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import app as application
from cli import health
from cli.app import app
from cli.workspace import ROOT
from lab.tools.build import BuildError
from stacks.settings import SettingsError

runner = CliRunner()
_COMMANDS = ("up", "preview", "check", "down", "status", "mesh", "kubeconfig", "env", "test", "bench")


@pytest.fixture(autouse=True)
def _plain_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the console write where the runner looks, in lines as long as they are."""

    class _Stderr:
        def write(self, text: str) -> int:
            return sys.stderr.write(text)

        def flush(self) -> None:
            sys.stderr.flush()

    monkeypatch.setattr(application, "console", Console(file=_Stderr(), highlight=False, width=300))  # type: ignore[arg-type]


def _refuse(*errors: str) -> Any:  # noqa: ANN401 - it stands for any function
    def fail(*_: object, **__: object) -> None:
        raise SettingsError(list(errors))

    return fail


def test_without_a_command_it_says_what_there_is() -> None:
    result = runner.invoke(app, [])
    assert all(command in result.output for command in _COMMANDS)


@pytest.mark.parametrize("command", ["up", "preview", "down"])
def test_a_stack_that_does_not_exist_is_refused_with_those_that_do(command: str) -> None:
    result = runner.invoke(app, [command, "nowhere"])
    assert result.exit_code == 2
    assert "error: there is no stack 'nowhere': stacks/ has lab" in result.stderr


@pytest.mark.parametrize("command", ["status", "kubeconfig"])
def test_a_stack_that_is_not_up_is_said_so(command: str) -> None:
    result = runner.invoke(app, [command, "nowhere"])
    assert result.exit_code == 2
    assert "error: the stack nowhere is not up: run ./fleet up nowhere" in result.stderr


def test_every_error_of_the_settings_is_a_line_word_for_word(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = ["fleet:tenants[0].name: '[/]' is not a DNS label", "fleet:regions.[bold]: is 'x [red]'; use [na, eu]"]
    monkeypatch.setattr(application, "from_file", _refuse(*errors))
    result = runner.invoke(app, ["up"])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [f"error: {error}" for error in errors]


def test_a_tool_that_cannot_be_built_is_an_error_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise BuildError("pulumi cannot be built: [no] network")

    monkeypatch.setattr(application, "prepare", fail)
    result = runner.invoke(app, ["up"])
    assert (result.exit_code, result.stderr) == (2, "error: pulumi cannot be built: [no] network\n")


def test_env_is_read_by_a_shell_as_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/a b:/usr/bin:/it's")
    result = runner.invoke(app, ["env"])
    assert result.exit_code == 0
    words = shlex.split(result.stdout)
    assert words[0::2] == ["export"] * (len(words) // 2)
    variables = dict(word.split("=", 1) for word in words[1::2])
    assert variables["PATH"].startswith(f"{ROOT / '.fleet' / 'bin'}:")
    assert variables["PATH"].endswith(":/a b:/usr/bin:/it's")
    assert variables["PULUMI_HOME"] == str(ROOT / ".fleet" / "pulumi")


@pytest.mark.parametrize(("problem", "status"), [(None, 0), ("API server: refused", 1)])
def test_status_fails_if_a_cluster_is_not_well(
    monkeypatch: pytest.MonkeyPatch, problem: str | None, status: int
) -> None:
    class _Up:
        def outputs(self) -> dict[str, object]:
            return {}

    cluster = health.ClusterHealth(name="lab-na", region="na", server="https://127.0.0.1:1", problem=problem)
    monkeypatch.setattr(application, "_existing", lambda _: _Up())
    monkeypatch.setattr(health, "look", lambda _: [cluster])
    result = runner.invoke(app, ["status"])
    assert result.exit_code == status
    assert "lab-na" in result.stdout


def test_a_kubeconfig_is_printed_or_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class _Up:
        def outputs(self) -> dict[str, object]:
            return {}

    monkeypatch.setattr(application, "_existing", lambda _: _Up())
    printed = runner.invoke(app, ["kubeconfig"])
    assert printed.stdout.startswith("apiVersion: v1\nkind: Config\n")
    written = runner.invoke(app, ["kubeconfig", "--output", str(tmp_path / "fleet.yaml")])
    assert (written.exit_code, written.stdout) == (0, "")
    assert (tmp_path / "fleet.yaml").read_text() == printed.stdout


@pytest.mark.parametrize("sizes", ["50,25", "25,25", "0,25", "many", "-5"])
def test_sizes_of_a_sweep_that_do_not_grow_are_refused(sizes: str) -> None:
    result = runner.invoke(app, ["bench", "--tenants", sizes])
    assert result.exit_code == 2
    assert "should be numbers that grow" in result.stderr
