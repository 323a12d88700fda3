"""A lab cluster as plain `pulumi up`, `refresh` and `destroy` see it, through the provider and the language host."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from base64 import b64decode

import psutil
import pytest
import yaml

from lab.cluster import lifecycle, processes
from lab.cluster.lifecycle import Status
from lab.cluster.record import Record
from tests.lab.conftest import Project


def _outputs(project: Project) -> dict[str, str]:
    outputs: dict[str, str] = json.loads(project.run("stack", "output", "--json", "--show-secrets"))
    return outputs


def _up(project: Project) -> str:
    return project.run("up", "--yes", "--skip-preview")


def test_up_makes_it_and_the_next_changes_nothing(project: Project) -> None:
    preview = project.run("preview")
    assert "lab:index:Cluster cluster create" in preview
    assert not project.folder.exists()

    _up(project)
    first = _outputs(project)
    project.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    assert _outputs(project) == first
    assert lifecycle.status(project.folder) is Status.RUNNING
    assert yaml.safe_load(first["kubeconfig"])["current-context"] == "test-na"
    assert first["status"] == "Running"

    project.run("destroy", "--yes", "--skip-preview")
    assert processes.running(project.folder) == {}
    assert not (project.root / ".fleet" / "stacks" / "test").exists()


def test_the_state_has_no_key_in_plain_text_and_no_path_of_the_machine(project: Project) -> None:
    _up(project)
    key = yaml.safe_load(_outputs(project)["kubeconfig"])["users"][0]["user"]["client-key-data"]
    state = project.run("stack", "export")
    assert "ciphertext" in state
    for secret in (key, b64decode(key).decode().splitlines()[1], "PRIVATE KEY", str(project.root)):
        assert secret not in state


@pytest.mark.parametrize("component", ["kube-apiserver", "etcd"])
def test_up_brings_a_dead_one_back_without_a_refresh(project: Project, component: str) -> None:
    _up(project)
    before = _outputs(project)
    processes.running(project.folder)[component][0].kill()

    said = _up(project)

    assert re.search(r"lab:index:Cluster cluster updated .*~status", said)
    assert lifecycle.status(project.folder) is Status.RUNNING
    assert _outputs(project) == before


def test_refresh_sees_a_dead_one_and_the_next_up_brings_it_back(project: Project) -> None:
    _up(project)
    before = _outputs(project)
    lifecycle.stop(project.folder)

    project.run("refresh", "--yes", "--skip-preview")
    cluster = json.loads(project.run("stack", "export"))["deployment"]["resources"][-1]
    assert cluster["outputs"]["status"] == "Stopped"
    _up(project)

    assert lifecycle.status(project.folder) is Status.RUNNING
    assert _outputs(project) == before


def test_one_that_lost_its_data_is_replaced(project: Project) -> None:
    _up(project)
    before = _outputs(project)
    shutil.rmtree(project.folder / "etcd")

    said = _up(project)

    assert "cluster created replacement" in said
    assert _outputs(project)["identifier"] != before["identifier"]
    assert {len(group) for group in processes.running(project.folder).values()} == {1}


def test_refresh_drops_one_that_is_gone(project: Project) -> None:
    _up(project)
    lifecycle.remove(project.folder)
    project.run("refresh", "--yes", "--skip-preview")
    assert "lab:index:Cluster" not in project.run("stack", "export")


def test_more_nodes_are_an_update_and_another_network_is_a_replacement(project: Project) -> None:
    _up(project)
    before = _outputs(project)

    project.configure(nodes="2")
    _up(project)
    assert _outputs(project) == {**before, "node_count": 2}

    project.configure(services="10.102.0.0/16")
    assert "cluster created replacement" in _up(project)
    assert _outputs(project)["identifier"] != before["identifier"]


def test_an_up_that_was_killed_is_finished_by_the_next(project: Project) -> None:
    up = project.start("up", "--yes", "--skip-preview")
    while "kube-apiserver" not in processes.running(project.folder):
        assert up.poll() is None
        time.sleep(0.02)
    helpers = psutil.Process(up.pid).children(recursive=True)
    for process in [psutil.Process(up.pid), *helpers]:
        process.kill()
    up.communicate()

    project.run("cancel", "--yes")
    _up(project)

    assert lifecycle.status(project.folder) is Status.RUNNING
    assert {len(group) for group in processes.running(project.folder).values()} == {1}
    project.run("destroy", "--yes", "--skip-preview")
    assert processes.running(project.folder) == {}


def test_an_up_that_ends_after_the_cluster_is_made_takes_it_over(project: Project) -> None:
    _up(project)
    record = Record.read(project.folder)
    project.run("state", "delete", "--yes", "--all", "--force")
    _up(project)
    assert Record.read(project.folder) == record


def test_wrong_inputs_are_refused_before_anything_is_made(project: Project) -> None:
    project.configure(name="Not_A_Name", services="10.1.0.0/24")
    said = project.run("preview", fails=True)
    assert "name" in said
    assert "is 'Not_A_Name'; should be a DNS label" in said
    assert "10.1.0.0/24 overlaps podCidr 10.1.0.0/16" in said
    assert "Traceback" not in said


def test_another_version_is_refused_with_a_clear_message(project: Project) -> None:
    project.configure(version="v1.2.3")
    said = project.run("up", "--yes", "--skip-preview", fails=True)
    assert "v1.2.3 is asked for" in said
    assert "Traceback" not in said
    assert not project.folder.exists()


def test_an_interrupted_up_leaves_nothing_half_made(project: Project) -> None:
    up = project.start("up", "--yes", "--skip-preview")
    while "kube-apiserver" not in processes.running(project.folder):
        assert up.poll() is None
        time.sleep(0.02)
    up.send_signal(signal.SIGINT)
    said, _ = up.communicate(timeout=60)
    assert up.returncode != 0
    assert "Traceback" not in said
    assert (processes.running(project.folder) == {}) == (lifecycle.status(project.folder) is Status.MISSING)
    project.run("destroy", "--yes", "--skip-preview")
    assert processes.running(project.folder) == {}
    assert not project.folder.exists()
