"""The agent of a member in a cloud: a Deployment in the member itself.

Not by the Karmada chart's `installMode: agent`: it has no values for the flags that failover and rates need, nor for
provider, region and zones, and makes an account and rights beside those that the member has in both modes. With
manifests of the fleet's own, a member that changes its mode keeps all of that, and needs no chart repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.federation.agent import Agent, AgentArgs
from components.federation.agent_rights import MEMBERS_NAMESPACE
from components.federation.chart import VERSION, image

_NAME = "karmada-agent"
_LABELS = {"app.kubernetes.io/name": _NAME, "app.kubernetes.io/managed-by": "fleet"}
_REPLICAS = 2
_NOBODY = 65534
_HEALTH_PORT, _METRICS_PORT = 10357, 8080
_SECONDS = "10m"


class PodAgent(Agent):
    """An agent of two pods, of which one works; they are rolled when the credentials change."""

    def __init__(self, name: str, args: AgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Pod", name, args, opts)
        chart = args.federation.control_plane
        metadata: Any = {"name": _NAME, "namespace": MEMBERS_NAMESPACE, "labels": _LABELS}
        secret = kubernetes.core.v1.Secret(
            f"{name}-kubeconfig",
            metadata=metadata,
            string_data={"kubeconfig": self.karmada_kubeconfig},
            opts=self._in_member(self.rights),
        )
        # Not as the dict that it is: to hold it against the SDK's nested types takes mypy gigabytes.
        spec: Any = deployment_spec(
            member=args.cluster.name,
            account=args.account,
            image=image(chart.registry if chart else None, "karmada/karmada-agent", f"v{VERSION}"),
            flags=self.flags,
            credentials=self._certificate.fingerprint,
        )
        self.resource = kubernetes.apps.v1.Deployment(name, metadata=metadata, spec=spec, opts=self._in_member(secret))
        self.register_outputs({})

    def _in_member(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        cluster = self.args.cluster
        return pulumi.ResourceOptions(
            parent=self,
            provider=cluster.provider,
            deleted_with=cluster.resource,
            depends_on=list(after),
            custom_timeouts=pulumi.CustomTimeouts(create=_SECONDS, update=_SECONDS),
        )


def deployment_spec(
    *,
    member: str,
    account: str,
    image: str,
    flags: Sequence[pulumi.Input[str]],
    credentials: pulumi.Input[str],
) -> dict[str, Any]:
    """Return the spec of the Deployment.

    Its pods run as the service account `account`; they read the kubeconfig when they start, so they are made anew when
    `credentials`, which tell one from another, change. They are well when they have found their member in Karmada.
    """
    container = {
        "name": _NAME,
        "image": image,
        "command": [
            f"/bin/{_NAME}",
            "--karmada-kubeconfig=/etc/karmada/kubeconfig",
            f"--cluster-name={member}",
            f"--health-probe-bind-address=:{_HEALTH_PORT}",
            f"--metrics-bind-address=:{_METRICS_PORT}",
            *flags,
        ],
        "ports": [{"name": "metrics", "containerPort": _METRICS_PORT}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": _HEALTH_PORT}, "periodSeconds": 5},
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": _HEALTH_PORT},
            "initialDelaySeconds": 60,
            "periodSeconds": 15,
        },
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "karmada", "mountPath": "/etc/karmada", "readOnly": True}],
    }
    selector = {"app.kubernetes.io/name": _NAME}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector},
    }
    return {
        "replicas": _REPLICAS,
        "selector": {"matchLabels": selector},
        "template": {
            "metadata": {"labels": _LABELS, "annotations": {"fleet/credentials": credentials}},
            "spec": {
                "serviceAccountName": account,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": _NOBODY,
                    "fsGroup": _NOBODY,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "topologySpreadConstraints": [spread],
                "containers": [container],
                "volumes": [{"name": "karmada", "secret": {"secretName": _NAME, "defaultMode": 0o440}}],
            },
        },
    }
