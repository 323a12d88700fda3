"""One kubeconfig for the fleet, which nobody but its owner can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import kubeconfig


def _single(server: str, token: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "kwok", "cluster": {"server": server, "certificate-authority-data": "Q0E="}}],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [{"name": "any", "context": {"cluster": "kwok", "user": "admin"}}],
            "current-context": "any",
        }
    )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_cluster_becomes_a_context_with_its_own_server_and_user() -> None:
    singles = {"lab-na": _single("https://127.0.0.1:1", "a"), "lab-eu": _single("https://127.0.0.1:2", "b")}
    merged: dict[str, Any] = yaml.safe_load(kubeconfig.merge(singles))
    clusters = {entry["name"]: entry["cluster"] for entry in merged["clusters"]}
    users = {entry["name"]: entry["user"] for entry in merged["users"]}
    resolved = {
        entry["name"]: (clusters[entry["context"]["cluster"]], users[entry["context"]["user"]])
        for entry in merged["contexts"]
    }
    assert resolved == {
        "lab-na": ({"server": "https://127.0.0.1:1", "certificate-authority-data": "Q0E="}, {"token": "a"}),
        "lab-eu": ({"server": "https://127.0.0.1:2", "certificate-authority-data": "Q0E="}, {"token": "b"}),
    }
    assert merged["current-context"] == "lab-na"


def test_a_fleet_without_clusters_is_an_empty_kubeconfig() -> None:
    merged = yaml.safe_load(kubeconfig.merge({}))
    assert (merged["kind"], merged["contexts"], "current-context" in merged) == ("Config", [], False)


def test_a_written_kubeconfig_is_its_owners_alone_in_folders_that_are_made(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        kubeconfig.write(tmp_path / "new" / "fleet.yaml", "secret")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "fleet.yaml").read_text() == "secret"
    assert _mode(tmp_path / "new" / "fleet.yaml") == 0o600


def test_a_file_that_everybody_could_read_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("old")
    path.chmod(0o644)
    with path.open() as reader:  # somebody who opened it before
        kubeconfig.write(path, "secret")
        assert reader.read() == "old"
    assert path.read_text() == "secret"
    assert _mode(path) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_no_partial_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        kubeconfig.write(path, "secret")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"
