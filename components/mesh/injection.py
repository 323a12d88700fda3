"""The revision tag `default`: which control plane gives sidecars to pods that ask for no particular one; pure.

Istio's chart makes a tag as part of a revision's release, from which no other revision's release could take it over.
So it is an object of its own here, and an upgrade moves it. Selectors are those of Istio's chart
(manifests/charts/istio-control/istio-discovery/templates/revision-tags-mwc.yaml).
"""

from __future__ import annotations

from typing import Any

from components.mesh.charts import DEFAULT, suffixed
from components.mesh.names import INJECTION_LABEL, MANAGED_BY, NAMESPACE

_REVISION = "istio.io/rev"
_INJECT = "sidecar.istio.io/inject"

TAG = f"istio-revision-tag-{DEFAULT}"


def client_config(revision: str, url: Any = None) -> dict[str, Any]:  # noqa: ANN401 - a string, or an output of one
    """Return how the API server reaches a revision's webhook: by `url`, or else by its Service."""
    if url is not None:
        return {"url": url}
    service = {"name": suffixed("istiod", revision), "namespace": NAMESPACE, "path": "/inject", "port": 443}
    return {"service": service}


def default_tag(revision: str, client: dict[str, Any]) -> dict[str, Any]:
    """Return the tag as it points to a revision; istiod itself fills in whom the API server has to believe."""
    labels = {**MANAGED_BY, _REVISION: revision, "istio.io/tag": DEFAULT, "app": "sidecar-injector"}
    unlabelled = [_absent(INJECTION_LABEL), _absent(_REVISION)]
    not_refused = [_is(_INJECT, "NotIn", "false")]
    webhooks = {
        "rev.namespace": ([_is(_REVISION, "In", DEFAULT), _absent(INJECTION_LABEL)], not_refused),
        "rev.object": (unlabelled, [*not_refused, _is(_REVISION, "In", DEFAULT)]),
        "namespace": ([_is(INJECTION_LABEL, "In", "enabled")], not_refused),
        "object": (unlabelled, [_is(_INJECT, "In", "true"), _absent(_REVISION)]),
    }
    return {
        "metadata": {"name": TAG, "labels": labels},
        "webhooks": [
            {
                "name": f"{name}.sidecar-injector.istio.io",
                "clientConfig": client,
                "sideEffects": "None",
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
                "failurePolicy": "Fail",
                "admissionReviewVersions": ["v1"],
                "namespaceSelector": {"matchExpressions": namespaces},
                "objectSelector": {"matchExpressions": pods},
            }
            for name, (namespaces, pods) in webhooks.items()
        ],
    }


def _is(key: str, operator: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": [value]}


def _absent(key: str) -> dict[str, Any]:
    return {"key": key, "operator": "DoesNotExist"}
