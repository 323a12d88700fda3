"""A real Karmada control plane as processes: made, kept alive, brought back with what was in it, and removed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import pytest

from lab.cluster import ports as claims
from lab.cluster.api import Api, ApiError
from lab.cluster.lifecycle import Status
from lab.karmada import control_plane
from lab.karmada.control_plane import Record
from lab.karmada.spec import Spec
from lab.processes import Group, ending
from lab.tools.catalogue import KARMADA
from providers.patience import Patience
from tests.fleet.clone import eventually

PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "karmada-aggregated-apiserver",
    "karmada-controller-manager",
    "karmada-scheduler",
    "karmada-webhook",
)
_POLICIES = "/apis/policy.karmada.io/v1alpha1/namespaces/default/propagationpolicies"


@dataclass(frozen=True)
class ControlPlane:
    """A control plane below a folder."""

    folder: Path

    def create(self, **arguments: list[str]) -> Record:
        flags = {program.replace("_", "-"): list(values) for program, values in arguments.items()}
        spec = Spec(name="test-karmada", version=KARMADA.version, arguments=flags, scripts={})
        return control_plane.create(spec, self.folder, Patience(120))

    def api(self) -> Api:
        record = Record.read(self.folder)
        assert record is not None
        return Api(record.ports.api_server, self.folder / "pki")

    def process(self, program: str) -> psutil.Process | None:
        """The process of a program, once it has become that."""
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            if words and Path(words[0]).name == program and any(f"{self.folder}/" in word for word in words[1:]):
                return process
        return None


@pytest.fixture(scope="module")
def karmada(tmp_path_factory: pytest.TempPathFactory, karmada_on_path: None) -> Iterator[ControlPlane]:
    """A control plane that runs, shared by the tests of this module, which leave it running."""
    del karmada_on_path
    root = tmp_path_factory.mktemp("karmada")
    made = ControlPlane(control_plane.folder_of(root, ".fleet/stacks/test", "test-karmada"))
    try:
        made.create()
        yield made
    finally:
        control_plane.remove(made.folder)
    assert not made.folder.parent.parent.exists()


def _is_running(karmada: ControlPlane) -> Callable[[], bool]:
    return lambda: control_plane.status(karmada.folder) is Status.RUNNING


def _policy(name: str, **placement: object) -> dict[str, object]:
    selectors = [{"apiVersion": "apps/v1", "kind": "Deployment"}]
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": name},
        "spec": {"resourceSelectors": selectors, "placement": placement},
    }


def test_created_again_it_is_left_as_it_is(karmada: ControlPlane) -> None:
    before = {program: karmada.process(program) for program in PROGRAMS}
    assert None not in before.values()
    assert karmada.create() == Record.read(karmada.folder)
    assert {program: karmada.process(program) for program in PROGRAMS} == before


def test_it_serves_clusters_and_its_webhook_completes_policies(karmada: ControlPlane) -> None:
    with karmada.api() as api:
        assert (api.get("/apis/cluster.karmada.io/v1alpha1/clusters") or {})["items"] == []
        api.create(_POLICIES, _policy("completed"))
        policy = api.get(f"{_POLICIES}/completed") or {}
        api.delete(f"{_POLICIES}/completed")
    assert "propagationpolicy.karmada.io/permanent-id" in policy["metadata"]["labels"]


def test_its_webhook_refuses_a_policy_that_cannot_be(karmada: ControlPlane) -> None:
    wrong = _policy("wrong", spreadConstraints=[{"spreadByField": "region", "minGroups": 3, "maxGroups": 2}])
    with karmada.api() as api, pytest.raises(ApiError, match="maxGroups"):
        api.create(_POLICIES, wrong)


def test_a_template_makes_nothing_run_in_karmada_itself(karmada: ControlPlane) -> None:
    with karmada.api() as api:
        resources = api.get("/apis/apps/v1/namespaces/default/replicasets") or {}
        labels = {"app": "x"}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": "example.com/x:1"}]}}
        api.create(
            "/apis/apps/v1/namespaces/default/deployments",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "x"},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
            },
        )
        # The garbage collector ends a foreground deletion, after it has looked for dependents.
        assert resources["items"] == []
        api.delete("/apis/apps/v1/namespaces/default/deployments/x?propagationPolicy=Foreground")
        eventually(lambda: api.get("/apis/apps/v1/namespaces/default/deployments/x") is None)


def test_everything_listens_on_loopback_only(karmada: ControlPlane) -> None:
    for program in PROGRAMS:
        process = karmada.process(program)
        assert process is not None
        listening = [each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]
        assert listening, program
        assert set(listening) == {"127.0.0.1"}, program


def test_nobody_else_can_look_into_its_folder(karmada: ControlPlane) -> None:
    assert karmada.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_was_killed_is_started_again(karmada: ControlPlane, program: str) -> None:
    eventually(_is_running(karmada))
    first = karmada.process(program)
    assert first is not None
    ending.kill([first])
    eventually(lambda: (again := karmada.process(program)) is not None and again != first)
    eventually(_is_running(karmada))


def test_killed_altogether_it_comes_back_with_what_was_in_it(karmada: ControlPlane) -> None:
    before = Record.read(karmada.folder)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}}
    with karmada.api() as api:
        api.create("/api/v1/namespaces", namespace)
    Group(karmada.folder).stop()
    assert control_plane.status(karmada.folder) is Status.STOPPED
    assert karmada.create() == before
    assert control_plane.status(karmada.folder) is Status.RUNNING
    with karmada.api() as api:
        assert api.get("/api/v1/namespaces/kept") is not None


def test_other_arguments_are_given_to_what_runs(karmada: ControlPlane) -> None:
    karmada.create(karmada_controller_manager=["--cluster-failure-threshold=7s"])
    eventually(_is_running(karmada))
    process = karmada.process("karmada-controller-manager")
    assert process is not None
    assert "--cluster-failure-threshold=7s" in process.cmdline()


def test_without_its_data_it_is_missing_and_made_anew(karmada: ControlPlane) -> None:
    before = Record.read(karmada.folder)
    assert before is not None
    Group(karmada.folder).stop()
    shutil.rmtree(karmada.folder / "etcd")
    assert control_plane.status(karmada.folder) is Status.MISSING
    made = karmada.create()
    assert made.identifier != before.identifier
    assert control_plane.status(karmada.folder) is Status.RUNNING


def test_removed_it_leaves_nothing(karmada_on_path: None, tmp_path: Path) -> None:
    del karmada_on_path
    other = ControlPlane(control_plane.folder_of(tmp_path, ".fleet/stacks/test", "test-karmada"))
    try:
        record = other.create()
    finally:
        control_plane.remove(other.folder)
    assert [name for name, port in asdict(record.ports).items() if not claims.is_free(port)] == []
    assert list(tmp_path.rglob("*karmada*")) == []
    assert [program for program in PROGRAMS if other.process(program)] == []
