"""What of a cluster's life needs no cluster: where it lies, and what it asks of the machine before it begins."""

from __future__ import annotations

import shutil
import threading
from collections import namedtuple
from pathlib import Path

import pytest

from lab.cluster import kwok, lifecycle
from lab.cluster.resource import ClusterArgs
from lab.cluster.spec import Spec
from providers.patience import CancelledError, Patience

_SPEC = Spec.of(ClusterArgs(name="lab-na", directory=".fleet/d", version="v1.36.3", region="us-east-1").properties())
_Usage = namedtuple("_Usage", "total used free")


def test_a_full_disk_is_named_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kwok, "require_version", lambda _: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(2**30, 2**30 - 2**20, 2**20))
    folder = lifecycle.folder_of(tmp_path, _SPEC.directory, _SPEC.name)
    with pytest.raises(lifecycle.ClusterError, match=r"full: a cluster needs 400 MiB, and 1 MiB are free"):
        lifecycle.create(_SPEC, folder)
    assert not folder.exists()


def test_the_folders_are_the_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kwok, "require_version", lambda _: None)
    monkeypatch.setattr(kwok, "link_binaries", lambda folder: pytest.fail(oct(folder.stat().st_mode)))
    folder = lifecycle.folder_of(tmp_path, _SPEC.directory, _SPEC.name)
    with pytest.raises(pytest.fail.Exception, match="0o40700"):
        lifecycle.create(_SPEC, folder)
    assert [parent.stat().st_mode & 0o777 for parent in folder.parents[:3]] == [0o700] * 3


def test_there_is_nothing_to_start_where_no_cluster_is(tmp_path: Path) -> None:
    folder = lifecycle.folder_of(tmp_path, _SPEC.directory, _SPEC.name)
    assert lifecycle.status(folder) is lifecycle.Status.MISSING
    with pytest.raises(lifecycle.ClusterError, match="there is no cluster in"):
        lifecycle.start(folder)


def test_removing_what_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    lifecycle.remove(lifecycle.folder_of(tmp_path, "d", "lab-na"))
    lifecycle.remove_all(tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_patience_ends_with_what_it_waited_for() -> None:
    with pytest.raises(TimeoutError, match="the API server of lab-na did not come in 0 s"):
        Patience(0).pause("the API server of lab-na", 0.01)


def test_patience_ends_at_once_when_cancelled() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(CancelledError, match="waiting for it"):
        Patience(60, cancelled).pause("it", 60)
