"""The programs of a Karmada control plane, as they are started. Flags are those of the upstream deployments.

Source: artifacts/deploy in the Karmada repository; but on loopback, and with nobody to elect, as there is one of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lab.cluster.kwok import ADVERTISED, find
from lab.cluster.ports import LOOPBACK
from lab.karmada.credentials import FRONT_PROXY
from lab.karmada.ports import KarmadaPorts
from lab.karmada.spec import Spec
from lab.processes import Program

READY = "api-server-is-ready"
INSTALLED = "kinds-are-installed"
"""Files in the folder without which what needs the API server, or Karmada's own kinds in it, is not started."""

_BEFORE_READY = ("etcd", "kube-apiserver")
_BEFORE_INSTALLED = ("kube-controller-manager", "karmada-aggregated-apiserver")

_SERVICES = "10.110.0.0/16"  # no Service of Karmada's API server has pods behind it: it is a range like any other
# Karmada keeps Deployments as templates: what makes pods of them must not run here.
_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-token-controller",
    "ttl-after-finished-controller",
    "certificatesigningrequest-signing-controller",
    "certificatesigningrequest-cleaner-controller",
    "bootstrap-signer-controller",
    "token-cleaner-controller",
    "clusterrole-aggregation-controller",
)


def programs(folder: Path, ports: KarmadaPorts, spec: Spec) -> list[Program]:
    """All programs of the control plane in `folder`, and the scripts beside them."""
    health, metrics = ports.controller_manager_health, ports.controller_manager_metrics
    commands = {
        "etcd": _etcd(folder, ports),
        "kube-apiserver": _api_server(folder, ports),
        "kube-controller-manager": _kube_controller_manager(folder, ports),
        "karmada-aggregated-apiserver": _aggregated_api_server(folder, ports),
        "karmada-controller-manager": _karmada(folder, health, metrics),
        "karmada-scheduler": _karmada(folder, ports.scheduler_health, ports.scheduler_metrics),
        "karmada-webhook": _webhook(folder, ports),
    }
    return [
        Program(
            name=name,
            command=[str(find(name)), *(f"--{flag}={value}" for flag, value in flags), *spec.arguments.get(name, ())],
            after=_after(name, folder),
        )
        for name, flags in commands.items()
    ] + [
        Program(
            name=name,
            command=["/bin/sh", str(folder / f"{name}.sh")],
            environment={**script.environment, "KUBECONFIG": str(folder / "kubeconfig")},
            after=str(folder / INSTALLED),
        )
        for name, script in spec.scripts.items()
    ]


def _after(name: str, folder: Path) -> str:
    if name in _BEFORE_READY:
        return ""
    return str(folder / (READY if name in _BEFORE_INSTALLED else INSTALLED))


_Flags = Iterator[tuple[str, object]]


def _etcd(folder: Path, ports: KarmadaPorts) -> _Flags:
    pki, client, peer = folder / "pki", f"https://{LOOPBACK}:{ports.etcd}", f"https://{LOOPBACK}:{ports.etcd_peer}"
    yield "name", "karmada"
    yield "data-dir", folder / "etcd"
    yield "listen-client-urls", client
    yield "advertise-client-urls", client
    yield "listen-peer-urls", peer
    yield "initial-advertise-peer-urls", peer
    yield "initial-cluster", f"karmada={peer}"
    for prefix in ("", "peer-"):
        yield f"{prefix}cert-file", pki / "server.crt"
        yield f"{prefix}key-file", pki / "server.key"
        yield f"{prefix}trusted-ca-file", pki / "ca.crt"
        yield f"{prefix}client-cert-auth", "true"
    yield "log-level", "warn"
    yield "unsafe-no-fsync", "true"  # what a lab loses when the machine loses power, the next `up` makes again


def _of_etcd(folder: Path, ports: KarmadaPorts) -> _Flags:
    yield "etcd-servers", f"https://{LOOPBACK}:{ports.etcd}"
    yield "etcd-cafile", folder / "pki" / "ca.crt"
    yield "etcd-certfile", folder / "pki" / "server.crt"
    yield "etcd-keyfile", folder / "pki" / "server.key"


def _api_server(folder: Path, ports: KarmadaPorts) -> _Flags:
    pki = folder / "pki"
    yield from _of_etcd(folder, ports)
    yield "bind-address", LOOPBACK
    yield "advertise-address", ADVERTISED[4]
    yield "secure-port", ports.api_server
    yield "tls-cert-file", pki / "server.crt"
    yield "tls-private-key-file", pki / "server.key"
    yield "client-ca-file", pki / "ca.crt"
    yield "authorization-mode", "Node,RBAC"
    # A template may name service accounts and volumes that are in no namespace here.
    yield "disable-admission-plugins", "StorageObjectInUseProtection,ServiceAccount"
    yield "enable-bootstrap-token-auth", "true"
    yield "service-cluster-ip-range", _SERVICES
    yield "service-account-issuer", "https://kubernetes.default.svc.cluster.local"
    yield "service-account-key-file", pki / "service-account.key"
    yield "service-account-signing-key-file", pki / "service-account.key"
    yield "proxy-client-cert-file", pki / f"{FRONT_PROXY}.crt"
    yield "proxy-client-key-file", pki / f"{FRONT_PROXY}.key"
    yield "requestheader-client-ca-file", pki / "front-proxy-ca.crt"
    yield "requestheader-allowed-names", FRONT_PROXY
    yield "requestheader-extra-headers-prefix", "X-Remote-Extra-"
    yield "requestheader-group-headers", "X-Remote-Group"
    yield "requestheader-username-headers", "X-Remote-User"
    yield "max-requests-inflight", 1500
    yield "max-mutating-requests-inflight", 500


def _kube_controller_manager(folder: Path, ports: KarmadaPorts) -> _Flags:
    pki, kubeconfig = folder / "pki", folder / "kubeconfig"
    yield "kubeconfig", kubeconfig
    yield "authentication-kubeconfig", kubeconfig
    yield "authorization-kubeconfig", kubeconfig
    yield "bind-address", LOOPBACK
    yield "secure-port", ports.kube_controller_manager
    yield "controllers", ",".join(_CONTROLLERS)
    yield "cluster-signing-cert-file", pki / "ca.crt"
    yield "cluster-signing-key-file", pki / "ca.key"
    yield "root-ca-file", pki / "ca.crt"
    yield "service-account-private-key-file", pki / "service-account.key"
    yield "leader-elect", "false"
    yield "concurrent-namespace-syncs", 50
    yield "kube-api-qps", 1000
    yield "kube-api-burst", 2000


def _aggregated_api_server(folder: Path, ports: KarmadaPorts) -> _Flags:
    kubeconfig = folder / "kubeconfig"
    yield from _of_etcd(folder, ports)
    yield "kubeconfig", kubeconfig
    yield "authentication-kubeconfig", kubeconfig
    yield "authorization-kubeconfig", kubeconfig
    yield "bind-address", LOOPBACK
    yield "secure-port", ports.aggregated_api_server
    yield "tls-cert-file", folder / "pki" / "server.crt"
    yield "tls-private-key-file", folder / "pki" / "server.key"
    yield "tls-min-version", "VersionTLS13"


def _karmada(folder: Path, health: int, metrics: int) -> _Flags:
    yield "kubeconfig", folder / "kubeconfig"
    yield "leader-elect", "false"
    yield "health-probe-bind-address", f"{LOOPBACK}:{health}"
    yield "metrics-bind-address", f"{LOOPBACK}:{metrics}"


def _webhook(folder: Path, ports: KarmadaPorts) -> _Flags:
    yield "kubeconfig", folder / "kubeconfig"
    yield "bind-address", LOOPBACK
    yield "secure-port", ports.webhook
    yield "cert-dir", folder / "pki"
    yield "tls-cert-file-name", "server.crt"
    yield "tls-private-key-file-name", "server.key"
    yield "health-probe-bind-address", "0"  # it says that it is ready where it serves
    yield "metrics-bind-address", f"{LOOPBACK}:{ports.webhook_metrics}"
