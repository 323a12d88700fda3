"""A Karmada of a few lines behind a real HTTP server, for tests of the provider: it places, delivers and takes away.

Like the real one it asks no more which policy fits an object that one has claimed, says of a change no more than
`applied`, and leaves what it has deleted in a member until that member is there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock, Thread
from typing import Any, ClassVar
from urllib.parse import urlsplit

import yaml

from providers.karmada.objects import Key

Manifest = dict[str, Any]
CLAIM = "clusterpropagationpolicy.karmada.io"
_CLUSTERS = "/apis/cluster.karmada.io/v1alpha1/clusters/"
_WORKS = "/apis/work.karmada.io/v1alpha1/namespaces/karmada-es-"
_BINDINGS = "/apis/work.karmada.io/v1alpha2/"


class Karmada:
    """What Karmada's API server has, and the members."""

    def __init__(self, *members: str) -> None:
        self.lock = RLock()
        self.objects: dict[str, Manifest] = {}
        self.members: dict[str, dict[str, Manifest]] = {member: {} for member in members}
        self.placed: dict[str, list[str]] = {}
        self.down: set[str] = set()
        self.slow: set[str] = set()
        """Members to which deliveries wait."""
        self.refuses: dict[str, str] = {}
        """Paths of objects that no member takes, with what it says."""
        self.frozen = False
        """Whether deliveries to members wait."""
        self.can_look = True
        """Whether members can be looked into through Karmada."""
        self.failures: list[int] = []
        """Statuses with which the next requests fail."""
        self.requests: list[tuple[str, str]] = []

    def work(self) -> None:
        """Do what controllers do: claim, place, deliver, take away."""
        for path, found in self.objects.items():
            if found["kind"] == "FederatedResourceQuota":
                self.placed[path] = [each["clusterName"] for each in found["spec"]["staticAssignments"]]
            elif policy := self._policy(found):
                self.placed[path] = policy["spec"]["placement"]["clusterAffinity"]["clusterNames"]
        for path in [path for path in self.placed if path not in self.objects]:
            del self.placed[path]
        if not self.frozen:
            for name, has in self.members.items():
                if name not in self.down | self.slow:
                    self._deliver(name, has)

    def _policy(self, found: Manifest) -> Manifest | None:
        prefix = "/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/"
        annotations = found["metadata"].setdefault("annotations", {})
        claimed = annotations.get(f"{CLAIM}/name")
        for path, policy in self.objects.items():
            if not path.startswith(prefix) or claimed not in {None, policy["metadata"]["name"]}:
                continue
            if any(
                each["kind"] == found["kind"]
                and each["labelSelector"]["matchLabels"].items() <= found["metadata"].get("labels", {}).items()
                for each in policy["spec"]["resourceSelectors"]
            ):
                annotations[f"{CLAIM}/name"] = policy["metadata"]["name"]
                found["metadata"].setdefault("labels", {})[f"{CLAIM}/permanent-id"] = "1"
                return policy
        return None

    def _deliver(self, name: str, has: dict[str, Manifest]) -> None:
        wanted = {path for path, members in self.placed.items() if name in members and path not in self.refuses}
        for path in has.keys() - wanted:
            del has[path]
        for path in wanted:
            has[path] = copy.deepcopy(self.objects[path])

    def answer(self, method: str, path: str, body: Manifest | None, content_type: str) -> tuple[int, Manifest]:
        with self.lock:
            self.requests.append((method, path))
            if self.failures:
                return self.failures.pop(0), {"message": "busy"}
            self.work()
            status, found = self._answer(method, path, body, content_type)
            self.work()
            return status, copy.deepcopy(found)

    def _answer(self, method: str, path: str, body: Manifest | None, content_type: str) -> tuple[int, Manifest]:
        if method == "PATCH":
            return self._patch(path, body or {}, content_type)
        if method == "DELETE":
            inside = f"{path}/" if path.startswith("/api/v1/namespaces/") else None
            name = path.rpartition("/")[2]
            for each in [each for each in self.objects if each == path or (inside and f"/namespaces/{name}/" in each)]:
                del self.objects[each]
            if path.startswith(_CLUSTERS):
                self.members.pop(name, None)
            return 200, {}
        if path.startswith(_CLUSTERS):
            return self._cluster(path.removeprefix(_CLUSTERS))
        if path.startswith(_WORKS):
            member, _, work = path.removeprefix(_WORKS).partition("/works/")
            return self._work(member, work)
        if path.startswith(_BINDINGS):
            return self._bindings(path.removeprefix(_BINDINGS))
        found = self.objects.get(path)
        if found and found["kind"] == "FederatedResourceQuota":
            found["status"] = {"aggregatedStatus": list(self._shares(path))}
        return (200, found) if found else (404, {"message": "not found"})

    def _patch(self, path: str, body: Manifest, content_type: str) -> tuple[int, Manifest]:
        before = self.objects.get(path)
        if content_type.startswith("application/merge-patch"):
            if before is None:
                return 404, {"message": "not found"}
            for part, changes in body["metadata"].items():
                for key, value in changes.items():
                    assert value is None
                    before["metadata"].get(part, {}).pop(key, None)
            return 200, before
        new = copy.deepcopy(body)
        for part in ("labels", "annotations"):
            kept = {k: v for k, v in (before or {}).get("metadata", {}).get(part, {}).items() if k.startswith(CLAIM)}
            new["metadata"][part] = {**kept, **new["metadata"].get(part, {})}
        self.objects[path] = new
        if path.startswith(_CLUSTERS):
            self.members.setdefault(new["metadata"]["name"], {})
        return 200 if before else 201, new

    def _cluster(self, rest: str) -> tuple[int, Manifest]:
        name, _, proxied = rest.partition("/proxy")
        if name not in self.members:
            return 404, {"message": "not found"}
        if proxied:
            if not self.can_look:
                return 403, {"message": "forbidden"}
            found = self.members[name].get(proxied)
            return (200, found) if found else (404, {"message": "not found"})
        is_ready = name not in self.down
        message = "cluster is healthy" if is_ready else "cluster is not reachable"
        ready = {"type": "Ready", "status": str(is_ready), "message": message}
        return 200, {**self.objects.get(_CLUSTERS + name, {}), "status": {"conditions": [ready]}}

    def _work(self, member: str, name: str) -> tuple[int, Manifest]:
        paths = {Key.of(found).work: path for path, found in self.members.get(member, {}).items()}
        if name in paths:
            manifests = [self.members[member][paths[name]]]
            return 200, {"spec": {"workload": {"manifests": manifests}}, "status": {}}
        for path, reason in self.refuses.items():
            if path in self.objects and Key.of(self.objects[path]).work == name:
                return 200, {"status": {"conditions": [{"type": "Applied", "status": "False", "message": reason}]}}
        return 404, {"message": "not found"}

    def _bindings(self, rest: str) -> tuple[int, Manifest]:
        items: list[Manifest] = [
            {
                "metadata": {"name": Key.of(self.objects[path]).binding},
                "status": {
                    "conditions": [{"type": "Scheduled", "status": "True"}],
                    "aggregatedStatus": [
                        {"clusterName": name, "applied": path in has, "appliedMessage": self.refuses.get(path)}
                        for name, has in sorted(self.members.items())
                        if name in members and (path in has or path in self.refuses)
                    ],
                },
            }
            for path, members in self.placed.items()
            if (namespace := self.objects[path]["metadata"].get("namespace", "")) == ""
            or rest == f"namespaces/{namespace}/resourcebindings"
        ]
        if rest.startswith("clusterresourcebindings/"):
            name = rest.partition("/")[2]
            return next(((200, each) for each in items if each["metadata"]["name"] == name), (404, {}))
        return 200, {"items": items}

    def _shares(self, path: str) -> Iterator[Manifest]:
        for name, has in self.members.items():
            for each in has.get(path, {}).get("spec", {}).get("staticAssignments", []):
                if each["clusterName"] == name:
                    yield {"clusterName": name, "hard": each["hard"]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    karmada: ClassVar[Karmada]

    def _handle(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        path = urlsplit(self.path).path
        status, found = self.karmada.answer(self.command, path, body, self.headers.get("Content-Type") or "")
        data = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PATCH = do_DELETE = _handle  # noqa: N815 - the names that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Say nothing."""


@contextmanager
def serving(karmada: Karmada) -> Iterator[str]:
    """A kubeconfig for the stand-in, while it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"karmada": karmada}))
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield kubeconfig(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def kubeconfig(server: str, **user: str) -> str:
    """A kubeconfig with one context."""
    return yaml.safe_dump(
        {
            "current-context": "karmada",
            "contexts": [{"name": "karmada", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "secret-token", **user}}],
        }
    )


def policy(name: str, *members: str) -> Manifest:
    """A policy that places what is labelled with its name."""
    kinds = (("v1", "Namespace"), ("v1", "LimitRange"), ("rbac.authorization.k8s.io/v1", "Role"))
    labels = {"matchLabels": {"set": name}}
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "ClusterPropagationPolicy",
        "metadata": {"name": name},
        "spec": {
            "resourceSelectors": [{"apiVersion": v, "kind": kind, "labelSelector": labels} for v, kind in kinds],
            "placement": {"clusterAffinity": {"clusterNames": list(members)}},
        },
    }


def tenant(label: str, *members: str, verbs: tuple[str, ...] = ("get",), pods: int = 10) -> list[Manifest]:
    """A namespace with a role and a federated quota."""
    labels = {"labels": {"set": label}}
    rbac = "rbac.authorization.k8s.io/v1"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", **labels}},
        {
            "apiVersion": rbac,
            "kind": "Role",
            "metadata": {"name": "viewer", "namespace": "shop", **labels},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}],
        },
        {
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": "FederatedResourceQuota",
            "metadata": {"name": "tenant", "namespace": "shop"},
            "spec": {
                "overall": {"pods": str(pods * len(members))},
                "staticAssignments": [{"clusterName": member, "hard": {"pods": str(pods)}} for member in members],
            },
        },
    ]
