"""The plugin as a process: it goes when it is told to, when the engine is gone, and with what was done on record."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.plugins.conftest import Cluster
from tests.plugins.engine import CallError, Plugin, State, urn
from tests.plugins.manifests import deployment, never_scheduled


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly_with_an_answer(plugin: Plugin, namespace: str, number: signal.Signals) -> None:
    resource = urn("apps/v1:Deployment", "it")
    inputs = plugin.check(resource, never_scheduled(deployment(namespace)))
    with ThreadPoolExecutor() as pool:
        pending = pool.submit(plugin.create, resource, inputs)
        while not plugin.terminal.messages:
            assert not pending.done()
        plugin.process.send_signal(number)
        with pytest.raises(CallError, match="cancelled") as failure:
            pending.result()
    assert failure.value.partial.id == f"{namespace}/web"
    assert plugin.process.wait(30) == 0
    assert plugin.process.stderr is not None
    assert plugin.process.stderr.read() == ""


def test_it_goes_with_the_engine_that_started_it(binary: str) -> None:
    script = "import subprocess, sys; p = subprocess.Popen([sys.argv[1]]); print(p.pid, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, binary]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdout is not None
        plugin = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    try:
        plugin.wait(20)
    except psutil.TimeoutExpired:
        plugin.kill()
        pytest.fail("the plugin outlived its engine")


def test_configuration_costs_nothing_and_a_kubeconfig_may_be_a_file(binary: str, cluster: Cluster) -> None:
    with Plugin(binary) as plugin:
        before = time.monotonic()
        plugin.configure(str(cluster.path), context="plugins")
        assert time.monotonic() - before < 5
        resource = urn("core/v1:Namespace", "kube-public")
        found = plugin.read(resource, State("kube-public"))
        assert found.inputs["metadata"]["name"] == "kube-public"
