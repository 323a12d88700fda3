"""Where a clone keeps things, and the environment in which plain `pulumi` works."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from cli.workspace import Workspace

_PULUMI = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_HOME")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in _PULUMI:
        monkeypatch.delenv(name, raising=False)
    return Workspace(stack="lab", root=tmp_path)


def test_what_it_makes_is_readable_by_its_owner_alone(workspace: Workspace) -> None:
    before = os.umask(0)
    try:
        workspace.create()
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [workspace.home, *workspace.home.rglob("*")]}
    assert workspace.stack_folder in modes
    assert {path: mode for path, mode in modes.items() if mode & 0o077} == {}


def test_the_passphrase_is_made_once_and_is_long(workspace: Workspace) -> None:
    workspace.create()
    passphrase = workspace.passphrase.read_text()
    workspace.create()
    assert workspace.passphrase.read_text() == passphrase
    assert len(passphrase) >= 32


def test_two_clones_have_different_passphrases(tmp_path: Path) -> None:
    texts = set()
    for name in ("one", "two"):
        workspace = Workspace(stack="lab", root=tmp_path / name)
        workspace.create()
        texts.add(workspace.passphrase.read_text())
    assert len(texts) == 2


def test_all_that_pulumi_keeps_lies_in_the_clone(workspace: Workspace) -> None:
    variables = workspace.variables()
    assert variables["PULUMI_HOME"] == str(workspace.root / ".fleet" / "pulumi")
    assert variables["PULUMI_BACKEND_URL"] == f"{(workspace.root / '.fleet' / 'state').as_uri()}?metadata=skip"
    assert variables["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(workspace.root / ".fleet" / "passphrase")


def test_the_clones_tools_and_python_come_first_on_path_and_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"/usr/bin:{workspace.bin}:/bin")
    parts = workspace.variables()["PATH"].split(":")
    assert parts == [str(workspace.bin), str(Path(sys.prefix) / "bin"), "/usr/bin", "/bin"]


def test_a_backend_and_passphrase_of_the_users_are_kept(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "mine")
    variables = workspace.variables()
    assert variables["PULUMI_BACKEND_URL"] == "s3://states"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in variables
    assert workspace.environment().items() >= {"PULUMI_CONFIG_PASSPHRASE": "mine"}.items()


def test_removing_a_stack_leaves_the_others_alone(workspace: Workspace) -> None:
    folders = {}
    for stack in ("lab", "lab2", "kind"):
        one = Workspace(stack=stack, root=workspace.root)
        one.create()
        kept = one.state / ".pulumi"
        folders[stack] = [one.stack_folder, *(kept / kind / "fleet" / stack for kind in ("history", "backups"))]
        folders[stack].append(kept / "locks" / "organization" / "fleet" / stack)
        for folder in folders[stack]:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "file").write_text(stack)
        (kept / "stacks" / "fleet").mkdir(parents=True, exist_ok=True)
        (kept / "stacks" / "fleet" / f"{stack}.json.18b2.tmp").write_text("half")
    workspace.remove_stack_files()
    kept = workspace.state / ".pulumi" / "stacks" / "fleet"
    assert {path.name.split(".")[0] for path in kept.iterdir()} == {"lab2", "kind"}
    assert [folder for folder in folders["lab"] if folder.exists()] == []
    assert all((folder / "file").exists() for stack in ("lab2", "kind") for folder in folders[stack])
    workspace.remove_stack_files()
