"""The Python environment: made from the lock file, once, whole, and made anew when the lock file changes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cli import bootstrap as module
from cli.bootstrap import bootstrap


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    return folder


def _package(index: Path, name: str) -> str:
    """Put a package with one module into the index; its line in a lock file."""
    wheel = index / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", "VALUE = 1\n")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def _imports(root: Path, name: str) -> bool:
    python = root / ".venv" / "bin" / "python"
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def test_the_environment_has_what_the_lock_file_names_and_nothing_of_yesterdays(root: Path, index: Path) -> None:
    lock = root / "requirements.lock"
    lock.write_text(_package(index, "first"))
    bootstrap(root)
    assert _imports(root, "first")
    made = (root / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
    bootstrap(root)
    assert (root / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made, "what is there is not made again"

    lock.write_text(_package(index, "second"))
    bootstrap(root)
    assert _imports(root, "second")
    assert not _imports(root, "first")


def test_a_package_that_is_not_the_locked_one_is_refused_and_the_next_try_begins_anew(
    root: Path, index: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    right = _package(index, "first")
    (root / "requirements.lock").write_text(f"first==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SystemExit, match="could not be installed: is a package index reachable"):
        bootstrap(root)
    assert "DO NOT MATCH" in capfd.readouterr().err
    assert not (root / ".venv" / "requirements.lock").exists()

    (root / "requirements.lock").write_text(right)
    bootstrap(root)
    assert _imports(root, "first")


def test_of_two_that_start_at_once_one_makes_it(root: Path, index: Path) -> None:
    (root / "requirements.lock").write_text(_package(index, "first"))
    command = [sys.executable, module.__file__, str(root)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Setting up the Python environment" in text for text in said) == 1
    assert _imports(root, "first")


def test_it_needs_nothing_but_pythons_own_library(root: Path) -> None:
    (root / "requirements.lock").write_text("")
    (root / ".venv").mkdir()
    (root / ".venv" / "requirements.lock").write_text("")
    subprocess.run([sys.executable, "-I", "-S", module.__file__, str(root)], check=True)
