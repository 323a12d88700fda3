"""A real istiod as a process, through the real charts: made, kept alive, given new certificates, and removed."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import asdict

import psutil
import pytest
from cryptography import x509

from lab.cluster import lifecycle
from lab.cluster import ports as claims
from lab.cluster.lifecycle import Status
from lab.cluster.ports import LOOPBACK, PortTakenError
from lab.istio import folders
from lab.istio.ports import Ports
from lab.processes import Group, ending
from tests.fleet.clone import eventually
from tests.lab.conftest import MakeLab
from tests.lab.istio import Istio, authority, files

_DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: meshed}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
"""
_WRONG = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: wrong, namespace: default}
spec:
  hosts: [web]
  http: [{route: [{destination: {host: web}, weight: 60}, {destination: {host: api}, weight: -1}]}]
"""


@pytest.fixture(scope="module")
def istio(new_lab: MakeLab, istio_on_path: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Istio]:
    """An istiod that runs, shared by the tests of this module, which leave it running."""
    del istio_on_path
    root = tmp_path_factory.mktemp("istio")
    lab = new_lab(root)
    made = Istio.of(lab, root)
    try:
        lab.create()
        made.install()
        made.start()
        yield made
        ports = made.ports
    finally:
        folders.remove(made.folder)
        lifecycle.remove(lab.folder)
    assert made.process() is None
    assert [name for name, port in asdict(ports).items() if not claims.is_free(port)] == []
    assert list((root / ".fleet" / "stacks").glob("*")) == []


def _issuer(istio: Istio) -> x509.Name:
    """Who has signed what the webhooks' server shows."""
    pem = ssl.get_server_certificate((LOOPBACK, istio.ports.webhooks))
    return x509.load_pem_x509_certificate(pem.encode()).issuer


def test_created_again_it_is_left_as_it_is(istio: Istio) -> None:
    before, ports = istio.process(), istio.ports
    assert before is not None
    istio.start()
    assert istio.process() == before
    assert Ports.claim(istio.folder) == ports


def test_the_api_server_believes_its_webhooks_by_the_roots_alone(istio: Istio) -> None:
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        answer = json.loads(istio.lab.kubectl("get", kind, "-o", "json"))
        found = [webhook for each in answer["items"] for webhook in each["webhooks"]]
        assert found
        for webhook in found:
            assert webhook["failurePolicy"] == "Fail"
            assert base64.b64decode(webhook["clientConfig"]["caBundle"]).decode() == istio.certificates["root-cert.pem"]


def test_a_pod_of_a_meshed_namespace_gets_its_sidecar_and_no_other_does(istio: Istio) -> None:
    istio.lab.kubectl("create", "namespace", "meshed")
    istio.lab.kubectl("label", "namespace", "meshed", "istio-injection=enabled")
    istio.lab.kubectl("apply", "-f", "-", stdin=_DEPLOYMENT)
    istio.lab.kubectl("apply", "-f", "-", stdin=_DEPLOYMENT.replace("meshed", "default"))

    def containers(namespace: str) -> set[str]:
        pods = json.loads(istio.lab.kubectl("get", "pods", "--namespace", namespace, "-o", "json"))["items"]
        lists = ("containers", "initContainers")
        return {each["name"] for pod in pods for key in lists for each in pod["spec"].get(key, [])}

    assert eventually(lambda: containers("meshed")) == {"web", "istio-proxy", "istio-init"}
    assert eventually(lambda: containers("default")) == {"web"}


def test_it_refuses_what_is_wrong_in_an_object_of_istio_s(istio: Istio) -> None:
    answer = istio.lab.kubectl("apply", "-f", "-", stdin=_WRONG, check=False)
    assert "admission webhook" in answer
    assert "weight" in answer


def test_it_listens_on_loopback_only(istio: Istio) -> None:
    process = istio.process()
    assert process is not None
    listening = {each.laddr for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
    assert {address.ip for address in listening} == {LOOPBACK}
    assert {address.port for address in listening} <= set(asdict(istio.ports).values())


def test_nobody_else_can_read_its_credentials(istio: Istio) -> None:
    assert istio.folder.stat().st_mode & 0o077 == 0
    written = [istio.folder / "kubeconfig", *(istio.folder / "cacerts").iterdir(), *(istio.folder / "pki").iterdir()]
    assert len(written) == 8
    assert [file for file in written if file.stat().st_mode & 0o077] == []


def test_killed_it_is_started_again_on_the_same_ports(istio: Istio) -> None:
    first = istio.process()
    assert first is not None
    ending.kill([first])
    eventually(lambda: (again := istio.process()) is not None and again != first)
    eventually(lambda: istio.status() is Status.RUNNING)
    istio.start()


def test_killed_with_its_supervisor_it_is_stopped_and_comes_back(istio: Istio) -> None:
    Group(istio.folder).stop()
    assert istio.status() is Status.STOPPED
    istio.start()
    assert istio.status() is Status.RUNNING


def test_it_signs_with_a_new_intermediate_without_being_started_anew(istio: Istio) -> None:
    process, top = istio.process(), authority("root two")
    istio.certificates = files(authority("first", top), top)
    istio.start()
    assert istio.process() != process, "other roots altogether are not taken at run time"

    process = istio.process()
    istio.certificates = files(authority("second", top), top)
    istio.start()
    assert istio.process() == process
    eventually(lambda: _issuer(istio).rfc4514_string() == "CN=second")


def test_it_takes_a_second_root_beside_the_first_at_run_time(istio: Istio) -> None:
    old, new = authority("old"), authority("new")
    istio.certificates = files(authority("of old", old), old)
    istio.start()
    process = istio.process()
    for certificates in (
        files(authority("of old", old), old, new),
        files(authority("of new", new), new, old),
        files(authority("of new", new), new),
    ):
        istio.certificates = certificates
        istio.start()
        assert istio.process() == process


def test_a_port_that_somebody_else_has_taken_is_named(istio: Istio) -> None:
    Group(istio.folder).stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((LOOPBACK, istio.ports.discovery))
        other.listen()
        with pytest.raises(PortTakenError, match=rf"port {istio.ports.discovery} of discovery of test-na is taken by"):
            istio.start()
    istio.start()
    assert istio.status() is Status.RUNNING


def test_one_that_no_chart_leads_to_is_an_error_and_leaves_its_ports_alone(istio: Istio) -> None:
    lost = Istio(istio.lab, istio.folder.with_name("lost"), istio.certificates)
    Ports.claim(lost.folder)
    try:
        with pytest.raises(TimeoutError, match="what the charts say of the webhooks of lost"):
            lost.start(seconds=8, revision="lost")
        assert lost.process() is None
        assert [file.name for file in lost.folder.iterdir()] == [folders.PORTS]
    finally:
        folders.remove(lost.folder)


def test_emptied_it_keeps_its_ports_and_can_be_made_again(istio: Istio) -> None:
    ports = istio.ports
    folders.empty(istio.folder)
    assert istio.process() is None
    assert istio.status() is Status.MISSING
    assert [file.name for file in istio.folder.iterdir()] == [folders.PORTS]
    istio.start()
    assert istio.ports == ports
