"""Setting up: the tools where `pulumi` looks for them, and only what is missing is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import setup
from cli.pulumi import Pulumi
from cli.workspace import Workspace
from lab.tools import plugins
from lab.tools.build import Progress
from lab.tools.catalogue import ISTIO, KUBERNETES, KUBERNETES_PLUGIN


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(setup, "default_cache", lambda: tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def _tool(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tool").write_text(text)
    return folder / "tool"


def test_what_was_built_here_is_the_same_file_and_no_symbolic_link(cache: Path, tmp_path: Path) -> None:
    tool, link = _tool(cache / "a", "one"), tmp_path / "bin"
    setup._link(tool, link)
    assert not link.is_symlink()
    assert link.samefile(tool)


def test_what_the_machine_brought_is_a_symbolic_link(tmp_path: Path, cache: Path) -> None:
    assert cache.exists()
    tool, link = _tool(tmp_path / "usr", "one"), tmp_path / "bin"
    setup._link(tool, link)
    assert link.readlink() == tool


def test_a_new_version_takes_the_place_of_the_old_one(cache: Path, tmp_path: Path) -> None:
    link = tmp_path / "bin"
    for tool in (_tool(cache / "a", "v1"), _tool(tmp_path / "usr", "v1.1"), _tool(cache / "b", "v1.1.1")):
        setup._link(tool, link)
        assert link.read_text() == tool.read_text()


def test_a_link_to_a_tool_that_is_gone_is_replaced(cache: Path, tmp_path: Path) -> None:
    link = tmp_path / "bin"
    link.symlink_to(tmp_path / "gone")
    setup._link(_tool(cache / "a", "one"), link)
    assert link.read_text() == "one"


def test_on_another_file_system_it_is_a_copy_that_is_made_once(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    tool, link = _tool(cache / "a", "one"), tmp_path / "bin"
    setup._link(tool, link)
    made = link.stat().st_ino
    setup._link(tool, link)
    assert link.read_text() == "one"
    assert link.stat().st_ino == made
    assert not link.samefile(tool)


def test_progress_is_one_line_that_says_which_of_how_many_and_how_long() -> None:
    progress = Progress(toolset=KUBERNETES, number=2, total=3, built=("etcd", "kwok"), seconds=83.4)
    count = len(KUBERNETES.programs)
    assert setup._describe(progress) == (
        f"building kubernetes {KUBERNETES.version} (2 of 3 toolsets): 2 of {count} programs linked, 1:23"
    )


class _Machine:
    """Stands for the tools and plugins of a machine, and notes what `prepare` asks of it."""

    def __init__(self, cache: Path, *, plugin_is_there: bool, official: bool) -> None:
        self.cache = cache
        self.plugin_is_there = plugin_is_there
        self.official = official
        self.asked: list[str] = []
        self.installed: list[Path | None] = []

    def install_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(setup, "provide", self._provide)
        monkeypatch.setattr(plugins, "installed", lambda _: self.plugin_is_there)
        monkeypatch.setattr(plugins, "official_is_reachable", lambda: self.official)
        monkeypatch.setattr(plugins, "install", self._install)
        monkeypatch.setattr(Pulumi, "select_stack", lambda _: None)

    def _provide(self, toolsets: list[Any], **_: object) -> dict[str, Path]:
        self.asked = [toolset.name for toolset in toolsets]
        names = [program.name for toolset in toolsets for program in toolset.programs]
        return {name: _tool(self.cache / name, name) for name in names}

    def _install(self, _pulumi: Path, _environment: Mapping[str, str], *, stand_in: Path | None) -> None:
        self.installed.append(stand_in)


@pytest.mark.parametrize(
    ("machine", "installations"),
    [
        ({"plugin_is_there": True, "official": False}, []),
        ({"plugin_is_there": True, "official": True}, []),
        ({"plugin_is_there": False, "official": True}, [None]),
    ],
)
def test_the_stand_in_is_not_built_where_it_is_not_needed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: dict[str, bool], installations: list[None]
) -> None:
    stand_in = _Machine(cache, **machine)
    stand_in.install_in(monkeypatch)
    setup.prepare(Workspace(stack="lab", root=tmp_path), Console(file=StringIO()))
    assert KUBERNETES_PLUGIN.name not in stand_in.asked
    assert stand_in.installed == installations


def test_where_no_official_plugin_can_be_had_the_stand_in_is_installed_and_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = _Machine(cache, plugin_is_there=False, official=False)
    machine.install_in(monkeypatch)
    console = Console(file=StringIO(), width=200)
    workspace = Workspace(stack="lab", root=tmp_path)
    setup.prepare(workspace, console)
    assert machine.installed == [cache / KUBERNETES_PLUGIN.name / "tool"]
    assert isinstance(console.file, StringIO)
    assert "lab/plugins/kubernetes stands in" in console.file.getvalue()
    assert not (workspace.bin / KUBERNETES_PLUGIN.name).exists(), "Pulumi warns of plugins that it finds on PATH"


def test_everything_an_update_needs_is_linked_into_one_folder(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = _Machine(cache, plugin_is_there=True, official=False)
    machine.install_in(monkeypatch)
    workspace = Workspace(stack="lab", root=tmp_path)
    setup.prepare(workspace, Console(file=StringIO()))
    names = {program.name for toolset in (KUBERNETES, ISTIO) for program in toolset.programs} | {"pulumi", "helm"}
    assert {path.name for path in workspace.bin.iterdir()} >= names
