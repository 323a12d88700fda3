"""Real clusters and a real Pulumi CLI for the tests of the lab; what is missing for them is said by the skip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.cluster import lifecycle
from lab.cluster.kwok import BINARIES
from lab.cluster.record import Record
from lab.cluster.resource import ClusterArgs
from lab.cluster.spec import Spec
from lab.tools.catalogue import ISTIO, KARMADA

REPOSITORY = Path(__file__).resolve().parents[2]
DIRECTORY = ".fleet/stacks/test"

PROGRAM = """
import pulumi
from lab.cluster import Cluster, ClusterArgs, NodePool

config = pulumi.Config()
cluster = Cluster("cluster", ClusterArgs(
    name=config.get("name") or "test-na",
    directory=".fleet/stacks/test",
    version=config.require("version"),
    region="us-east-1",
    node_pools=[NodePool(count=config.get_int("nodes") or 1)],
    service_cidr=config.get("services") or "10.101.0.0/16",
))
for output in ("identifier", "kubeconfig", "server", "status", "node_count"):
    pulumi.export(output, getattr(cluster, output))
"""


def _skip_without(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}; `./fleet test` builds what is missing")


@pytest.fixture(scope="session")
def version() -> str:
    """The Kubernetes version on PATH."""
    _skip_without("kwokctl", "kubectl", *BINARIES.values())
    answer = subprocess.run(["kube-apiserver", "--version"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[-1]


@pytest.fixture(scope="session")
def karmada_on_path(version: str) -> None:
    """Karmada's programs are on PATH, and Kubernetes with them."""
    del version
    _skip_without(*(program.name for program in KARMADA.programs))


@pytest.fixture(scope="session")
def istio_on_path(version: str) -> None:
    """Istio's programs are on PATH, Helm for its charts, and Kubernetes with them."""
    del version
    _skip_without("helm", *(program.name for program in ISTIO.programs))


@dataclass(frozen=True)
class Lab:
    """A cluster made without Pulumi: what it is, and where."""

    spec: Spec
    folder: Path

    def create(self) -> Record:
        return lifecycle.create(self.spec, self.folder)

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """Run kubectl as the administrator; what it printed."""
        record = Record.read(self.folder)
        assert record is not None
        config = self.folder / "kubeconfig.test"
        config.write_text(record.kubeconfig(self.folder))
        command = ["kubectl", "--kubeconfig", str(config), *arguments]
        answer = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
        assert not check or answer.returncode == 0, answer.stderr
        return answer.stdout + answer.stderr


MakeLab = Callable[..., Lab]


@pytest.fixture(scope="session")
def new_lab(version: str) -> MakeLab:
    """Describe a cluster below a folder."""

    def describe(root: Path, name: str = "test-na", **changes: object) -> Lab:
        arguments = ClusterArgs(name=name, directory=DIRECTORY, version=version, region="us-east-1")
        spec = Spec.of(replace(arguments, **changes).properties())  # type: ignore[arg-type]
        return Lab(spec, lifecycle.folder_of(root, DIRECTORY, name))

    return describe


@pytest.fixture
def lab(new_lab: MakeLab, tmp_path: Path) -> Iterator[Lab]:
    """A cluster that is described and not made yet; it is removed after the test."""
    described = new_lab(tmp_path)
    yield described
    lifecycle.remove(described.folder)


@pytest.fixture(scope="module")
def running(new_lab: MakeLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A cluster that runs, shared by the tests of a module, which leave it as it is."""
    described = new_lab(tmp_path_factory.mktemp("running"))
    described.create()
    yield described
    lifecycle.remove(described.folder)


@dataclass(frozen=True)
class Project:
    """A Pulumi project of its own, with a state of its own."""

    root: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the CLI."""
        command = ["pulumi", *arguments, "--non-interactive", "--stack", "test"]
        return subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run the CLI; what it printed."""
        process = self.start(*arguments)
        text, _ = process.communicate(timeout=240)
        assert (process.returncode != 0) == fails, text
        return text

    def configure(self, **settings: str) -> None:
        """Set the program's settings."""
        for key, value in settings.items():
            self.run("config", "set", key, value)

    @property
    def folder(self) -> Path:
        """Where the program's cluster keeps its files."""
        return lifecycle.folder_of(self.root, DIRECTORY, "test-na")


@pytest.fixture(scope="session")
def pulumi_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Pulumi CLI, and this repository's language host beside it."""
    _skip_without("pulumi")
    folder = tmp_path_factory.mktemp("bin")
    official = Path(shutil.which("pulumi") or "").resolve()
    try:
        os.link(official, folder / "pulumi")
    except OSError:  # another disk
        shutil.copy2(official, folder / "pulumi")
    host = REPOSITORY / "lab" / "plugins" / "python" / "pulumi-language-python"
    (folder / host.name).symlink_to(host)
    return folder


@pytest.fixture
def empty_project(pulumi_folder: Path, tmp_path: Path) -> Project:
    """A project whose program does nothing yet."""
    state = tmp_path / "state"
    state.mkdir()
    root = tmp_path / "project"
    root.mkdir()
    plugin = REPOSITORY / "providers" / "plugins" / "lab"
    (root / "Pulumi.yaml").write_text(
        f"name: test\nruntime: python\nplugins:\n  providers:\n  - name: lab\n    path: {plugin}\n"
    )
    (root / "__main__.py").write_text("")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(pulumi_folder), os.environ["PATH"]]),
        "PYTHONPATH": str(REPOSITORY),
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The environment has pulumi-kubernetes in it: those programs that use it find its plugin on PATH.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "false",
    }
    project = Project(root, environment)
    init = ["pulumi", "stack", "init", "test", "--non-interactive"]
    subprocess.run(init, cwd=root, env=environment, check=True, capture_output=True)
    return project


@pytest.fixture
def project(empty_project: Project, version: str) -> Iterator[Project]:
    """A project with one cluster in its program, which is not made yet; it is removed after the test."""
    (empty_project.root / "__main__.py").write_text(PROGRAM)
    empty_project.configure(version=version)
    yield empty_project
    lifecycle.remove_all(empty_project.root / DIRECTORY)
