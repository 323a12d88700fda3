"""Serves kinds of resources to Pulumi's engine, as a provider plugin.

Written on the plain protocol and not on the SDK's provider classes: those hide a resource's old inputs in Diff and let
every error be printed with a traceback.
"""

# The methods are Pulumi's, from its provider.proto, and so are their names and arguments.
# ruff: noqa: ARG002, D102, N802

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, json_format, struct_pb2
from google.rpc import status_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

from providers.kind import Kind, NotReadyError, Values, is_known
from providers.patience import CancelledError, Patience

VERSION = "0.1.0"
_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_PARALLEL = 64
_ORPHAN_POLL_SECONDS = 1
_SECONDS_TO_CLEAR = 60
_T = TypeVar("_T")


class Provider(proto.ResourceProviderServicer):
    """A provider of `kinds`. `configure` is told the provider's own settings before any resource is asked for."""

    def __init__(self, *kinds: Kind, configure: Callable[[Values], None] = lambda _: None) -> None:
        self._kinds = {kind.resource_type: kind for kind in kinds}
        self._configure = configure
        self._cancelled = threading.Event()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> proto.PluginInfo:
        return proto.PluginInfo(version=VERSION)

    def CheckConfig(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        return proto.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        """Say that settings may change; they never change what a resource is."""
        changed = request.old_inputs != request.news
        return proto.DiffResponse(changes=proto.DiffResponse.DIFF_SOME if changed else proto.DiffResponse.DIFF_NONE)

    def Configure(self, request: proto.ConfigureRequest, context: grpc.ServicerContext) -> proto.ConfigureResponse:
        """Take inputs without their secret marks: the engine keeps those, and a kind says which outputs are secret."""
        self._configure({key: _unmarked(value) for key, value in _read(request.args).items()})
        return proto.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Check(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        """Refuse what cannot be made. What is not known yet is judged when it is."""
        kind, inputs = self._kind(request.urn), _read(request.news)
        known = {key: value for key, value in inputs.items() if is_known(value)}
        problems = [*kind.problems(known), *((key, "is missing") for key in kind.required if key not in inputs)]
        failures = [proto.CheckFailure(property=path, reason=reason) for path, reason in problems]
        return proto.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        kind = self._kind(request.urn)
        old, new, state = _read(request.old_inputs), _read(request.news), _read(request.olds)
        found = self._carefully(kind, context, lambda: kind.changes(request.id, old, new, state))
        changes = {path: replaces for path, replaces in found.items() if path not in request.ignoreChanges}
        update = proto.PropertyDiff
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if changes else proto.DiffResponse.DIFF_NONE,
            diffs=list(changes),
            replaces=[path for path, replaces in changes.items() if replaces],
            deleteBeforeReplace=kind.deletes_first,
            detailedDiff={
                path: update(kind=update.UPDATE_REPLACE if replaces else update.UPDATE, inputDiff=_root(path) in new)
                for path, replaces in changes.items()
            },
            hasDetailedDiff=True,
        )

    def Create(self, request: proto.CreateRequest, context: grpc.ServicerContext) -> proto.CreateResponse:
        kind, inputs = self._kind(request.urn), _read(request.properties)
        if request.preview:
            return proto.CreateResponse(properties=_write(kind, kind.planned(inputs, None)))
        patience = self._patience(kind, request.timeout)
        identity, outputs = self._carefully(kind, context, lambda: kind.create(inputs, patience))
        return proto.CreateResponse(id=identity, properties=_write(kind, outputs))

    def Update(self, request: proto.UpdateRequest, context: grpc.ServicerContext) -> proto.UpdateResponse:
        kind, inputs, state = self._kind(request.urn), _read(request.news), _read(request.olds)
        if request.preview:
            return proto.UpdateResponse(properties=_write(kind, kind.planned(inputs, state)))
        patience = self._patience(kind, request.timeout)
        outputs = self._carefully(kind, context, lambda: kind.update(request.id, inputs, state, patience))
        return proto.UpdateResponse(properties=_write(kind, outputs))

    def Read(self, request: proto.ReadRequest, context: grpc.ServicerContext) -> proto.ReadResponse:
        kind, inputs, state = self._kind(request.urn), _read(request.inputs), _read(request.properties)
        found = self._carefully(kind, context, lambda: kind.read(request.id, inputs, state))
        if found is None:
            return proto.ReadResponse()
        return proto.ReadResponse(id=request.id, inputs=_struct(found.inputs), properties=_write(kind, found.outputs))

    def Delete(self, request: proto.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        kind, state = self._kind(request.urn), _read(request.properties)
        patience = self._patience(kind, request.timeout)
        self._carefully(kind, context, lambda: kind.delete(request.id, state, patience))
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Do as `give_up` says."""
        self.give_up()
        return empty_pb2.Empty()

    def give_up(self) -> None:
        """End all waiting; what was being made is cleared away."""
        self._cancelled.set()

    def _kind(self, urn: str) -> Kind:
        return self._kinds[urn.split("::")[2].rpartition("$")[2]]

    def _patience(self, kind: Kind, seconds: float) -> Patience:
        return Patience(seconds or kind.seconds, self._cancelled)

    @staticmethod
    def _carefully(kind: Kind, context: grpc.ServicerContext, act: Callable[[], _T]) -> _T:
        expected: tuple[type[Exception], ...] = (*kind.expected, CancelledError, OSError)
        try:
            return act()
        except NotReadyError as error:
            context.set_trailing_metadata((("grpc-status-details-bin", _half_made(kind, error)),))
            _abort(context, str(error))
        except expected as error:
            _abort(context, str(error))


def _half_made(kind: Kind, error: NotReadyError) -> bytes:
    """What tells the engine that there is a resource although the call has failed (Pulumi's provider.proto)."""
    details = any_pb2.Any()
    details.Pack(
        proto.ErrorResourceInitFailed(id=error.identity, properties=_write(kind, error.outputs), reasons=error.reasons)
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[details])
    return bytes(status.SerializeToString())


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError


def _read(properties: struct_pb2.Struct) -> Values:
    values: Values = json_format.MessageToDict(properties)
    return values


def _unmarked(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """What a secret keeps: a provider is configured with marks, before it can say that it wants none."""
    return value["value"] if isinstance(value, dict) and _SECRET.items() <= value.items() else value


def _write(kind: Kind, outputs: Mapping[str, Any]) -> struct_pb2.Struct:
    return _struct(
        {key: {**_SECRET, "value": value} if key in kind.secrets else value for key, value in outputs.items()}
    )


def _root(path: str) -> str:
    """The property that a path begins with: of `a["b"]` it is `a`."""
    return path.partition("[")[0]


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    properties = struct_pb2.Struct()
    properties.update(dict(values))
    return properties


def project_root(folder: Path) -> Path:
    """The folder of the project that `folder` is in: the nearest with a Pulumi.yaml, or `folder` itself."""
    return next((parent for parent in (folder, *folder.parents) if (parent / "Pulumi.yaml").exists()), folder)


def serve(provider: Provider) -> None:
    """Serve until the engine ends this process, or is gone."""
    parent = os.getppid()
    os.umask(0o077)
    server = grpc.server(ThreadPoolExecutor(_PARALLEL))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == parent and not done.wait(_ORPHAN_POLL_SECONDS):
        pass  # an engine that is killed cannot say so
    if not done.is_set():
        # What is being made must not go on beside the next update, which waits for its locks.
        provider.give_up()
        server.stop(grace=_SECONDS_TO_CLEAR).wait()
    server.stop(grace=None)
    os._exit(0)  # a thread that still waits must not hold the engine up
