"""Which process of the machine is one of a cluster, and which is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.cluster import processes


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    """Start a process that waits, under any name and with any arguments."""
    begun: list[psutil.Popen] = []

    def begin(name: str, *arguments: str) -> psutil.Popen:
        program = tmp_path / "programs" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\necho ready\nread line\n")
        program.chmod(0o755)
        begun.append(psutil.Popen([str(program), *arguments], stdin=-1, stdout=-1))
        begun[-1].stdout.readline()
        return begun[-1]

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_finds_the_processes_of_a_cluster_and_no_others(tmp_path: Path, start: object) -> None:
    folder = tmp_path / "clusters" / "lab-na"
    own = start("etcd", f"--data-dir={folder}/etcd")  # type: ignore[operator]
    simulator = start("kwok", f"--config={folder}/kwok.yaml")  # type: ignore[operator]
    start("etcd", f"--data-dir={folder}-2/etcd")  # type: ignore[operator]
    start("etcd", "--version", f"--data-dir={folder}/etcd")  # type: ignore[operator]
    start("kubectl", f"--kubeconfig={folder}/kubeconfig.yaml")  # type: ignore[operator]
    found = {name: [process.pid for process in group] for name, group in processes.running(folder).items()}
    assert found == {"etcd": [own.pid], "kwok-controller": [simulator.pid]}


@pytest.mark.parametrize("gracefully", [True, False])
def test_stops_the_processes_of_a_cluster_and_no_others(tmp_path: Path, start: object, *, gracefully: bool) -> None:
    folder = tmp_path / "clusters" / "lab-na"
    own = start("etcd", f"--data-dir={folder}/etcd")  # type: ignore[operator]
    other = start("etcd", f"--data-dir={folder}-2/etcd")  # type: ignore[operator]
    processes.stop(folder, gracefully=gracefully)
    assert own.wait(5) != 0
    assert other.poll() is None


def test_pid_files_say_what_is_true(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    (tmp_path / "pids" / "etcd.pid").write_text("1")
    (tmp_path / "pids" / "kube-scheduler.pid").write_text("1")
    processes.write_pid_files(tmp_path, {"etcd": [psutil.Process()]})
    assert processes.started(tmp_path) == {"etcd"}
    assert (tmp_path / "pids" / "etcd.pid").read_text() == str(psutil.Process().pid)
