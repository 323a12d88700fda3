"""The provider plugin of `lab:index:Cluster`: what Pulumi's engine asks for, put into terms of `lifecycle`.

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
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

from lab.cluster import lifecycle, nodes
from lab.cluster.api import Api, ApiError
from lab.cluster.kwok import BinaryError
from lab.cluster.lifecycle import ClusterError, Status
from lab.cluster.patience import CancelledError, Patience
from lab.cluster.ports import PortTakenError
from lab.cluster.record import Record
from lab.cluster.spec import REPLACING, UPDATING, Spec, problems

VERSION = "0.1.0"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_EXPECTED = (ApiError, BinaryError, ClusterError, PortTakenError, CancelledError, OSError)
_PARALLEL = 64
_ORPHAN_POLL_SECONDS = 1
_SECONDS_TO_CLEAR = 60
_T = TypeVar("_T")


class Provider(proto.ResourceProviderServicer):
    """Serves the engine. `root` is the folder of the project, from which clusters' directories are counted."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cancelled = threading.Event()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> proto.PluginInfo:
        return proto.PluginInfo(version=VERSION)

    def CheckConfig(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        return proto.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        return proto.DiffResponse(changes=proto.DiffResponse.DIFF_NONE)

    def Configure(self, request: proto.ConfigureRequest, context: grpc.ServicerContext) -> proto.ConfigureResponse:
        """Take inputs without their secret marks: none of them is one, and outputs are marked here."""
        return proto.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Check(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        """Refuse what cannot be a cluster. What is not known yet is judged when it is."""
        inputs = _read(request.news)
        known = {key: value for key, value in inputs.items() if not _is_unknown(value)}
        failures = [proto.CheckFailure(property=path, reason=reason) for path, reason in problems(known)]
        failures += [
            proto.CheckFailure(property=key, reason="is missing") for key in REPLACING + UPDATING if key not in inputs
        ]
        return proto.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        """Compare the settings, and look whether the cluster lives: a plain `up` is to bring a dead one back."""
        old, new, state = _read(request.old_inputs), _read(request.news), _read(request.olds)
        kind = proto.PropertyDiff
        changes = {
            key: kind(kind=kind.UPDATE_REPLACE if key in REPLACING else kind.UPDATE, inputDiff=True)
            for key in REPLACING + UPDATING
            if old.get(key) != new.get(key) and key not in request.ignoreChanges
        }
        folder = self._folder(request.id)
        record = Record.read(folder)
        found = lifecycle.status(folder)
        if found is Status.MISSING or record is None:
            changes["status"] = kind(kind=kind.UPDATE_REPLACE)
        elif found is not Status.RUNNING or state.get("status") != found:
            changes["status"] = kind(kind=kind.UPDATE)
        elif record.identifier != state.get("identifier"):
            changes["identifier"] = kind(kind=kind.UPDATE)
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if changes else proto.DiffResponse.DIFF_NONE,
            diffs=list(changes),
            replaces=[key for key, change in changes.items() if change.kind == kind.UPDATE_REPLACE],
            # Old and new have the same folder.
            deleteBeforeReplace=True,
            detailedDiff=changes,
            hasDetailedDiff=True,
        )

    def Create(self, request: proto.CreateRequest, context: grpc.ServicerContext) -> proto.CreateResponse:
        """Make the cluster, or take over the one that an interrupted `up` has left."""
        if request.preview:
            return proto.CreateResponse(properties=request.properties)
        inputs = _read(request.properties)
        properties = self._carefully(context, lambda: self._make(inputs, request.timeout))
        return proto.CreateResponse(id=f"{inputs['directory']}/{inputs['name']}", properties=properties)

    def Update(self, request: proto.UpdateRequest, context: grpc.ServicerContext) -> proto.UpdateResponse:
        """Start what does not run, with what was in it, and make version and nodes what they should be."""
        inputs = _read(request.news)
        if request.preview:
            state = {**_read(request.olds), **inputs, "status": Status.RUNNING.value}
            state["kubeconfig"] = {**_SECRET, "value": state["kubeconfig"]}
            return proto.UpdateResponse(properties=_write(state))
        properties = self._carefully(context, lambda: self._make(inputs, request.timeout))
        return proto.UpdateResponse(properties=properties)

    def Read(self, request: proto.ReadRequest, context: grpc.ServicerContext) -> proto.ReadResponse:
        """Look at the cluster. One without its data is gone; one that does not run is there, and stopped."""
        folder, inputs = self._folder(request.id), _read(request.inputs)
        record = Record.read(folder)
        if record is None:
            return proto.ReadResponse()
        if not inputs:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "a lab cluster cannot be imported: create it where it is")
        state = {**_read(request.properties), **inputs}
        properties = self._carefully(context, lambda: _outputs(state, folder, record))
        return proto.ReadResponse(id=request.id, properties=properties, inputs=request.inputs)

    def Delete(self, request: proto.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Remove the cluster, however it is found."""
        self._carefully(context, lambda: lifecycle.remove(self._folder(request.id)))
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Do as `give_up` says."""
        self.give_up()
        return empty_pb2.Empty()

    def give_up(self) -> None:
        """End all waiting; what was being made is cleared away."""
        self._cancelled.set()

    def _make(self, inputs: Mapping[str, Any], timeout: float) -> struct_pb2.Struct:
        spec = Spec.of(inputs)
        folder = lifecycle.folder_of(self._root, spec.directory, spec.name)
        patience = Patience(timeout or lifecycle.DEFAULT_SECONDS, self._cancelled)
        return _outputs(inputs, folder, lifecycle.create(spec, folder, patience))

    def _folder(self, identity: str) -> Path:
        directory, _, name = identity.rpartition("/")
        return lifecycle.folder_of(self._root, directory, name)

    @staticmethod
    def _carefully(context: grpc.ServicerContext, act: Callable[[], _T]) -> _T:
        try:
            return act()
        except _EXPECTED as error:
            _abort(context, str(error))


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError


def _outputs(inputs: Mapping[str, Any], folder: Path, record: Record) -> struct_pb2.Struct:
    status = lifecycle.status(folder)
    outputs = {
        **inputs,
        "kubeconfig": {**_SECRET, "value": record.kubeconfig(folder)},
        "server": record.server,
        "caData": record.ca_data(folder),
        "identifier": record.identifier,
        "status": status.value,
    }
    if status is Status.RUNNING:
        with Api(record.ports.api_server, folder / "pki") as api:
            outputs["nodeCount"] = nodes.count(api)
    return _write(outputs)


def _read(properties: struct_pb2.Struct) -> dict[str, Any]:
    values: dict[str, Any] = json_format.MessageToDict(properties)
    return values


def _write(values: Mapping[str, Any]) -> struct_pb2.Struct:
    properties = struct_pb2.Struct()
    properties.update(dict(values))
    return properties


def _is_unknown(value: object) -> bool:
    if isinstance(value, dict):
        return any(_is_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(_is_unknown(part) for part in value)
    return value == _UNKNOWN


def project_root(folder: Path) -> Path:
    """The folder of the project that `folder` is in: the nearest with a Pulumi.yaml, or `folder` itself."""
    return next((parent for parent in (folder, *folder.parents) if (parent / "Pulumi.yaml").exists()), folder)


def main() -> None:
    """Serve until the engine ends this process, or is gone."""
    parent = os.getppid()
    os.umask(0o077)
    provider = Provider(project_root(Path.cwd()))
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
        # What kwokctl is starting must not go on beside the next update, which waits for the cluster's lock.
        provider.give_up()
        server.stop(grace=_SECONDS_TO_CLEAR).wait()
    server.stop(grace=None)
    os._exit(0)  # a thread that still waits for a cluster must not hold the engine up


if __name__ == "__main__":
    main()
