"""Replicas come home when a failed region is back: `come_home.sh`, as a process in the lab, as a pod in a manager."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stacks.federation import FailoverSettings

SCRIPT = Path(__file__).with_name("come_home.sh")
"""The script. It needs kubectl, a POSIX shell with awk, KUBECONFIG, and what ``variables`` gives it."""

_NAME = "come-home"
_LABELS = {"app.kubernetes.io/name": _NAME, "app.kubernetes.io/managed-by": "fleet"}
_NOBODY = 65534


def variables(failover: FailoverSettings) -> Mapping[str, str]:
    """Return the script's variables but for KUBECONFIG, whose current context is Karmada's API.

    It looks as often as Karmada looks at its members: less would be late, more would see nothing new.
    """
    return {"COME_HOME_SECONDS": str(failover.cluster_status_interval_seconds)}


def come_home_manifests(
    failover: FailoverSettings, *, namespace: str, kubeconfig_secret: str, kubeconfig_key: str, image: str
) -> list[dict[str, Any]]:
    """Return the ConfigMap, ServiceAccount and Deployment that run the script in the manager's cluster.

    Args:
        failover: gives the time between two looks.
        namespace: where they are made; it is there already.
        kubeconfig_secret: name of a Secret in it that has a kubeconfig of Karmada's API.
        kubeconfig_key: the kubeconfig's key in that Secret.
        image: an image that has kubectl and a shell.

    """
    script = SCRIPT.read_text(encoding="utf-8")

    def manifest(api_version: str, kind: str, **body: object) -> dict[str, Any]:
        metadata = {"name": _NAME, "namespace": namespace, "labels": _LABELS}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}

    environment = {**variables(failover), "KUBECONFIG": "/etc/karmada/kubeconfig", "HOME": "/tmp"}  # noqa: S108 (a volume)
    container = {
        "name": _NAME,
        "image": image,
        "command": ["/bin/sh", f"/opt/{_NAME}/{SCRIPT.name}"],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "script", "mountPath": f"/opt/{_NAME}", "readOnly": True},
            {"name": "karmada", "mountPath": "/etc/karmada", "readOnly": True},
            {"name": "cache", "mountPath": "/tmp"},  # noqa: S108 (a volume)
        ],
    }
    pod = {
        "serviceAccountName": _NAME,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "fsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "script", "configMap": {"name": _NAME}},
            {
                "name": "karmada",
                "secret": {
                    "secretName": kubeconfig_secret,
                    "items": [{"key": kubeconfig_key, "path": "kubeconfig"}],
                    "defaultMode": 0o440,
                },
            },
            {"name": "cache", "emptyDir": {}},
        ],
    }
    # Two would do the work twice; after a change of the script there must be a new pod.
    annotations = {"fleet/script": hashlib.sha256(script.encode()).hexdigest()}
    deployment = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"app.kubernetes.io/name": _NAME}},
        "template": {"metadata": {"labels": _LABELS, "annotations": annotations}, "spec": pod},
    }
    return [
        manifest("v1", "ConfigMap", data={SCRIPT.name: script}),
        manifest("v1", "ServiceAccount", automountServiceAccountToken=False),
        manifest("apps/v1", "Deployment", spec=deployment),
    ]
