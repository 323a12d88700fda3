"""istiod in the lab, without a cluster: its ports, what it is started with, and what the provider answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from lab.cluster import ports as claims
from lab.cluster.kwok import BinaryError
from lab.cluster.lifecycle import Status
from lab.istio import control_plane, folders, programs, webhooks
from lab.istio.control_plane import IstioError
from lab.istio.kind import IstiodKind
from lab.istio.ports import Ports, PortsKind
from lab.istio.spec import Spec
from providers.patience import Patience

_NAMES = ("webhooks", "discovery", "plain_discovery", "status", "monitoring", "introspection")
_PORTS = Ports(**{name: 20000 + number for number, name in enumerate(_NAMES)})
_SPEC = Spec(
    cluster="lab-na",
    kubeconfig="config",
    version="v1.31.1",
    revision="default",
    certificates={},
    environment={"ISTIO_MULTIROOT_MESH": "true"},
)
_INPUTS = {"ports": "stack/lab-na", **asdict(_SPEC)}
_PATIENCE = Patience(5)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that says that it is Istio 1.31.1."""
    program = tmp_path / "bin" / "pilot-discovery"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho client version: 1.31.1\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    return program


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims of ports that are no one else's."""
    monkeypatch.setattr(claims, "user_cache_path", lambda _: tmp_path / "cache")


def _say(monkeypatch: pytest.MonkeyPatch, status: Status) -> None:
    monkeypatch.setattr(control_plane, "status", lambda _: status)


@pytest.mark.usefixtures("registry")
def test_ports_are_an_istiod_s_until_they_are_given_up(tmp_path: Path) -> None:
    kind, inputs = PortsKind(tmp_path), {"name": "lab-na", "directory": "stack"}
    identity, outputs = kind.create(inputs, _PATIENCE)
    assert identity == "stack/lab-na"
    assert kind.create(inputs, _PATIENCE) == (identity, outputs), "an interrupted `up` finds them again"
    other = kind.create({**inputs, "name": "lab-eu"}, _PATIENCE)[1]
    assert other["injectionUrl"] != outputs["injectionUrl"]
    assert kind.changes(identity, inputs, inputs, outputs) == {}
    found = kind.read(identity, {}, {})
    assert found is not None
    assert (found.inputs, found.outputs) == (inputs, outputs)

    kind.delete(identity, outputs, _PATIENCE)
    assert kind.read(identity, inputs, outputs) is None
    assert kind.changes(identity, inputs, inputs, outputs) == {"statusUrl": True}
    assert [path.name for path in (tmp_path / "stack" / "istiod").iterdir() if path.name == "lab-na"] == []


def test_webhooks_are_told_by_the_name_in_istiod_s_certificate() -> None:
    addresses = _PORTS.addresses
    assert addresses["injectionUrl"] == "https://localhost:20000/inject"
    assert addresses["validationUrl"] == "https://localhost:20000/validate"
    assert addresses["discoveryAddress"] == "localhost:20001"
    assert addresses["statusUrl"] == "http://127.0.0.1:20003"


def test_each_port_is_used_once_and_on_loopback(on_path: Path) -> None:
    program = programs.istiod(Path("/folder/lab-na"), _PORTS, _SPEC)
    assert program.command[:2] == [str(on_path), "discovery"]
    told = [word.rpartition("=")[2] for word in program.command[2:]]
    addresses = {f"127.0.0.1:{port}" for port in asdict(_PORTS).values()}
    assert addresses - set(told) == {f"127.0.0.1:{_PORTS.introspection}"}
    assert {"127.0.0.1", str(_PORTS.introspection)} <= set(told)


@pytest.mark.usefixtures("on_path")
def test_it_has_the_names_that_the_chart_gives_to_its_revision() -> None:
    default = programs.istiod(Path("/folder/lab-na"), _PORTS, _SPEC).environment
    assert default["REVISION"] == "default"
    assert default["INJECTION_WEBHOOK_CONFIG_NAME"] == "istio-sidecar-injector"
    assert default["VALIDATION_WEBHOOK_CONFIG_NAME"] == "istio-validator-istio-system"
    assert default["ISTIO_MULTIROOT_MESH"] == "true"
    other = programs.istiod(Path("/folder/lab-na-next"), _PORTS, replace(_SPEC, revision="next")).environment
    assert other["INJECTION_WEBHOOK_CONFIG_NAME"] == "istio-sidecar-injector-next"
    assert other["VALIDATION_WEBHOOK_CONFIG_NAME"] == "istio-validator-next-istio-system"
    assert other["POD_NAME"] != default["POD_NAME"]


@pytest.mark.usefixtures("on_path")
def test_another_version_than_the_one_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BinaryError, match=r"pilot-discovery is Istio 1\.31\.1, and v1\.32\.0 is asked for"):
        control_plane.create(replace(_SPEC, version="v1.32.0"), tmp_path, _PATIENCE)


@pytest.mark.usefixtures("on_path")
def test_without_ports_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IstioError, match="lab-na has no ports"):
        control_plane.create(_SPEC, tmp_path / "lab-na", _PATIENCE)


def _roots(*names: str) -> dict[str, str]:
    pem = "".join(f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n" for name in names)
    return {"root-cert.pem": pem, "ca-key.pem": "key"}


@pytest.mark.parametrize(
    ("before", "after", "anew"),
    [
        ((), ("a",), True),
        (("a",), ("a",), False),
        (("a",), ("a", "b"), False),
        (("a", "b"), ("b", "a"), False),
        (("b", "a"), ("b",), False),
        (("a",), ("b",), True),
        (("a", "b"), ("b", "c"), True),
        (("a",), (), True),
    ],
)
def test_it_is_started_anew_only_for_roots_that_it_does_not_take_at_run_time(
    tmp_path: Path, before: tuple[str, ...], after: tuple[str, ...], *, anew: bool
) -> None:
    def write(roots: tuple[str, ...]) -> bool:
        return control_plane._write_certificates(_roots(*roots) if roots else {}, tmp_path / "cacerts")

    write(before)
    assert write(after) == anew
    files = {file.name for file in tmp_path.glob("cacerts/*")}
    assert files == ({"root-cert.pem", "ca-key.pem"} if after else set())


def test_what_is_written_is_its_owner_s_alone(tmp_path: Path) -> None:
    assert folders.write(tmp_path / "file", "text")
    assert not folders.write(tmp_path / "file", "text")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


@contextmanager
def _answering(monkeypatch: pytest.MonkeyPatch, *found: dict[str, Any]) -> Iterator[None]:
    class StandIn:
        """An API server with the same webhooks in each collection."""

        def __init__(self, *_: object) -> None: ...

        def __enter__(self) -> StandIn:
            return self

        def __exit__(self, *_: object) -> None: ...

        def get(self, _: str) -> dict[str, Any]:
            return {"items": [{"webhooks": list(found)}, {}]}

    with monkeypatch.context() as patch:
        patch.setattr(webhooks, "Api", StandIn)
        yield


def _webhook(port: int = 20000, roots: str = "roots", policy: str = "Fail") -> dict[str, Any]:
    config = {"url": f"https://localhost:{port}/x", "caBundle": base64.b64encode(roots.encode()).decode()}
    return {"clientConfig": config, "failurePolicy": policy}


def test_webhooks_answer_when_all_are_believed_by_today_s_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [
        ([_webhook()], True),
        ([_webhook(), _webhook(port=1, roots="")], True),
        ([], False),
        ([_webhook(port=1)], False),
        ([{"clientConfig": {"service": {}}, "failurePolicy": "Fail"}], False),
        ([_webhook(), _webhook(roots="others")], False),
        ([_webhook(policy="Ignore")], False),
    ]
    for found, answer in cases:
        with _answering(monkeypatch, *found):
            assert webhooks.answer(1, Path(), 20000, "roots\n") == answer, found
    with _answering(monkeypatch, _webhook(roots="")):
        assert not webhooks.answer(1, Path(), 20000, None)
    with _answering(monkeypatch, _webhook(roots="its own")):
        assert webhooks.answer(1, Path(), 20000, None)


@pytest.mark.parametrize(
    ("status", "known", "changes"),
    [
        (Status.RUNNING, "Running", {}),
        (Status.STOPPED, "Running", {"status": False}),
        (Status.MISSING, "Running", {"status": False}),
        (Status.RUNNING, "Stopped", {"status": False}),
    ],
)
def test_a_plain_up_brings_a_dead_one_back(
    monkeypatch: pytest.MonkeyPatch, status: Status, known: str, changes: dict[str, bool]
) -> None:
    _say(monkeypatch, status)
    kind = IstiodKind(Path("/project"))
    assert kind.changes("stack/lab-na", _INPUTS, _INPUTS, {"status": known}) == changes


def test_another_cluster_or_revision_is_another_istiod(monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, Status.RUNNING)
    kind, state = IstiodKind(Path("/project")), {"status": "Running"}
    for name, replaces in (
        ("cluster", True),
        ("revision", True),
        ("ports", True),
        ("kubeconfig", False),
        ("certificates", False),
        ("environment", False),
        ("version", False),
    ):
        assert kind.changes("stack/lab-na", _INPUTS, {**_INPUTS, name: "other"}, state) == {name: replaces}


def test_a_refresh_tells_a_stopped_one_from_one_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = IstiodKind(Path("/project"))
    _say(monkeypatch, Status.STOPPED)
    found = kind.read("stack/lab-na", _INPUTS, {"status": "Running"})
    assert found is not None
    assert found.outputs["status"] == "Stopped"
    _say(monkeypatch, Status.MISSING)
    assert kind.read("stack/lab-na", _INPUTS, {"status": "Running"}) is None
