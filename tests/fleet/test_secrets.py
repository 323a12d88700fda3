"""No credential of the fleet is readable by other users, and none is in plain text in state, logs or output."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.conftest import Fleet


@pytest.fixture(scope="module")
def needles(fleet: Fleet) -> set[bytes]:
    """Pieces of every private key, token and passphrase of the fleet, in each form that could be written somewhere."""
    pieces = {(fleet.clone.root / ".fleet" / "passphrase").read_bytes().strip()}
    for entry in fleet.kubeconfig["users"]:
        user = entry["user"]
        assert user.keys() & {"client-key-data", "token"}
        if "token" in user:
            pieces.add(user["token"].encode())
        if "client-key-data" in user:
            pem = base64.b64decode(user["client-key-data"])
            body = [line for line in pem.splitlines() if not line.startswith(b"-----")]
            pieces |= {max(body, key=len), base64.b64decode(b"".join(body))[-32:]}
            # In base64 of the whole file, past the header that all keys share.
            pieces |= {user["client-key-data"].encode()[start : start + 60] for start in (80, 160)}
    assert all(len(piece) >= 32 for piece in pieces)
    return pieces


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_the_needles_are_such_as_are_found(fleet: Fleet, needles: set[bytes]) -> None:
    """The search below means something: the clusters' own key files and the kubeconfig have them."""
    assert sum(piece in fleet.kubeconfig_file.read_bytes() for piece in needles) == 2 * len(fleet.kubeconfig["users"])
    keys = b"".join(path.read_bytes() for path in _files(fleet.clone.stack_folder) if path.suffix == ".key")
    assert any(piece in keys for piece in needles)


def test_no_credential_is_in_plain_text_in_the_state(fleet: Fleet, needles: set[bytes]) -> None:
    state = fleet.clone.root / ".fleet" / "state"
    assert fleet.clone.checkpoint in set(_files(state))
    assert [path for path in _files(state) if any(piece in path.read_bytes() for piece in needles)] == []


def test_no_credential_is_in_what_pulumi_keeps_or_logs(fleet: Fleet, needles: set[bytes]) -> None:
    home = fleet.clone.root / ".fleet" / "pulumi"
    small = [path for path in _files(home) if path.stat().st_size < 2**24]
    assert [path for path in small if any(piece in path.read_bytes() for piece in needles)] == []


def test_no_credential_is_in_output_or_events(fleet: Fleet, needles: set[bytes]) -> None:
    texts = {
        "up": fleet.up.output.encode(),
        "events of up": fleet.events.read_bytes(),
        "status": fleet.clone.fleet("status").output.encode(),
        "preview": fleet.clone.pulumi("preview", "--json").output.encode(),
        "diff": fleet.clone.pulumi("preview", "--diff", "--show-sames").output.encode(),
        "outputs": fleet.clone.pulumi("stack", "output", "--json").output.encode(),
        "environment": fleet.clone.fleet("env").output.encode(),
    }
    assert b"lab:index:Cluster" in texts["events of up"]
    assert b"[secret]" in texts["outputs"]
    assert [name for name, text in texts.items() if any(piece in text for piece in needles)] == []


def test_no_credential_is_on_a_command_line(fleet: Fleet, needles: set[bytes]) -> None:
    lines = [" ".join(process.cmdline()).encode() for process in fleet.clone.processes()]
    assert lines
    assert not any(piece in line for line in lines for piece in needles)


def test_nothing_of_the_fleet_is_readable_by_another_user(fleet: Fleet) -> None:
    home = fleet.clone.root / ".fleet"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700, "it keeps everything below from others"
    own = [home / "passphrase", *_files(fleet.clone.stack_folder)]
    readable = {path: oct(path.stat().st_mode) for path in own if path.stat().st_mode & 0o077}
    assert readable == {}, "and what has a credential in it is its owner's alone by itself as well"
