"""The engine's side of the plugin protocol: starts the plugin that is tested and makes an engine's calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, errors_pb2, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.engine_pb2 import LogRequest

Properties = dict[str, Any]

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark for a secret, not one
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_SECONDS = 120


def secret(value: object) -> Properties:
    """A value as the engine sends it when it is secret."""
    return {SIGNATURE: SECRET, "value": value}


def urn(kind: str, name: str) -> str:
    """The URN of a resource of a type such as `core/v1:ConfigMap`."""
    return f"urn:pulumi:test::conformance::kubernetes:{kind}::{name}"


def struct(properties: Mapping[str, object]) -> struct_pb2.Struct:
    """Properties as a message."""
    message = struct_pb2.Struct()
    json_format.ParseDict(dict(properties), message)
    return message


def plain(message: struct_pb2.Struct) -> Properties:
    """A message's properties; whole numbers are ints."""
    properties: Properties = json.loads(json_format.MessageToJson(message), parse_float=_number)
    return properties


def _number(digits: str) -> float:
    value = float(digits)
    return int(value) if value.is_integer() else value


class _Terminal(engine_pb2_grpc.EngineServicer):
    """What the plugin wants to be shown at the terminal."""

    def __init__(self) -> None:
        self.messages: list[LogRequest] = []

    def Log(self, request: LogRequest, _: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802 - the protocol's name
        self.messages.append(request)
        return empty_pb2.Empty()


class CallError(Exception):
    """A call failed: the plugin's message, and the object that it left behind if there is one."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.message: str = error.details()
        self.partial: Any = None
        trailing = dict(error.trailing_metadata() or ())
        if "grpc-status-details-bin" in trailing:
            for detail in _details(trailing["grpc-status-details-bin"]):
                self.partial = detail


class RefusedError(Exception):
    """Check refused the inputs; the message has the reasons."""


def _details(encoded: bytes) -> list[Any]:
    from google.rpc import status_pb2  # noqa: PLC0415 - only where a call failed

    found = []
    for detail in status_pb2.Status.FromString(encoded).details:
        message = errors_pb2.ErrorCause()
        partial = provider_pb2.ErrorResourceInitFailed()
        if detail.Unpack(partial):
            found.append(partial)
        else:
            detail.Unpack(message)
    return found


@dataclass
class Plugin:
    """A plugin process. Use it as a context manager."""

    binary: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> Plugin:
        self.terminal = _Terminal()
        self._engine = grpc.server(futures.ThreadPoolExecutor(4))
        engine_pb2_grpc.add_EngineServicer_to_server(self.terminal, self._engine)
        port = self._engine.add_insecure_port("127.0.0.1:0")
        self._engine.start()
        self.process = subprocess.Popen(
            [self.binary, f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment},
        )
        assert self.process.stdout is not None
        own_port = self.process.stdout.readline().strip()
        options = [("grpc.max_receive_message_length", -1)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{own_port}", options=options)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.errors = self.process.communicate(timeout=30)[1]
        self._engine.stop(None)

    def call(self, method: str, request: Any) -> Any:  # noqa: ANN401 - any message of the protocol
        """Make one call. Raises `CallError`."""
        try:
            return getattr(self._stub, method)(request, timeout=_SECONDS)
        except grpc.RpcError as error:
            raise CallError(error) from None

    def configure(self, kubeconfig: str, **settings: str) -> None:
        variables = {"kubeconfig": kubeconfig, **settings}
        self.call(
            "Configure",
            provider_pb2.ConfigureRequest(
                variables={f"kubernetes:config:{name}": value for name, value in variables.items()},
                acceptSecrets=True,
                acceptResources=True,
            ),
        )

    def check(
        self,
        urn: str,
        news: Properties,
        olds: Properties | None = None,
        *,
        seed: bytes = b"seed",
        autonaming: tuple[str, str] | None = None,
    ) -> Properties:
        """The inputs that Check makes of `news`; `autonaming` is a mode of the engine's and the name it proposes.

        Raises `RefusedError` or `CallError`.
        """
        request = provider_pb2.CheckRequest(urn=urn, olds=struct(olds or {}), news=struct(news), randomSeed=seed)
        if autonaming is not None:
            mode, name = autonaming
            options = provider_pb2.CheckRequest.AutonamingOptions
            request.autonaming.CopyFrom(options(proposed_name=name, mode=options.Mode.Value(mode)))
        answer = self.call("Check", request)
        if answer.failures:
            raise RefusedError("; ".join(f"{failure.property}: {failure.reason}" for failure in answer.failures))
        return plain(answer.inputs)

    def diff(self, urn: str, state: State, news: Properties, ignore: tuple[str, ...] = ()) -> Difference:
        answer = self.call(
            "Diff",
            provider_pb2.DiffRequest(
                id=state.id,
                urn=urn,
                olds=struct(state.outputs),
                old_inputs=struct(state.inputs),
                news=struct(news),
                ignoreChanges=ignore,
            ),
        )
        return Difference(
            changed=answer.changes == provider_pb2.DiffResponse.DIFF_SOME,
            replaces=sorted(answer.replaces),
            replaces_in_place=answer.deleteBeforeReplace,
            details={path: _kind_name(change.kind) for path, change in answer.detailedDiff.items()},
        )

    def create(self, urn: str, inputs: Properties, *, preview: bool = False, seconds: float = 0) -> State:
        request = provider_pb2.CreateRequest(urn=urn, properties=struct(inputs), preview=preview, timeout=seconds)
        answer = self.call("Create", request)
        return State(answer.id, inputs, plain(answer.properties))

    def update(  # noqa: PLR0913 - the fields of the request
        self,
        urn: str,
        state: State,
        inputs: Properties,
        *,
        preview: bool = False,
        seconds: float = 0,
        ignore: tuple[str, ...] = (),
    ) -> State:
        request = provider_pb2.UpdateRequest(
            id=state.id,
            urn=urn,
            olds=struct(state.outputs),
            old_inputs=struct(state.inputs),
            news=struct(inputs),
            preview=preview,
            timeout=seconds,
            ignoreChanges=ignore,
        )
        return State(state.id, inputs, plain(self.call("Update", request).properties))

    def read(self, urn: str, state: State) -> State:
        """The object as it is; a state without an ID if it is gone. With an ID alone this is an import."""
        request = provider_pb2.ReadRequest(
            id=state.id, urn=urn, properties=struct(state.outputs), inputs=struct(state.inputs)
        )
        answer = self.call("Read", request)
        return State(answer.id, plain(answer.inputs), plain(answer.properties))

    def delete(self, urn: str, state: State, *, seconds: float = 0) -> None:
        self.call(
            "Delete",
            provider_pb2.DeleteRequest(
                id=state.id, urn=urn, properties=struct(state.outputs), old_inputs=struct(state.inputs), timeout=seconds
            ),
        )

    def cancel_after(self, seconds: float) -> threading.Timer:
        """Cancel whatever is being waited for, as the engine does when somebody interrupts it."""
        timer = threading.Timer(seconds, lambda: self.call("Cancel", empty_pb2.Empty()))
        timer.start()
        return timer


def _kind_name(kind: int) -> str:
    return str(provider_pb2.PropertyDiff.Kind.Name(kind))


@dataclass(frozen=True)
class State:
    """What the engine keeps of a resource."""

    id: str
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """What Diff says: the kinds of the changes by path, the paths that replace, whether the old object goes first."""

    changed: bool
    replaces: list[str]
    replaces_in_place: bool
    details: dict[str, str]
