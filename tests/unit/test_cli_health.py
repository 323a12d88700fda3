"""The fleet's health, as API servers tell it: small servers on loopback stand for them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from typing import Any

import pytest
import yaml
from rich.console import Console

from cli import health


def _node(name: str, ready: str) -> dict[str, Any]:
    conditions = [{"type": "MemoryPressure", "status": "True"}, {"type": "Ready", "status": ready}]
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


def _namespace(name: str, tenant: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"fleet/tenant": tenant}}}


class _ApiServer(ThreadingHTTPServer):
    """An API server that answers what `health` asks; `status` is the HTTP status of every answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.nodes = [_node("a", "True"), _node("b", "True")]
        self.namespaces = [_namespace("shop", "shop"), _namespace("pay-a", "pay"), _namespace("pay-b", "pay")]
        self.members: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _ApiServer

    def do_GET(self) -> None:
        version = {"major": "1", "minor": "36", "gitVersion": "v1.36.3"}
        version |= dict.fromkeys(("gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"), "-")
        answers = {
            "/version/": version,
            "/api/v1/nodes": {"items": self.server.nodes},
            "/apis/cluster.karmada.io/v1alpha1/clusters": {"items": self.server.members},
            "/api/v1/namespaces?labelSelector=fleet%2Ftenant": {"items": self.server.namespaces},
        }
        body = json.dumps(answers[self.path]).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_ApiServer]:
    with _ApiServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _outputs(**servers: str) -> dict[str, Any]:
    return {
        "clusters": {name: {"region": name.removeprefix("lab_"), "server": url} for name, url in servers.items()},
        "kubeconfigs": {name: _kubeconfig(url) for name, url in servers.items()},
    }


def _kubeconfig(url: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


def _shown(clusters: list[health.ClusterHealth]) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(health.table("lab", clusters))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_cluster_that_is_well_is_counted(server: _ApiServer) -> None:
    (cluster,) = health.look(_outputs(lab_na=server.url))
    assert cluster == health.ClusterHealth(
        name="lab_na", region="na", server=server.url, version="v1.36.3", nodes=2, ready_nodes=2, tenants=2
    )
    assert "ready" in _shown([cluster])
    assert "2/2" in _shown([cluster])


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_node_that_is_not_ready_is_a_problem(server: _ApiServer, status: str) -> None:
    server.nodes[1] = _node("b", status)
    (cluster,) = health.look(_outputs(lab_na=server.url))
    assert (cluster.ready_nodes, cluster.problem) == (1, "1 nodes are not ready")


def test_a_node_that_has_not_reported_yet_is_not_ready(server: _ApiServer) -> None:
    server.nodes.append({"metadata": {"name": "new"}, "status": {}})
    (cluster,) = health.look(_outputs(lab_na=server.url))
    assert (cluster.ready_nodes, cluster.nodes) == (2, 3)
    assert cluster.problem is not None


def test_a_cluster_that_does_not_answer_is_named_and_hides_no_other(server: _ApiServer) -> None:
    dead, alive = health.look(_outputs(lab_na="http://127.0.0.1:1", lab_eu=server.url))
    assert dead.problem is not None
    assert dead.problem.startswith("API server: ")
    assert alive.problem is None
    assert "not ready" in _shown([dead, alive])
    assert health.problems([dead, alive]) == [f"lab_na: {dead.problem}"]


def test_a_refusal_is_a_problem(server: _ApiServer) -> None:
    server.status = 403
    (cluster,) = health.look(_outputs(lab_na=server.url))
    assert cluster.problem == "API server: Forbidden"


def test_a_stack_without_outputs_has_no_clusters() -> None:
    assert health.look({}) == []


def _member(name: str, status: str, reason: str, message: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return {"metadata": {"name": name}, "status": {"conditions": [condition]}}


def _federation(url: str, **servers: str) -> dict[str, Any]:
    outputs = _outputs(**servers)
    outputs["kubeconfigs"]["karmada"] = _kubeconfig(url)
    return {**outputs, "federation": {"karmada": {"server": url}}}


def test_what_karmada_says_of_its_members_is_shown(server: _ApiServer) -> None:
    server.members = [
        _member("lab_na", "True", "ClusterReady", "cluster is healthy"),
        _member("lab_eu", "False", "ClusterNotReachable", "cluster is not reachable"),
        {"metadata": {"name": "lab_sea"}},
    ]
    found = health.look(
        _federation(server.url, **dict.fromkeys(("lab_na", "lab_eu", "lab_sea", "manager"), server.url))
    )
    na, eu, sea, manager, karmada = found
    assert (na.member, na.problem) == ("ready", None)
    assert (eu.member, eu.problem) == ("not ready", "Karmada: ClusterNotReachable: cluster is not reachable")
    assert (sea.member, sea.problem) == ("not ready", "Karmada: not seen yet")
    assert (manager.member, manager.problem) == ("", None)
    assert (karmada.name, karmada.problem, karmada.tenants) == ("karmada", None, 2)
    assert [line.partition(":")[0] for line in health.problems(found)] == ["lab_eu", "lab_sea"]


def test_a_karmada_that_does_not_answer_is_a_problem_of_its_own(server: _ApiServer) -> None:
    na, karmada = health.look(_federation("http://127.0.0.1:1", lab_na=server.url))
    assert (na.member, na.problem) == ("", None)
    assert karmada.problem is not None
    assert karmada.problem.startswith("API server: ")
