"""What the lab provider answers the engine, without a cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto

from lab.cluster import lifecycle, ports
from lab.cluster.kind import ClusterKind
from lab.cluster.lifecycle import Status
from lab.cluster.record import Record
from lab.cluster.resource import ClusterArgs
from providers.serving import Provider, project_root

_ARGS = ClusterArgs(name="lab-na", directory="stack", version="v1.36.3", region="us-east-1")
_URN = "urn:pulumi:lab::fleet::fleet:cluster:Lab$lab:index:Cluster::lab-na"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_DIFF = proto.PropertyDiff
_RECORD = Record(
    identity={"name": "lab-na", "podCidr": "10.1.0.0/16", "serviceCidr": "10.101.0.0/16"},
    ports=ports.Ports(api_server=20000, etcd=2, etcd_peer=3, controller_manager=4, scheduler=5, kwok=6),
    identifier="uid-1",
    version="v1.36.3",
)


class RefusedError(Exception):
    """The provider ended a call with an error."""


class Context:
    """The part of a gRPC context that the provider uses."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise RefusedError(code, details)


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    properties = struct_pb2.Struct()
    properties.update(values)
    return properties


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A provider for a project with the files of one cluster that is said to run."""
    folder = lifecycle.folder_of(tmp_path, "stack", "lab-na")
    for path in ("etcd/member/x", "pki/ca.crt", "pki/admin.crt", "pki/admin.key", "kwok.yaml"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    _RECORD.write(folder)
    _say(monkeypatch, Status.RUNNING)
    return Provider(ClusterKind(tmp_path))


def _say(monkeypatch: pytest.MonkeyPatch, status: Status) -> None:
    monkeypatch.setattr(lifecycle, "status", lambda _: status)


def _diff(
    provider: Provider, args: ClusterArgs = _ARGS, *, ignore: tuple[str, ...] = (), **state: str
) -> dict[str, int]:
    old = _ARGS.properties()
    outputs = {**old, "status": "Running", "identifier": "uid-1", **state}
    request = proto.DiffRequest(
        urn=_URN,
        id="stack/lab-na",
        old_inputs=_struct(old),
        news=_struct(args.properties()),
        olds=_struct(outputs),
        ignoreChanges=ignore,
    )
    answer = provider.Diff(request, Context())
    kinds = {key: change.kind for key, change in answer.detailedDiff.items()}
    assert (answer.changes == proto.DiffResponse.DIFF_SOME) == bool(kinds)
    assert set(answer.replaces) == {key for key, kind in kinds.items() if kind == _DIFF.UPDATE_REPLACE}
    assert answer.deleteBeforeReplace
    return kinds


def test_nothing_changed_and_it_runs_is_no_change(provider: Provider) -> None:
    assert _diff(provider) == {}


@pytest.mark.parametrize(
    ("change", "path", "kind"),
    [
        ({"version": "v1.37.0"}, "version", _DIFF.UPDATE),
        ({"region": "eu-west-1", "zones": ("us-east-1a", "us-east-1b", "us-east-1c")}, "region", _DIFF.UPDATE),
        ({"node_pools": ()}, "nodePools", _DIFF.UPDATE),
        ({"zones": ("a",)}, "zones", _DIFF.UPDATE),
        ({"name": "lab-eu"}, "name", _DIFF.UPDATE_REPLACE),
        ({"directory": "other"}, "directory", _DIFF.UPDATE_REPLACE),
        ({"pod_cidr": "10.2.0.0/16"}, "podCidr", _DIFF.UPDATE_REPLACE),
        ({"service_cidr": "10.102.0.0/16"}, "serviceCidr", _DIFF.UPDATE_REPLACE),
    ],
)
def test_a_change_updates_or_replaces(provider: Provider, change: dict[str, Any], path: str, kind: int) -> None:
    changed = replace(_ARGS, **change)
    assert _diff(provider, changed) == {path: kind}
    assert _diff(provider, changed, ignore=(path,)) == {}


def test_a_stopped_one_is_updated(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, Status.STOPPED)
    assert _diff(provider) == {"status": _DIFF.UPDATE}


def test_a_lost_one_is_replaced(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, Status.MISSING)
    assert _diff(provider) == {"status": _DIFF.UPDATE_REPLACE}


def test_one_that_the_state_takes_for_stopped_is_updated(provider: Provider) -> None:
    assert _diff(provider, status="Stopped") == {"status": _DIFF.UPDATE}


def test_one_that_was_made_anew_behind_the_state_is_updated(provider: Provider) -> None:
    assert _diff(provider, identifier="uid-0") == {"identifier": _DIFF.UPDATE}


def test_check_names_each_wrong_input_and_each_missing_one(provider: Provider) -> None:
    inputs = {**_ARGS.properties(), "name": "NO"}
    del inputs["region"]
    answer = provider.Check(proto.CheckRequest(urn=_URN, news=_struct(inputs)), Context())
    assert {failure.property for failure in answer.failures} == {"name", "region"}


def test_check_waits_with_what_is_not_known_yet(provider: Provider) -> None:
    inputs = {**_ARGS.properties(), "podCidr": _UNKNOWN, "nodePools": [{"name": _UNKNOWN}]}
    assert not provider.Check(proto.CheckRequest(urn=_URN, news=_struct(inputs)), Context()).failures


def test_preview_makes_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "create", lambda *_: pytest.fail("a preview made a cluster"))
    inputs = _struct(_ARGS.properties())
    assert (
        provider.Create(proto.CreateRequest(urn=_URN, properties=inputs, preview=True), Context()).properties == inputs
    )
    olds = _struct({**_ARGS.properties(), "kubeconfig": "key", "status": "Stopped"})
    answer = provider.Update(proto.UpdateRequest(urn=_URN, olds=olds, news=inputs, preview=True), Context())
    assert answer.properties["status"] == "Running"
    assert answer.properties["kubeconfig"][_SIGNATURE]


def test_read_gives_the_kubeconfig_as_a_secret_and_no_path(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _say(monkeypatch, Status.STOPPED)
    inputs = _struct(_ARGS.properties())
    answer = provider.Read(proto.ReadRequest(urn=_URN, id="stack/lab-na", inputs=inputs), Context())
    outputs = json_format.MessageToDict(answer.properties)
    secret = outputs.pop("kubeconfig")
    assert secret[_SIGNATURE]
    assert "client-key-data" in secret["value"]
    assert (outputs["status"], outputs["identifier"], outputs["server"]) == (
        "Stopped",
        "uid-1",
        "https://127.0.0.1:20000",
    )
    assert "client-key" not in json.dumps(outputs)
    assert str(tmp_path) not in json.dumps([outputs, secret])


def test_read_of_what_is_gone_is_empty(provider: Provider) -> None:
    assert not provider.Read(proto.ReadRequest(urn=_URN, id="stack/other"), Context()).id


@pytest.mark.parametrize("error", [lifecycle.ClusterError("the disk is full"), TimeoutError("late"), OSError("no")])
def test_what_goes_wrong_is_told_in_its_own_words(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(lifecycle, "create", fail)
    with pytest.raises(RefusedError) as refused:
        provider.Create(proto.CreateRequest(urn=_URN, properties=_struct(_ARGS.properties())), Context())
    assert refused.value.args[1] == str(error)


def test_the_project_is_the_nearest_folder_with_a_pulumi_yaml(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert project_root(tmp_path / "a" / "b") == tmp_path
