"""The objects that the tests make."""

from __future__ import annotations

from tests.plugins.engine import Properties


def configmap(namespace: str, name: str = "settings", **data: str) -> Properties:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data or {"color": "blue"},
    }


def deployment(namespace: str, *, image: str = "web:1", count: int = 1, **annotations: str) -> Properties:
    metadata: Properties = {"name": "web", "namespace": namespace}
    if annotations:
        metadata["annotations"] = {f"pulumi.com/{name}": value for name, value in annotations.items()}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": count, "selector": {"matchLabels": {"app": "web"}}, "template": pod_template(image)},
    }


def pod_template(image: str = "web:1", **spec: object) -> Properties:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}], **spec},
    }


def never_scheduled(manifest: Properties) -> Properties:
    """The same workload, with pods that no node takes."""
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {"there-is": "no-such-node"}
    return manifest


def definition(plural: str, kind: str, scope: str = "Namespaced") -> Properties:
    schema = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.fleet.test"},
        "spec": {
            "group": "fleet.test",
            "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
