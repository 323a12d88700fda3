"""What lab clusters survive: processes that die, attempts that were killed, ports that someone else has."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lab.cluster import lifecycle, nodes, ports, processes
from lab.cluster.api import Api
from lab.cluster.kwok import BinaryError
from lab.cluster.lifecycle import Status
from lab.cluster.ports import LOOPBACK
from lab.cluster.record import Record
from lab.cluster.resource import NodePool
from tests.lab.conftest import Lab, MakeLab


def _pids(lab: Lab) -> dict[str, int]:
    return {component: group[0].pid for component, group in processes.running(lab.folder).items()}


def _kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)


def test_only_what_is_dead_is_started_again_with_what_was_in_it(lab: Lab) -> None:
    made = lab.create()
    for component in processes.COMPONENTS:
        lab.kubectl("create", "configmap", component)
        before = _pids(lab)
        _kill(before[component])
        assert lifecycle.status(lab.folder) is Status.STOPPED

        assert lifecycle.start(lab.folder) == made

        after = _pids(lab)
        assert lifecycle.status(lab.folder) is Status.RUNNING
        assert {name for name in after if after[name] != before[name]} == {component}
        lab.kubectl("get", "configmap", component)


def test_stopped_and_started_it_is_the_same_cluster_and_its_pods_run(lab: Lab) -> None:
    made = lab.create()
    lab.kubectl("create", "configmap", "kept")
    lifecycle.stop(lab.folder)
    assert processes.running(lab.folder) == {}
    assert lifecycle.status(lab.folder) is Status.STOPPED

    assert lifecycle.start(lab.folder) == made

    lab.kubectl("get", "configmap", "kept")
    lab.kubectl("create", "deployment", "web", "--image=web")
    lab.kubectl("wait", "--for=condition=available", "deployment/web", "--timeout=30s")


def test_pid_files_that_name_strangers_harm_nobody(lab: Lab) -> None:
    lab.create()
    lifecycle.stop(lab.folder)
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        for component in processes.COMPONENTS:
            (lab.folder / "pids" / f"{component}.pid").write_text(str(stranger.pid))
        lifecycle.start(lab.folder)
        assert lifecycle.status(lab.folder) is Status.RUNNING
        lifecycle.remove(lab.folder)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("started", [("etcd",), processes.COMPONENTS], ids=["the first", "all"])
def test_killed_while_it_is_made_it_is_made_again(lab: Lab, started: tuple[str, ...]) -> None:
    code = (
        "import sys; from pathlib import Path; from lab.cluster import lifecycle, spec, resource;"
        "lifecycle.create(spec.Spec.of(resource.ClusterArgs(name='test-na', directory='.fleet/stacks/test',"
        "version=sys.argv[2], region='us-east-1').properties()), Path(sys.argv[1]))"
    )
    maker = subprocess.Popen([sys.executable, "-c", code, str(lab.folder), lab.spec.version], start_new_session=True)
    while not set(started) <= processes.running(lab.folder).keys():
        assert maker.poll() is None, "it was made before it could be killed"
        time.sleep(0.02)
    os.killpg(maker.pid, 9)
    maker.wait()
    assert lifecycle.status(lab.folder) is Status.MISSING

    lab.create()

    assert lifecycle.status(lab.folder) is Status.RUNNING
    assert {name: len(group) for name, group in processes.running(lab.folder).items()} == dict.fromkeys(
        processes.COMPONENTS, 1
    )


def test_made_twice_it_is_made_once(lab: Lab) -> None:
    made = lab.create()
    before = _pids(lab)
    assert lab.create() == made
    assert _pids(lab) == before


def test_a_taken_port_is_named_with_who_has_it(lab: Lab) -> None:
    made = lab.create()
    lifecycle.stop(lab.folder)
    with socket.create_server((LOOPBACK, made.ports.etcd)):
        who = re.escape(f"port {made.ports.etcd} of etcd of test-na is taken by process {os.getpid()} (")
        with pytest.raises(ports.PortTakenError, match=who):
            lifecycle.start(lab.folder)
    lifecycle.start(lab.folder)
    assert lifecycle.status(lab.folder) is Status.RUNNING


def test_another_version_than_asked_for_is_refused_and_leaves_nothing(lab: Lab) -> None:
    other = replace(lab.spec, version="v1.2.3")
    with pytest.raises(BinaryError, match=rf"is Kubernetes {lab.spec.version}, and v1\.2\.3 is asked for"):
        lifecycle.create(other, lab.folder)
    assert not lab.folder.exists()


def test_a_cluster_that_cannot_start_says_why_and_leaves_nothing(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "etcd"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && { echo "etcd Version: 3.6.8"; exit; }\n')
    broken.chmod(0o755)
    broken.open("a").write("sleep 1; echo no space left on device >&2; exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(lifecycle.ClusterError, match="etcd of test-na has ended: no space left on device"):
        lab.create()
    assert not lab.folder.exists()
    assert processes.running(lab.folder) == {}


def test_lost_data_is_noticed(lab: Lab) -> None:
    lab.create()
    lifecycle.stop(lab.folder)
    for file in sorted((lab.folder / "etcd").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    assert lifecycle.status(lab.folder) is Status.MISSING


def test_nodes_become_what_the_pools_say(lab: Lab) -> None:
    made = lab.create()
    pools = (NodePool(count=1, cpu="4"), NodePool(name="big", count=2, cpu="64"))
    lifecycle.create(replace(lab.spec, node_pools=pools, zones=("x", "y")), lab.folder)
    read = "jsonpath={range .items[*]}{.metadata.name} {.status.capacity.cpu} "
    read += "{.metadata.labels.topology\\.kubernetes\\.io/zone}{'\\n'}{end}"
    lines = lab.kubectl("get", "nodes", "-o", read).split("\n")
    assert sorted(filter(None, lines)) == ["test-na-big-0 64 x", "test-na-big-1 64 y", "test-na-default-0 4 x"]
    with Api(made.ports.api_server, lab.folder / "pki") as api:
        assert nodes.count(api) == 3


def test_what_gives_up_while_the_api_server_starts_is_started_again(lab: Lab) -> None:
    with ThreadPoolExecutor() as pool:
        making = pool.submit(lab.create)
        while "kube-controller-manager" not in (pids := _pids(lab)) and not making.done():
            time.sleep(0.01)
        _kill(pids["kube-controller-manager"])
        making.result()
    assert set(processes.running(lab.folder)) == set(processes.COMPONENTS)
    assert lifecycle.status(lab.folder) is Status.RUNNING


def test_removed_it_leaves_nothing(lab: Lab) -> None:
    made = lab.create()
    _kill(_pids(lab)["kube-apiserver"])
    lifecycle.remove(lab.folder)
    assert processes.running(lab.folder) == {}
    ports.require_free(ports.as_dict(made.ports).items())
    assert not lab.folder.parent.parent.exists()
    lifecycle.remove(lab.folder)
    assert not lab.folder.parent.parent.exists()


def test_clusters_made_at_once_share_nothing(new_lab: MakeLab, tmp_path: Path) -> None:
    labs = [new_lab(tmp_path, f"test-{region}") for region in ("na", "eu", "sea", "manager")]
    try:
        with ThreadPoolExecutor() as pool:
            records: list[Record] = list(pool.map(Lab.create, labs))
        numbers = [port for record in records for port in ports.as_dict(record.ports).values()]
        assert len(set(numbers)) == len(numbers)
        assert len({record.identifier for record in records}) == len(labs)
        assert [lifecycle.status(lab.folder) for lab in labs] == [Status.RUNNING] * len(labs)
    finally:
        lifecycle.remove_all(labs[0].folder.parent.parent)
    assert [processes.running(lab.folder) for lab in labs] == [{}] * len(labs)
