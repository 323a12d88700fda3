"""Names and paths of Kubernetes objects in Karmada's API, without discovery: the kinds are few and known."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

NAMESPACE = "Namespace"
FEDERATED_QUOTA = "FederatedResourceQuota"
CLUSTER_POLICY = "ClusterPropagationPolicy"
CLUSTER = "Cluster"
"""A member of Karmada."""

_POLICY_API = "apis/policy.karmada.io/v1alpha1"
_CLUSTER_API = "apis/cluster.karmada.io/v1alpha1"
_RBAC_API = "apis/rbac.authorization.k8s.io/v1"
# Where each kind is served, its plural there, and whether it lies in namespaces.
_KINDS = {
    NAMESPACE: ("api/v1", "namespaces", False),
    "ConfigMap": ("api/v1", "configmaps", True),
    "LimitRange": ("api/v1", "limitranges", True),
    "ResourceQuota": ("api/v1", "resourcequotas", True),
    "Secret": ("api/v1", "secrets", True),
    "ServiceAccount": ("api/v1", "serviceaccounts", True),
    "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies", True),
    "ClusterRole": (_RBAC_API, "clusterroles", False),
    "ClusterRoleBinding": (_RBAC_API, "clusterrolebindings", False),
    "Role": (_RBAC_API, "roles", True),
    "RoleBinding": (_RBAC_API, "rolebindings", True),
    "CustomResourceDefinition": ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "AuthorizationPolicy": ("apis/security.istio.io/v1", "authorizationpolicies", True),
    "Sidecar": ("apis/networking.istio.io/v1", "sidecars", True),
    CLUSTER: (_CLUSTER_API, "clusters", False),
    CLUSTER_POLICY: (_POLICY_API, "clusterpropagationpolicies", False),
    "ClusterTaintPolicy": (_POLICY_API, "clustertaintpolicies", False),
    FEDERATED_QUOTA: (_POLICY_API, "federatedresourcequotas", True),
    "PropagationPolicy": (_POLICY_API, "propagationpolicies", True),
}
KINDS = frozenset(_KINDS)
"""The kinds that can be kept."""


@dataclass(frozen=True, order=True)
class Key:
    """An object by its kind, its namespace (empty where its kind has none) and its name."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> Key:
        """The key of a manifest."""
        metadata = manifest["metadata"]
        return cls(manifest["kind"], metadata.get("namespace", ""), metadata["name"])

    @classmethod
    def parse(cls, text: str) -> Key:
        """The key written as `Kind/namespace/name` or `Kind/name`."""
        kind, *namespace, name = text.split("/")
        return cls(kind, "".join(namespace), name)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.kind, self.namespace, self.name)))

    @property
    def path(self) -> str:
        """The object's path in an API server."""
        api, plural, namespaced = _KINDS[self.kind]
        within = f"/namespaces/{self.namespace}" if namespaced else ""
        return f"/{api}{within}/{plural}/{self.name}"

    @property
    def is_propagated(self) -> bool:
        """Whether a policy places the object itself in members. What is Karmada's own stays in Karmada."""
        return _KINDS[self.kind][0] not in {_POLICY_API, _CLUSTER_API}

    @property
    def is_in_members(self) -> bool:
        """Whether there is something in the members because of it: the object, or a federated quota's shares."""
        return self.is_propagated or self.kind == FEDERATED_QUOTA

    @property
    def work(self) -> str:
        """Name of the Work that brings it to a member.

        It is Karmada's own rule, which cannot change without every Work being made anew (pkg/util/names).
        """
        kind = "ResourceQuota" if self.kind == FEDERATED_QUOTA else self.kind
        name = self.name.replace(":", ".").lower()
        whole = "-".join(filter(None, (self.namespace, name, kind))).lower()
        return f"{name}-{''.join(_SAFE[ord(digit) % len(_SAFE)] for digit in str(_fnv32a(whole)))}"

    @property
    def binding(self) -> str:
        """Name of the binding that Karmada keeps of a propagated object."""
        return f"{self.name.replace(':', '.')}-{self.kind}".lower()


_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def _fnv32a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def fingerprint(manifest: Manifest) -> str:
    """A short text that is another for a manifest that says something else."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:12]


def within(wanted: Any, found: Any) -> Any:  # noqa: ANN401 - any part of an object
    """What `found` says about the fields that `wanted` names; equal to `wanted` where nothing of it is amiss."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {name: within(value, found[name]) for name, value in wanted.items() if name in found}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [within(*pair) for pair in zip(wanted, found, strict=True)]
    return found
