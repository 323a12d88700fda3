"""Ports of lab clusters: free, below the kernel's own range, and never given twice."""

from __future__ import annotations

import multiprocessing
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.cluster import ports


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "ports.json"


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def _numbers(claimed: ports.Ports) -> set[int]:
    return set(ports.as_dict(claimed).values())


def test_two_clusters_share_none(tmp_path: Path, registry: Path) -> None:
    first = ports.claim(_folder(tmp_path, "one"), ports.Ports, registry)
    second = ports.claim(_folder(tmp_path, "two"), ports.Ports, registry)
    assert len(_numbers(first)) == len(_numbers(second)) == 6
    assert not _numbers(first) & _numbers(second)


def test_they_lie_below_the_range_of_clients(tmp_path: Path, registry: Path) -> None:
    claimed = _numbers(ports.claim(_folder(tmp_path, "one"), ports.Ports, registry))
    assert min(claimed) >= 20000
    assert max(claimed) < 32768


def test_a_port_that_is_listened_on_is_passed_over(tmp_path: Path, registry: Path) -> None:
    first = ports.claim(_folder(tmp_path, "one"), ports.Ports, registry)
    ports.release(tmp_path / "one", registry)
    with socket.create_server(("", first.scheduler)):
        second = ports.claim(_folder(tmp_path, "two"), ports.Ports, registry)
    assert not _numbers(first) & _numbers(second)


def test_a_stopped_cluster_keeps_its_ports_until_it_is_removed(tmp_path: Path, registry: Path) -> None:
    folder = _folder(tmp_path, "one")
    first = ports.claim(folder, ports.Ports, registry)
    assert ports.claim(_folder(tmp_path, "two"), ports.Ports, registry) != first
    ports.release(folder, registry)
    assert ports.claim(_folder(tmp_path, "three"), ports.Ports, registry) == first


def test_a_cluster_whose_folder_is_gone_has_lost_its_claim(tmp_path: Path, registry: Path) -> None:
    folder = _folder(tmp_path, "one")
    first = ports.claim(folder, ports.Ports, registry)
    folder.rmdir()
    assert ports.claim(_folder(tmp_path, "two"), ports.Ports, registry) == first


def test_a_release_waits_for_a_process_that_is_dying(tmp_path: Path, registry: Path) -> None:
    first = ports.claim(_folder(tmp_path, "one"), ports.Ports, registry)
    with socket.create_server(("127.0.0.1", first.etcd)) as dying, ThreadPoolExecutor() as pool:
        release = pool.submit(ports.release, tmp_path / "one", registry)
        with pytest.raises(TimeoutError):
            release.result(0.1)
        dying.close()
        release.result()
    assert ports.is_free(first.etcd)


def _claim(folder: Path, registry: Path) -> set[int]:
    return _numbers(ports.claim(folder, ports.Ports, registry))


def test_claims_at_the_same_moment_are_apart(tmp_path: Path, registry: Path) -> None:
    folders = [_folder(tmp_path, str(number)) for number in range(8)]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        claims = pool.starmap(_claim, [(folder, registry) for folder in folders])
    assert len(set().union(*claims)) == 6 * len(folders)


def test_who_holds_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            ports.PortTakenError, match=rf"port {port} of etcd of lab-na is taken by process {os.getpid()} "
        ):
            ports.require_free([("etcd of lab-na", port)])


def test_ports_survive_being_written_down(tmp_path: Path, registry: Path) -> None:
    claimed = ports.claim(_folder(tmp_path, "one"), ports.Ports, registry)
    assert ports.of_dict(ports.as_dict(claimed)) == claimed
