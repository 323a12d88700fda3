"""What has to be in Karmada's API server before Karmada can work: its kinds, its webhooks, its aggregated API.

The chart's hook jobs put the same in where Karmada runs as pods; the kinds are read from the chart itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lab.cluster.ports import LOOPBACK
from lab.karmada.credentials import AGGREGATED_SERVICE, SYSTEM_NAMESPACE, encoded
from lab.karmada.ports import KarmadaPorts

Manifest = dict[str, Any]

MEMBERS_NAMESPACE = "karmada-cluster"
"""Where Karmada keeps the credentials of its members."""

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_APISERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"
_CONVERTED = ("clusterresourcebindings", "resourcebindings")
_WRITES = ["CREATE", "UPDATE"]
# By group, which resources the webhook completes and which it judges.
_MUTATED = {
    "policy.karmada.io": ("propagationpolicies", "clusterpropagationpolicies", "overridepolicies"),
    "work.karmada.io": ("resourcebindings", "clusterresourcebindings", "works"),
    "autoscaling.karmada.io": ("federatedhpas",),
    "networking.karmada.io": ("multiclusterservices",),
}
_VALIDATED = {
    "policy.karmada.io": (
        "propagationpolicies",
        "clusterpropagationpolicies",
        "overridepolicies",
        "clusteroverridepolicies",
        "clustertaintpolicies",
        "federatedresourcequotas",
    ),
    "config.karmada.io": ("resourceinterpreterwebhookconfigurations", "resourceinterpretercustomizations"),
    "work.karmada.io": ("resourcebindings",),
    "autoscaling.karmada.io": ("federatedhpas", "cronfederatedhpas"),
    "networking.karmada.io": ("multiclusteringresses", "multiclusterservices"),
}
_SINGULAR = {"ies": "y", "sses": "ss", "s": ""}


def objects(chart: Path, pki: Path, ports: KarmadaPorts) -> Iterator[tuple[str, Manifest]]:
    """Pairs of API path and manifest, in an order in which they can be applied; `chart` is the folder of the chart."""
    authority = encoded(pki / "ca.crt")
    for name in (SYSTEM_NAMESPACE, MEMBERS_NAMESPACE):
        yield f"/api/v1/namespaces/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for file in sorted((chart / "_crds" / "bases").glob("*/*.yaml")):
        manifest = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        if manifest["spec"]["names"]["plural"] in _CONVERTED:
            manifest["spec"]["conversion"] = _conversion(ports, authority)
        yield f"{_CRDS}/{manifest['metadata']['name']}", manifest
    yield from _aggregated_api(ports, authority)


def webhooks(pki: Path, ports: KarmadaPorts) -> Iterator[tuple[str, Manifest]]:
    """Pairs of API path and manifest of the webhooks, which must not be there before somebody answers them."""
    authority = encoded(pki / "ca.crt")
    deletion = {
        "name": "resourcedeletionprotection.karmada.io",
        "rules": [_rule("*", "*", ["DELETE"])],
        "objectSelector": {
            "matchExpressions": [{"key": "resourcetemplate.karmada.io/deletion-protected", "operator": "Exists"}]
        },
        **_client(ports, authority, "validate-resourcedeletionprotection"),
    }
    for kind, verb, by_group, created_only, others in (
        ("Mutating", "mutate", _MUTATED, _CONVERTED, []),
        ("Validating", "validate", _VALIDATED, (), [deletion]),
    ):
        name = "karmada"
        hooks = [
            {
                "name": f"{_singular(resource)}.karmada.io",
                "rules": [_rule(group, resource, ["CREATE"] if resource in created_only else _WRITES)],
                **_client(ports, authority, f"{verb}-{_singular(resource)}"),
            }
            for group, resources in by_group.items()
            for resource in resources
        ]
        yield (
            f"{_WEBHOOKS}/{kind.lower()}webhookconfigurations/{name}",
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": f"{kind}WebhookConfiguration",
                "metadata": {"name": name},
                "webhooks": [*hooks, *others],
            },
        )


def _aggregated_api(ports: KarmadaPorts, authority: str) -> Iterator[tuple[str, Manifest]]:
    yield (
        f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/services/{AGGREGATED_SERVICE}",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": AGGREGATED_SERVICE, "namespace": SYSTEM_NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
    )
    yield (
        f"{_APISERVICES}/v1alpha1.cluster.karmada.io",
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1alpha1.cluster.karmada.io"},
            "spec": {
                "group": "cluster.karmada.io",
                "version": "v1alpha1",
                "groupPriorityMinimum": 2000,
                "versionPriority": 10,
                "caBundle": authority,
                "service": {
                    "name": AGGREGATED_SERVICE,
                    "namespace": SYSTEM_NAMESPACE,
                    "port": ports.aggregated_api_server,
                },
            },
        },
    )


def _conversion(ports: KarmadaPorts, authority: str) -> Manifest:
    client = {"url": f"https://{LOOPBACK}:{ports.webhook}/convert", "caBundle": authority}
    return {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}}


def _rule(group: str, resource: str, operations: list[str]) -> Manifest:
    return {"operations": operations, "apiGroups": [group], "apiVersions": ["*"], "resources": [resource], "scope": "*"}


def _client(ports: KarmadaPorts, authority: str, path: str) -> Manifest:
    return {
        "clientConfig": {"url": f"https://{LOOPBACK}:{ports.webhook}/{path}", "caBundle": authority},
        "failurePolicy": "Fail",
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 10,
    }


def _singular(resource: str) -> str:
    ending = next(ending for ending in _SINGULAR if resource.endswith(ending))
    return resource.removesuffix(ending) + _SINGULAR[ending]
