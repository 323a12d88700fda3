"""Pulumi's language host for Python: what the engine asks of it, on the SDK's own language server.

It runs programs in its own process, or, where a project asks for another virtual environment than this process has,
hands them over to a host that runs there.
"""

# The methods are Pulumi's, from its language.proto, and so are their names and arguments.
# ruff: noqa: ARG002, D102, N802

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import metadata
from queue import SimpleQueue
from typing import IO

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from . import environment, program

_WORKERS = 16
_ORPHAN_POLL_SECONDS = 1
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Host(LanguageServer):
    """The language host. Method names and messages are those of Pulumi's `language.proto`."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self._running = threading.Lock()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The plugins that the installed packages need, so that the engine has them before the program runs."""
        with _elsewhere(request.info) as other:
            if other is not None:
                answer: language_pb2.GetRequiredPackagesResponse = other.GetRequiredPackages(request)
                return answer
        packages = [
            plugin_pb2.PackageDependency(
                name=plugin["name"],
                kind="resource",
                version=f"v{plugin['version'].removeprefix('v')}",
                server=plugin.get("server", ""),
            )
            for plugin in environment.plugins()
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        with _elsewhere(request.info) as other:
            if other is not None:
                answer: language_pb2.GetProgramDependenciesResponse = other.GetProgramDependencies(request)
                return answer
        found = [language_pb2.DependencyInfo(name=name, version=to) for name, to in environment.distributions()]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Say how: the project's environment is made from its lock file by `./fleet`, not by the CLI."""
        yield language_pb2.InstallDependenciesResponse(
            stdout=b"./fleet makes the Python environment of this project.\n"
        )

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run a program. What it did wrong has been shown already, so the engine is only told to give up."""
        with _elsewhere(request.info) as other:
            if other is not None:
                answer: language_pb2.RunResponse = other.Run(request)
                return answer
        with self._running:
            return language_pb2.RunResponse(bail=not program.run(request))

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a plugin that is written in Python, such as a policy pack, as a process with the pack's interpreter."""
        folder = request.info.program_directory or request.program
        python = environment.interpreter(request.info.root_directory, _virtualenv(request.info))
        is_policy = request.kind == "analyzer"
        command = [str(python), "-u", *(("-m", "pulumi.policy", *request.args, folder) if is_policy else ())]
        if not is_policy:
            command += [folder, *request.args]
        variables = dict(variable.partition("=")[::2] for variable in request.env)
        process = subprocess.Popen(
            command,
            cwd=folder if is_policy else request.pwd,
            env=variables or None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        for name, text in _output(process):
            is_error = name == "stderr"
            yield (
                language_pb2.RunPluginResponse(stderr=text) if is_error else language_pb2.RunPluginResponse(stdout=text)
            )
        yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()


def _virtualenv(info: language_pb2.ProgramInfo) -> str:
    return str(json_format.MessageToDict(info.options).get("virtualenv", ""))


@contextmanager
def _elsewhere(info: language_pb2.ProgramInfo) -> Iterator[language_pb2_grpc.LanguageRuntimeStub | None]:
    """A host in the environment that the project asks for, or `None` if that is our own."""
    python = environment.interpreter(info.root_directory, _virtualenv(info))
    if environment.is_own(python):
        yield None
        return
    if not python.exists():
        message = f"the project's Python environment is not there: {python}"
        raise FileNotFoundError(message)
    with subprocess.Popen([python, "-P", "-m", __package__], stdout=subprocess.PIPE, text=True) as host:
        try:
            port = (host.stdout.readline() if host.stdout else "").strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED) as channel:
                yield language_pb2_grpc.LanguageRuntimeStub(channel)
        finally:
            host.terminate()


def _output(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What a process writes, as it writes it: pairs of `stdout` or `stderr` and bytes."""
    queue: SimpleQueue[tuple[str, bytes]] = SimpleQueue()

    def read(name: str, stream: IO[bytes]) -> None:
        for line in stream:
            queue.put((name, line))
        queue.put((name, b""))

    streams = {"stdout": process.stdout, "stderr": process.stderr}
    for name, stream in streams.items():
        threading.Thread(target=read, args=(name, stream), daemon=True).start()
    open_streams = set(streams)
    while open_streams:
        name, text = queue.get()
        if text:
            yield name, text
        else:
            open_streams.discard(name)


def main() -> None:
    """Serve until the engine ends this process, or is gone, and end then without a word."""
    parent = os.getppid()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=_UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    while os.getppid() == parent and not done.wait(_ORPHAN_POLL_SECONDS):
        pass  # an engine that is killed cannot say so
    os._exit(0)  # a program that still runs is not to be waited for


if __name__ == "__main__":
    main()
