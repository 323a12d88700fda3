"""A real API server with KWOK, the built plugin, and objects of their own for each test."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.cluster import lifecycle
from lab.cluster.kwok import BINARIES
from lab.cluster.resource import ClusterArgs
from lab.cluster.spec import Spec
from tests.plugins.engine import Plugin

PLUGIN = "pulumi-resource-kubernetes"


def skip_without(*programs: str) -> None:
    """Skip, and say which of the programs are missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}; `./fleet test` builds what is missing")


@dataclass(frozen=True)
class Cluster:
    """A cluster as its administrator sees it."""

    kubeconfig: str
    path: Path

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl; what it printed."""
        command = ["kubectl", "--kubeconfig", str(self.path), *arguments]
        answer = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)
        assert not check or answer.returncode == 0, answer.stderr
        return answer.stdout + answer.stderr

    def apply(self, *manifests: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", stdin="\n---\n".join(json.dumps(manifest) for manifest in manifests))

    def get(self, *arguments: str) -> dict[str, Any] | None:
        """One object; `None` if it is not there."""
        text = self.kubectl("get", *arguments, "--output", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None


@pytest.fixture(scope="session")
def binary() -> str:
    """The plugin on PATH."""
    skip_without(PLUGIN)
    return str(shutil.which(PLUGIN))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for all tests, which keep to namespaces of their own."""
    skip_without("kwokctl", "kubectl", *BINARIES.values())
    answer = subprocess.run(["kube-apiserver", "--version"], capture_output=True, text=True, check=True)
    root = tmp_path_factory.mktemp("cluster")
    arguments = ClusterArgs(name="plugins", directory="c", version=answer.stdout.split()[-1], region="us-east-1")
    folder = lifecycle.folder_of(root, "c", "plugins")
    try:
        record = lifecycle.create(Spec.of(arguments.properties()), folder)
        path = root / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(record.kubeconfig(folder))
        yield Cluster(path.read_text(), path)
    finally:
        lifecycle.remove(folder)


@pytest.fixture
def plugin(binary: str, cluster: Cluster) -> Iterator[Plugin]:
    """The plugin, configured for the cluster."""
    with Plugin(binary) as started:
        started.configure(cluster.kubeconfig)
        yield started


@pytest.fixture
def offline(binary: str) -> Iterator[Plugin]:
    """The plugin, configured for a cluster that does not answer."""
    with Plugin(binary) as started:
        started.configure(unreachable_kubeconfig())
        yield started


def unreachable_kubeconfig() -> str:
    """A kubeconfig that leads to a port where nobody listens."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "gone",
            "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "nobody"}}],
            "clusters": [{"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "nobody", "user": {"token": "not-for-your-eyes"}}],
        }
    )


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, which is gone after it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
