"""A cluster as its API server shows it, for comparing with what the settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import urllib3
import yaml
from kubernetes import client, config

from components.mesh.tenant import tenant_in_mesh
from components.tenancy import tenant_manifests
from stacks.settings import from_file
from tests.fleet.clone import STACK, Clone

Key = tuple[str, str, str]
"""Kind, namespace (empty for a Namespace itself) and name of an object."""

_TENANT_LABEL = "fleet/tenant"
_MESH_KINDS = {
    "AuthorizationPolicy": ("security.istio.io", "authorizationpolicies"),
    "Sidecar": ("networking.istio.io", "sidecars"),
}


class Cluster:
    """The API of a cluster as its administrator, or as the user or group that is impersonated."""

    def __init__(self, kubeconfig: dict[str, Any], context: str | None = None) -> None:
        self.api = config.new_client_from_config_dict(kubeconfig, context)
        self.api.configuration.retries = urllib3.Retry(0)
        self.core = client.CoreV1Api(self.api)
        self.rbac = client.RbacAuthorizationV1Api(self.api)
        self.networking = client.NetworkingV1Api(self.api)
        self.authorization = client.AuthorizationV1Api(self.api)

    def allows(self, who: dict[str, Any], **attributes: str) -> bool:
        """Whether the API server's authorizers allow `who` (`user`, `groups`) what the attributes say."""
        subject = {"user": "somebody@example.com", **who, "groups": [*who.get("groups", []), "system:authenticated"]}
        review = client.V1SubjectAccessReview(
            spec=client.V1SubjectAccessReviewSpec(
                **subject, resource_attributes=client.V1ResourceAttributes(**attributes)
            )
        )
        return bool(self.authorization.create_subject_access_review(review).status.allowed)

    def owned(self) -> dict[Key, str]:
        """The UIDs of all objects that bear a tenant's label, of the kinds that tenants are made of.

        Quotas are told by their namespace: Karmada makes a tenant's in its regions, and gives them no such label.
        """
        lists: dict[str, Callable[..., Any]] = {
            "Namespace": self.core.list_namespace,
            "LimitRange": self.core.list_limit_range_for_all_namespaces,
            "NetworkPolicy": self.networking.list_network_policy_for_all_namespaces,
            "Role": self.rbac.list_role_for_all_namespaces,
            "RoleBinding": self.rbac.list_role_binding_for_all_namespaces,
        }
        found = [
            (kind, item) for kind, function in lists.items() for item in function(label_selector=_TENANT_LABEL).items
        ]
        for kind, (group, plural) in _MESH_KINDS.items():
            found += [(kind, item) for item in self._of_the_mesh(group, plural)]
        namespaces = {item.metadata.name for kind, item in found if kind == "Namespace"}
        quotas = self.core.list_resource_quota_for_all_namespaces().items
        found += [("ResourceQuota", item) for item in quotas if item.metadata.namespace in namespaces]
        return {(kind, item.metadata.namespace or "", item.metadata.name): item.metadata.uid for kind, item in found}

    def _of_the_mesh(self, group: str, plural: str) -> list[Any]:
        """What bears a tenant's label of a kind that a cluster without a mesh does not have."""
        custom = client.CustomObjectsApi(self.api)
        try:
            listing = custom.list_cluster_custom_object(group, "v1", plural, label_selector=_TENANT_LABEL)
        except client.ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return []
        metadata = [item["metadata"] for item in listing["items"]]
        return [
            client.V1ConfigMap(
                metadata=client.V1ObjectMeta(name=each["name"], namespace=each["namespace"], uid=each["uid"])
            )
            for each in metadata
        ]

    def namespaces(self) -> dict[str, client.V1Namespace]:
        """The tenants' namespaces by name."""
        items = self.core.list_namespace(label_selector=_TENANT_LABEL).items
        return {item.metadata.name: item for item in items}

    def identifier(self) -> str:
        """The UID of kube-system: another one means another cluster."""
        uid: str = self.core.read_namespace("kube-system").metadata.uid
        return uid


@contextmanager
def impersonating(kubeconfig: dict[str, Any], context: str, *, user: str = "", group: str = "") -> Iterator[Cluster]:
    """The cluster as `user`, or as somebody of `group`, sees it."""
    cluster = Cluster(kubeconfig, context)
    cluster.api.set_default_header("Impersonate-User", user or "somebody@example.com")
    if group:
        cluster.api.set_default_header("Impersonate-Group", group)
    with cluster.api:
        yield cluster


def reach(clone: Clone, region: str) -> Cluster:
    """The cluster of a region by its own files, whether the stack's outputs are there or not."""
    kubeconfig = clone.kubeconfig(f"{STACK}-{region}")
    assert kubeconfig is not None, f"the cluster of {region} was never complete"
    return Cluster(yaml.safe_load(kubeconfig))


def expected(clone: Clone, region: str) -> set[Key]:
    """What the tenants of the clone's stack file have in a region."""
    settings = from_file(clone.stack_file, root=clone.root)
    return {
        (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
        for tenant in settings.tenants
        if region in tenant.regions
        for each in tenant_manifests(
            tenant, region, address_ranges=settings.address_ranges, mesh=tenant_in_mesh(settings, tenant)
        )
    }
