"""A tenant delivered by Pulumi itself: its objects created in the cluster of each of its regions, one by one.

This is the delivery of a fleet without federation. It deliberately decides nothing about the objects: ``manifests.py`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pulumi
from pulumi_kubernetes.core.v1 import LimitRange, Namespace, ResourceQuota
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding

from components.tenancy.manifests import Manifest, tenant_manifests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stacks.tenants import Tenant as TenantSettings

# Only the classes that are used: importing all of pulumi_kubernetes would take seconds.
_CLASSES: Mapping[tuple[str, str], type[pulumi.CustomResource]] = {
    ("v1", "LimitRange"): LimitRange,
    ("v1", "Namespace"): Namespace,
    ("v1", "ResourceQuota"): ResourceQuota,
    ("networking.k8s.io/v1", "NetworkPolicy"): NetworkPolicy,
    ("rbac.authorization.k8s.io/v1", "Role"): Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): RoleBinding,
}
_ARGUMENTS = {"roleRef": "role_ref"}


class Cluster(Protocol):
    """What a tenant needs of a cluster."""

    @property
    def provider(self) -> pulumi.ProviderResource:
        """For what is created in the cluster."""

    @property
    def resource(self) -> pulumi.Resource:
        """The cluster itself: what is in it goes with it."""


@dataclass(frozen=True, kw_only=True)
class TenantArgs:
    """A tenant to deliver.

    ``tenant`` is what its settings say, ``clusters`` has the cluster of each of its regions by the region's name, and
    ``address_ranges`` the CIDRs of all pods and Services of the fleet, which its egress rules never reach.
    """

    tenant: TenantSettings
    clusters: Mapping[str, Cluster]
    address_ranges: Sequence[str]

    def __post_init__(self) -> None:
        missing = [region for region in self.tenant.regions if region not in self.clusters]
        if missing:
            raise ValueError(f"tenant {self.tenant.name} runs in {', '.join(missing)}, but got no cluster for it")


class Tenant(pulumi.ComponentResource):
    """A tenant in its regions: ``tenant_manifests`` of each, in the namespaces first order that the API server needs.

    Children are called ``<name>-<region>/<namespace>`` and ``<name>-<region>/<namespace>/<object>``: a dash alone could not
    tell region ``a`` with namespace ``b-c`` from region ``a-b`` with namespace ``c``.
    """

    namespaces: Mapping[str, Sequence[str]]
    """Names of the tenant's namespaces by region."""

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:tenancy:Tenant", name, None, opts)
        manifests = tenant_manifests(args.tenant, address_ranges=args.address_ranges)
        for region in args.tenant.regions:
            self._deliver(f"{name}-{region}", manifests, args.clusters[region])
        self.namespaces = {region: list(args.tenant.namespace_names) for region in args.tenant.regions}
        self.register_outputs({"namespaces": self.namespaces})

    def _deliver(self, prefix: str, manifests: Sequence[Manifest], cluster: Cluster) -> None:
        namespaces: dict[str, pulumi.Resource] = {}
        for manifest in manifests:
            metadata = manifest["metadata"]
            namespace = metadata.get("namespace")
            resource = _create(
                f"{prefix}/{namespace}/{metadata['name']}" if namespace else f"{prefix}/{metadata['name']}",
                manifest,
                pulumi.ResourceOptions(
                    parent=self,
                    provider=cluster.provider,
                    depends_on=[namespaces[namespace]] if namespace else None,
                    deleted_with=namespaces[namespace] if namespace else cluster.resource,
                ),
            )
            if manifest["kind"] == "Namespace":
                namespaces[metadata["name"]] = resource


def _create(name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Create the object that a manifest describes."""
    create: Any = _CLASSES[manifest["apiVersion"], manifest["kind"]]
    body = {_ARGUMENTS.get(key, key): value for key, value in manifest.items() if key not in {"apiVersion", "kind"}}
    return create(name, **body, opts=opts)  # type: ignore[no-any-return]
