"""A resource that is there but not ready goes into the state, and its reasons to the terminal."""

# The methods are the base class's and gRPC's, and so are their arguments.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from google.rpc import status_pb2
from pulumi.runtime import proto

from providers.kind import Found, Kind, NotReadyError, Values
from providers.patience import Patience
from providers.serving import Provider

_URN = "urn:pulumi:lab::fleet::test:index:Thing::thing"
_SIGNATURE = "4dabf18193072939515e22adb298388d"


class Thing(Kind):
    """Something that is never ready."""

    resource_type = "test:index:Thing"
    secrets = frozenset({"key"})

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        raise AssertionError

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        raise NotReadyError("id-1", {"key": "k", **inputs}, ["one is missing", "two is missing"])

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        raise AssertionError

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        raise NotReadyError(identity, {**state, **inputs}, ["three is missing"])

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        raise AssertionError


class RefusedError(Exception):
    """The provider ended a call with an error."""


class Context:
    """The part of a gRPC context that the provider uses."""

    def __init__(self) -> None:
        self.metadata: dict[str, bytes] = {}

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.metadata = dict(metadata)

    def abort(self, code: object, details: str) -> None:
        raise RefusedError(details)

    def told(self) -> Any:  # noqa: ANN401 - a message of Pulumi's
        status = status_pb2.Status.FromString(self.metadata["grpc-status-details-bin"])
        failed = proto.ErrorResourceInitFailed()
        assert status.details[0].Unpack(failed)
        return failed


def _struct(values: Values) -> struct_pb2.Struct:
    properties = struct_pb2.Struct()
    properties.update(values)
    return properties


def test_a_new_resource_is_known_by_its_id_and_outputs_with_secrets_marked() -> None:
    context = Context()
    with pytest.raises(RefusedError, match="one is missing; two is missing"):
        Provider(Thing()).Create(proto.CreateRequest(urn=_URN, properties=_struct({"a": 1})), context)
    told = context.told()
    assert (told.id, list(told.reasons)) == ("id-1", ["one is missing", "two is missing"])
    properties = json_format.MessageToDict(told.properties)
    assert properties["a"] == 1
    assert properties["key"] == {_SIGNATURE: properties["key"][_SIGNATURE], "value": "k"}


def test_an_updated_resource_keeps_its_id() -> None:
    context = Context()
    request = proto.UpdateRequest(urn=_URN, id="id-7", news=_struct({"a": 2}), olds=_struct({"a": 1}))
    with pytest.raises(RefusedError, match="three is missing"):
        Provider(Thing()).Update(request, context)
    assert context.told().id == "id-7"
    assert json_format.MessageToDict(context.told().properties) == {"a": 2}
