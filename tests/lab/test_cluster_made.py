"""What a lab cluster is once it is made: a real one, reachable from this machine by its owner alone."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import psutil
import pytest
import yaml

from lab.cluster import lifecycle, processes
from lab.cluster.ports import LOOPBACK, as_dict
from lab.cluster.record import Record
from tests.lab.conftest import Lab


def _eventually(read: Callable[[], str], wanted: Callable[[str], bool]) -> str:
    end = time.monotonic() + 30
    while not wanted(text := read()):
        assert time.monotonic() < end, text
        time.sleep(0.1)
    return text


def _record(lab: Lab) -> Record:
    record = Record.read(lab.folder)
    assert record is not None
    return record


def test_runs_with_every_process_it_needs(running: Lab) -> None:
    assert lifecycle.status(running.folder) is lifecycle.Status.RUNNING
    assert set(processes.running(running.folder)) == set(processes.COMPONENTS)


def test_listens_on_loopback_only(running: Lab) -> None:
    listening = {
        connection.laddr
        for group in processes.running(running.folder).values()
        for process in group
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in listening} == {LOOPBACK}
    assert {address.port for address in listening} == set(as_dict(_record(running).ports).values())


def test_lets_no_other_user_read_a_file(running: Lab) -> None:
    assert running.folder.stat().st_mode & 0o077 == 0
    keys = [*running.folder.glob("pki/*"), *running.folder.glob("kubeconfig*"), *running.folder.glob("etcd/**/*")]
    assert keys
    assert [key for key in keys if key.name != "kubeconfig.test" and key.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("port", ["etcd", "etcd_peer"])
def test_etcd_answers_only_who_has_a_certificate(running: Lab, port: str) -> None:
    context = ssl.create_default_context(cafile=str(running.folder / "pki" / "ca.crt"))
    number = as_dict(_record(running).ports)[port]

    def ask() -> bytes:
        with (
            socket.create_connection((LOOPBACK, number), timeout=5) as connection,
            context.wrap_socket(connection, server_hostname=LOOPBACK) as secured,
        ):
            secured.sendall(b"GET /version HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n\r\n")
            return secured.recv(1000)

    with pytest.raises(ssl.SSLError, match=r"certificate required|bad certificate"):
        ask()
    context.load_cert_chain(str(running.folder / "pki" / "admin.crt"), str(running.folder / "pki" / "admin.key"))
    assert ask().startswith(b"HTTP/1.1")


def test_kubeconfig_has_one_context_and_all_it_needs_in_it(running: Lab) -> None:
    config = yaml.safe_load(_record(running).kubeconfig(running.folder))
    assert [context["name"] for context in config["contexts"]] == [config["current-context"]] == ["test-na"]
    assert str(running.folder) not in yaml.safe_dump(config)
    assert running.kubectl("auth", "can-i", "*", "*").strip() == "yes"


def test_refuses_who_has_no_role(running: Lab) -> None:
    assert running.kubectl("auth", "can-i", "list", "secrets", "--as", "nobody", check=False).strip() == "no"


def test_enforces_pod_security(running: Lab) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict"}}
    namespace["metadata"] |= {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}  # type: ignore[operator]
    running.kubectl("apply", "-f", "-", stdin=json.dumps(namespace))
    said = running.kubectl("-n", "strict", "run", "shell", "--image=busybox", "--privileged", check=False)
    assert "violates PodSecurity" in said


def test_nodes_are_spread_over_the_zones(running: Lab) -> None:
    columns = "jsonpath={range .items[*]}{.metadata.labels.topology\\.kubernetes\\.io/region} "
    columns += "{.metadata.labels.topology\\.kubernetes\\.io/zone}{'\\n'}{end}"
    lines = running.kubectl("get", "nodes", "-o", columns).split("\n")
    assert sorted(filter(None, lines)) == [f"us-east-1 us-east-1{zone}" for zone in "abc"]


def test_pods_run_with_addresses_of_the_cluster_and_end_when_deleted(running: Lab) -> None:
    running.kubectl("create", "deployment", "web", "--image=web", "--replicas=2")
    read = "jsonpath={range .items[*]}{.status.phase} {.status.podIP}{'\\n'}{end}"
    text = _eventually(
        lambda: running.kubectl("get", "pods", "-l", "app=web", "-o", read), lambda text: text.count("Running") == 2
    )
    addresses = [ip_address(line.split()[1]) for line in text.split("\n") if line]
    assert len({address for address in addresses if address in ip_network(running.spec.pod_cidr)}) == 2
    running.kubectl("delete", "deployment", "web")
    _eventually(lambda: running.kubectl("get", "pods", "-l", "app=web", "-o", "name"), lambda text: text == "")


def test_jobs_complete(running: Lab) -> None:
    running.kubectl("create", "job", "once", "--image=busybox")
    running.kubectl("wait", "--for=condition=complete", "job/once", "--timeout=30s")


def test_load_balancers_get_an_address(running: Lab) -> None:
    running.kubectl("create", "service", "loadbalancer", "front", "--tcp=80")
    address = "jsonpath={.status.loadBalancer.ingress[0].ip} {.spec.clusterIP}"
    text = _eventually(lambda: running.kubectl("get", "service", "front", "-o", address), lambda text: text[0] != " ")
    balancer, inside = map(ip_address, text.split())
    assert inside in ip_network(running.spec.service_cidr)
    assert balancer.is_loopback
    assert str(balancer).split(".")[1:] == str(inside).split(".")[1:]
