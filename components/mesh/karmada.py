"""The kinds of the mesh that tenants have, as Karmada's API has to know them to keep and deliver their objects.

Karmada judges nothing of them: each region's own definitions, from Istio's chart, and its istiod do.
"""

from __future__ import annotations

from typing import Any

from components.mesh.names import MANAGED_BY

_KINDS = (
    ("security.istio.io", "AuthorizationPolicy", "authorizationpolicies"),
    ("networking.istio.io", "Sidecar", "sidecars"),
)


def kind_definitions() -> list[dict[str, Any]]:
    """Return the CustomResourceDefinitions, which take whatever an object says."""
    return [_definition(group, kind, plural) for group, kind, plural in _KINDS]


def _definition(group: str, kind: str, plural: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "labels": MANAGED_BY},
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
