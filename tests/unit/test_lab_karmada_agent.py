"""The lab's kind of resource for an agent: what it takes for a change, without a process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.cluster.lifecycle import Status
from lab.karmada import agent
from lab.karmada.agent_kind import KarmadaAgentKind
from lab.karmada.control_plane import KarmadaError

_IDENTITY = "stack/lab-eu"
_INPUTS: dict[str, Any] = {
    "name": "lab-eu",
    "directory": "stack",
    "version": "v1.18.2",
    "arguments": ["--v=2"],
    "karmadaKubeconfig": "karmada",
    "memberKubeconfig": "member",
}
_RUNNING = {**_INPUTS, "status": "Running"}


@pytest.fixture
def kind(tmp_path: Path) -> KarmadaAgentKind:
    return KarmadaAgentKind(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of an agent of which no process runs."""
    path = tmp_path / "stack" / "karmada" / "lab-eu"
    path.mkdir(parents=True)
    (path / "ports.json").write_text(json.dumps({"health": 1, "metrics": 2}))
    return path


def _say(monkeypatch: pytest.MonkeyPatch, status: Status) -> None:
    monkeypatch.setattr(agent, "status", lambda _: status)


def test_one_that_runs_as_it_should_is_left_alone(kind: KarmadaAgentKind, monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, Status.RUNNING)
    assert kind.changes(_IDENTITY, _INPUTS, _INPUTS, _RUNNING) == {}


@pytest.mark.parametrize(
    ("key", "replaces"),
    [("name", True), ("directory", True), ("version", False), ("arguments", False), ("karmadaKubeconfig", False)],
)
def test_it_is_made_anew_only_elsewhere(
    kind: KarmadaAgentKind, monkeypatch: pytest.MonkeyPatch, key: str, *, replaces: bool
) -> None:
    _say(monkeypatch, Status.RUNNING)
    assert kind.changes(_IDENTITY, _INPUTS, {**_INPUTS, key: "other"}, _RUNNING) == {key: replaces}


def test_one_that_does_not_run_is_seen_and_to_be_started(kind: KarmadaAgentKind, folder: Path) -> None:
    assert agent.status(folder) is Status.STOPPED
    found = kind.read(_IDENTITY, _INPUTS, _RUNNING)
    assert found is not None
    assert found.outputs["status"] == "Stopped"
    assert kind.changes(_IDENTITY, _INPUTS, _INPUTS, _RUNNING) == {"status": False}


def test_one_without_its_files_is_gone_and_made_in_its_place(kind: KarmadaAgentKind) -> None:
    assert kind.read(_IDENTITY, _INPUTS, _RUNNING) is None
    assert kind.changes(_IDENTITY, _INPUTS, _INPUTS, _RUNNING) == {"status": False}


def test_an_import_is_refused(kind: KarmadaAgentKind, folder: Path) -> None:
    assert folder.exists()
    with pytest.raises(KarmadaError, match="cannot be imported"):
        kind.read(_IDENTITY, {}, {})


def test_what_opens_karmada_and_the_member_is_secret(kind: KarmadaAgentKind) -> None:
    assert kind.secrets == {"karmadaKubeconfig", "memberKubeconfig"}
