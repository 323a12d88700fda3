"""Values of the official Karmada chart for a control plane that lasts; pure.

What the chart (1.18.2) has no value for, and how it is done all the same:

- several etcd members: `etcd.py` makes them, the chart takes them as external;
- flags: it takes some for the controller manager and none for webhook, scheduler and the others. All get theirs in one
  way, from `post_renderer.py`, which adds those that a pod annotation names behind the chart's own: the last counts;
- source ranges of a load balancer: the chart's Service stays inside the cluster, and `helm.py` makes one for outside;
- a certificate of its own for each component: one server and administrator certificate serves them all, as the chart
  wants it. What people and programs get is another one;
- a restart when certificates change: all pods are annotated with their fingerprint, because the kubeconfig is mounted
  in a way that never shows a newer one (`subPath`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from components.federation.etcd import apart, client_urls
from components.federation.post_renderer import FLAGS
from stacks.karmada_chart import KarmadaChart

VERSION = "1.18.2"
RELEASE = "karmada"
NAMESPACE = "karmada-system"
DOMAIN = "cluster.local"
PORT = 5443
REPLICAS = 3
API_SERVER = "kube-apiserver"
"""The API server's program, and what the label `app` of its pods says."""
POST_RENDERER = "components/federation/post-renderer"
"""Helm's post-renderer for these values, from the project's folder."""

_KARMADA_TAG = f"v{VERSION}"
_KUBERNETES_TAG = "v1.35.2"
TOOLS = {"repository": "alpine/k8s", "tag": "1.35.4"}
"""kubectl, bash and curl, for the init containers and the job: the chart's own images have no tag but `latest`."""
KUBECONFIG = f"{RELEASE}-kubeconfig"
"""The chart's Secret with a kubeconfig of Karmada, under `kubeconfig`."""


class _Component(NamedTuple):
    """A component: its name in the values, its program (also the label `app` of its pods), and what a pod asks for."""

    key: str
    program: str
    tag: str
    cpu: str
    memory: str


_COMPONENTS = (
    _Component("apiServer", API_SERVER, _KUBERNETES_TAG, "500m", "2Gi"),
    _Component("kubeControllerManager", "kube-controller-manager", _KUBERNETES_TAG, "100m", "256Mi"),
    _Component("aggregatedApiServer", "karmada-aggregated-apiserver", _KARMADA_TAG, "100m", "128Mi"),
    _Component("controllerManager", "karmada-controller-manager", _KARMADA_TAG, "500m", "1Gi"),
    _Component("scheduler", "karmada-scheduler", _KARMADA_TAG, "200m", "256Mi"),
    _Component("webhook", "karmada-webhook", _KARMADA_TAG, "100m", "128Mi"),
    _Component("metricsAdapter", "karmada-metrics-adapter", _KARMADA_TAG, "100m", "256Mi"),
)
PROGRAMS = frozenset(component.program for component in _COMPONENTS)
"""Programs that can be given flags."""

_SERVING = ("apiserver", "aggregated-apiserver", "webhook", "metrics-adapter")


@dataclass(frozen=True, kw_only=True)
class Pem:
    """A certificate and its key, in PEM."""

    certificate: str
    private_key: str


@dataclass(frozen=True, kw_only=True)
class ChartCertificates:
    """The certificates that the chart's components use; `etcd_ca` and `front_proxy_ca` are certificates alone."""

    ca: Pem
    server: Pem
    front_proxy_ca: str
    front_proxy_client: Pem
    etcd_ca: str
    etcd_client: Pem

    @property
    def fingerprint(self) -> str:
        """Changes when one of them does."""
        parts = [getattr(self, each.name) for each in fields(self)]
        texts = [part.certificate if isinstance(part, Pem) else part for part in parts]
        return hashlib.sha256("".join(texts).encode()).hexdigest()


def image(registry: str | None, repository: str, tag: str) -> str:
    """Return the full name of an image, as the chart makes it; `registry` has all images if it is given."""
    return f"{registry or 'docker.io'}/{repository}:{tag}"


def server_names(hostname: str) -> list[str]:
    """DNS names that the server certificate is good for: `hostname`, and the Services of all that serve with it."""
    services = (f"{RELEASE}-{each}.{NAMESPACE}.svc" for each in _SERVING)
    inside = [name for service in services for name in (service, f"{service}.{DOMAIN}")]
    return [hostname, *inside, "kubernetes.default.svc", "localhost"]


def chart_values(
    settings: KarmadaChart, certificates: ChartCertificates, arguments: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return the values of the chart; `arguments` has flags by program, beyond those of the chart."""
    components = {
        component.key: _component(component, certificates.fingerprint, arguments.get(component.program, ()))
        for component in _COMPONENTS
    }
    # The chart turns this off, which Karmada has on by default.
    components["controllerManager"]["featureGates"] = {"PropagateDeps": True}
    components["apiServer"]["serviceType"] = "ClusterIP"
    return {
        "global": {"imageRegistry": settings.registry or ""},
        "installMode": "host",
        # Those of the components that the chart leaves out otherwise: a FederatedHPA reads its metrics by it.
        "components": ["metricsAdapter"],
        "systemNamespace": NAMESPACE,
        "clusterDomain": DOMAIN,
        "karmadaImageVersion": _KARMADA_TAG,
        "cfssl": {"image": TOOLS},
        "kubectl": {"image": TOOLS},
        "certs": {"mode": "custom", "custom": _certificates(certificates)},
        "etcd": {
            "mode": "external",
            "external": {
                "servers": client_urls(NAMESPACE, DOMAIN),
                "registryPrefix": "/registry",
                "certs": {
                    "caCrt": certificates.etcd_ca,
                    "crt": certificates.etcd_client.certificate,
                    "key": certificates.etcd_client.private_key,
                },
            },
        },
        **components,
    }


def _component(component: _Component, fingerprint: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What all components have in common. Three nodes are enough: a new pod waits for an old one to leave its node."""
    return {
        "labels": {"app": component.program},
        "replicaCount": REPLICAS,
        "image": {"tag": component.tag},
        "podAnnotations": {"fleet/certificates": fingerprint, FLAGS: " ".join(arguments)},
        "affinity": apart(component.program),
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "resources": {"requests": {"cpu": component.cpu, "memory": component.memory}},
    }


def _certificates(certificates: ChartCertificates) -> dict[str, str]:
    return {
        "caCrt": certificates.ca.certificate,
        "caKey": certificates.ca.private_key,
        "crt": certificates.server.certificate,
        "key": certificates.server.private_key,
        "frontProxyCaCrt": certificates.front_proxy_ca,
        "frontProxyCrt": certificates.front_proxy_client.certificate,
        "frontProxyKey": certificates.front_proxy_client.private_key,
    }
