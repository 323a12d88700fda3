"""Runs every check and test that the machine can run: what `./fleet test` does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from cli.setup import prepare
from cli.workspace import ROOT, Workspace
from lab.tools.build import UnreachableError, default_cache, provide
from lab.tools.catalogue import HELM, ISTIO, KARMADA, KUBERNETES, KUBERNETES_PLUGIN, PULUMI
from lab.tools.go import find_go

_PYTHON = sys.executable
_STATIC_CHECKS = (
    ("lint", [_PYTHON, "-m", "ruff", "check", "."]),
    ("format", [_PYTHON, "-m", "ruff", "format", "--check", "."]),
    ("types", [_PYTHON, "-m", "mypy"]),
)


def run(arguments: Sequence[str], console: Console, *, complete: bool) -> int:
    """Run the static checks and pytest with `arguments`; the exit status of the first that failed, or 0.

    Where the tools can neither be found nor built for want of a network, the tests that need them are left out and
    named; with `complete` that is a failure.
    """
    failures = [_step(console, name, command, os.environ) for name, command in _STATIC_CHECKS]
    workspace = Workspace(stack="lab")
    try:
        go = _go()
        tools = provide([PULUMI, KUBERNETES, KARMADA, HELM, ISTIO, KUBERNETES_PLUGIN], cache=default_cache())
        prepare(workspace, console)
    except UnreachableError as error:
        console.print(
            f"[yellow]Left out: the lab's and the plugin's tests, which need its tools.[/] {escape(str(error))}"
        )
        failures.append(1 if complete else 0)
        environment = dict(os.environ)
    else:
        environment = workspace.environment()
        of_tests = [str(tools[toolset.name].parent) for toolset in (HELM, KUBERNETES_PLUGIN)]
        environment["PATH"] = os.pathsep.join([*of_tests, environment["PATH"]])
        # Where the user's Go keeps what it has compiled, so that only the first time takes minutes.
        command = [str(go), "-C", str(KUBERNETES_PLUGIN.folder), "test", "./..."]
        failures.append(_step(console, "plugin", command, os.environ))
    failures.append(_step(console, "pytest", [_PYTHON, "-m", "pytest", *arguments], environment))
    return next((status for status in failures if status), 0)


def _go() -> Path:
    try:
        return find_go(KUBERNETES_PLUGIN.go_version, default_cache())
    except RuntimeError as error:
        raise UnreachableError(str(error)) from error


def _step(console: Console, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    console.rule(name, align="left")
    status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if status:
        console.print(f"[red]{name} failed[/] (exit status {status}): {' '.join(command)}")
    return status
