"""The etcd of a Karmada control plane: three members, each on a volume and a node of its own; pure manifests.

The chart's own etcd is not used. With more than one member it never starts: its StatefulSet makes the second pod when
the first is ready, its readiness check (`/readyz`) needs a leader, and a leader takes two members. And its members talk
to each other in plain text, so that whoever reaches their port can write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stacks.karmada_chart import KarmadaChart

if TYPE_CHECKING:
    import pulumi

Manifest = dict[str, Any]

MEMBERS = 3
IMAGE = "etcd:3.6.6-0"
_REGISTRY = "registry.k8s.io"
_CLIENT_PORT, _PEER_PORT, _METRICS_PORT = 2379, 2380, 2381
_LABELS = {"app": "etcd"}
_CERTIFICATES = "/etc/etcd/pki"
_DATA = "/var/lib/etcd"
_USER = 10001
_LARGEST_DATA_BYTES = 4 * 1024**3


def host_names(namespace: str, domain: str) -> list[str]:
    """Names of the members in DNS; a member's certificate has all of them, as peers look each other up by them."""
    return [f"etcd-{member}.etcd.{namespace}.svc.{domain}" for member in range(MEMBERS)]


def client_urls(namespace: str, domain: str) -> str:
    """What `--etcd-servers` of an API server takes."""
    return ",".join(f"https://{host}:{_CLIENT_PORT}" for host in host_names(namespace, domain))


def etcd_manifests(
    settings: KarmadaChart, *, namespace: str, domain: str, certificates: pulumi.Input[str]
) -> list[Manifest]:
    """The manifests of etcd.

    The Secret `etcd-member` has to have `ca.crt`, `tls.crt` and `tls.key`; `certificates` is the fingerprint of its CA:
    members read a renewed certificate by themselves, but not a renewed CA. A member whose volume is lost has to be
    taken out by `etcdctl member remove` and added again before it can start: etcd wants to be told of a loss.
    """
    metadata = {"namespace": namespace, "labels": _LABELS}
    selector = {"matchLabels": _LABELS}
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": settings.storage_class,
            "resources": {"requests": {"storage": settings.storage_size}},
        },
    }
    return [
        _service("etcd", metadata, headless=True),
        _service("etcd-client", metadata, headless=False),
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "etcd", **metadata},
            "spec": {"maxUnavailable": 1, "selector": selector},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "etcd", **metadata},
            "spec": {
                "replicas": MEMBERS,
                "serviceName": "etcd",
                "podManagementPolicy": "Parallel",
                "selector": selector,
                "template": {
                    "metadata": {"labels": _LABELS, "annotations": {"fleet/certificates": certificates}},
                    "spec": _pod(namespace, domain, settings.registry or _REGISTRY),
                },
                "volumeClaimTemplates": [claim],
            },
        },
    ]


def _service(name: str, metadata: Manifest, *, headless: bool) -> Manifest:
    ports = [{"name": "client", "port": _CLIENT_PORT}]
    if not headless:
        spec: Manifest = {"ports": ports, "selector": _LABELS}
    else:
        # Members have to find each other before any of them is ready.
        ports = [*ports, {"name": "peer", "port": _PEER_PORT}]
        spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": ports, "selector": _LABELS}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, **metadata}, "spec": spec}


def _pod(namespace: str, domain: str, registry: str) -> Manifest:
    return {
        "automountServiceAccountToken": False,
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": apart("etcd"),
        "containers": [
            {
                "name": "etcd",
                "image": f"{registry}/{IMAGE}",
                "command": _command(namespace, domain),
                "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "ports": [
                    {"name": "client", "containerPort": _CLIENT_PORT},
                    {"name": "peer", "containerPort": _PEER_PORT},
                    {"name": "metrics", "containerPort": _METRICS_PORT},
                ],
                "startupProbe": _probe("/livez", period=5, failures=60),
                "livenessProbe": _probe("/livez", period=10, failures=6),
                "readinessProbe": _probe("/readyz", period=5, failures=3),
                "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "6Gi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "data", "mountPath": _DATA},
                    {"name": "certificates", "mountPath": _CERTIFICATES, "readOnly": True},
                ],
            }
        ],
        "volumes": [{"name": "certificates", "secret": {"secretName": "etcd-member", "defaultMode": 0o440}}],
    }


def apart(app: str) -> Manifest:
    """Affinity by which no two pods labelled `app` share a node, nor a zone where there are enough of those."""
    term = {"labelSelector": {"matchLabels": {"app": app}}}
    zone = {**term, "topologyKey": "topology.kubernetes.io/zone"}
    return {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [{**term, "topologyKey": "kubernetes.io/hostname"}],
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": zone}],
        }
    }


def _command(namespace: str, domain: str) -> list[str]:
    own = f"https://$(POD_NAME).etcd.{namespace}.svc.{domain}"
    hosts = enumerate(host_names(namespace, domain))
    flags = {
        "name": "$(POD_NAME)",
        "data-dir": f"{_DATA}/data",
        "quota-backend-bytes": str(_LARGEST_DATA_BYTES),
        "initial-cluster": ",".join(f"etcd-{number}=https://{host}:{_PEER_PORT}" for number, host in hosts),
        "initial-cluster-state": "new",
        "initial-cluster-token": namespace,
        "listen-peer-urls": f"https://0.0.0.0:{_PEER_PORT}",
        "initial-advertise-peer-urls": f"{own}:{_PEER_PORT}",
        "listen-client-urls": f"https://0.0.0.0:{_CLIENT_PORT}",
        "advertise-client-urls": f"{own}:{_CLIENT_PORT}",
        "listen-metrics-urls": f"http://0.0.0.0:{_METRICS_PORT}",
        "client-cert-auth": "true",
        "peer-client-cert-auth": "true",
    }
    for prefix in ("", "peer-"):
        flags[f"{prefix}cert-file"] = f"{_CERTIFICATES}/tls.crt"
        flags[f"{prefix}key-file"] = f"{_CERTIFICATES}/tls.key"
        flags[f"{prefix}trusted-ca-file"] = f"{_CERTIFICATES}/ca.crt"
    return ["/usr/local/bin/etcd", *(f"--{name}={value}" for name, value in flags.items())]


def _probe(path: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": _METRICS_PORT, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
