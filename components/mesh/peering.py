"""Every region's istiod knows the endpoints of every other: by an account there, and a remote secret here.

The account may read what an istiod asks of a remote cluster, and write nothing. Secrets are among it: an istiod takes a
cluster for synced only when it has listed them (`CredentialsController` in pilot/pkg/credentials/kube), although it
needs them only for proxies of that cluster, of which it serves none. The switch that should keep it from asking,
`PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER`, makes it crash in 1.31 at the first remote cluster. The charts' own
`istio-reader-service-account` may do more: read every ConfigMap and every kind of Istio's, and create token reviews.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.mesh.names import MANAGED_BY, NAMESPACE, REMOTE_CLUSTER_ANNOTATION, REMOTE_SECRET_LABEL

READER = "fleet-mesh-reader"
"""The account, and its role, in each region."""

_SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type of Secret
_READ = ["get", "list", "watch"]


@dataclass(frozen=True, kw_only=True)
class PeeringArgs:
    """Of each region its cluster, its namespace `istio-system`, and the number of the credential that it gives.

    Another number than before makes a new token, hands it to the others, and then takes the old one away. `revisions`
    are the names of all control planes in a region.
    """

    clusters: Mapping[str, Cluster]
    namespaces: Mapping[str, pulumi.Resource]
    credentials: Mapping[str, int]
    revisions: Sequence[str]

    def __post_init__(self) -> None:
        for what, given in (("namespace", self.namespaces), ("credential", self.credentials)):
            if missing := self.clusters.keys() - given.keys():
                raise ValueError(f"there is no {what} for {', '.join(sorted(missing))}")


class Peering(pulumi.ComponentResource):
    """Remote secrets from every region to every other. With one region there are none."""

    remote_secrets: Mapping[tuple[str, str], kubernetes.core.v1.Secret]
    """By the region that has it, and the one that it leads to."""

    def __init__(self, name: str, args: PeeringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:mesh:Peering", name, None, opts)
        self._name, self._args = name, args
        kubeconfigs = {region: self._kubeconfig(region) for region in args.clusters} if len(args.clusters) > 1 else {}
        self.remote_secrets = {
            (region, other): self._remote_secret(region, other, kubeconfig)
            for other, kubeconfig in kubeconfigs.items()
            for region in args.clusters
            if region != other
        }
        self.register_outputs({})

    def _kubeconfig(self, region: str) -> pulumi.Output[str]:
        """Make the account in a region, and return the kubeconfig by which others use it; a secret, as the token is."""
        cluster, namespace = self._args.clusters[region], self._args.namespaces[region]
        prefix = f"{self._name}-{region}-reader"
        account, role, binding, mesh_role, mesh_binding = reader_manifests(self._args.revisions)
        made = kubernetes.core.v1.ServiceAccount(prefix, **account, opts=self._in(cluster, namespace))
        rights: list[pulumi.Resource] = [
            kubernetes.rbac.v1.ClusterRole(f"{prefix}-role", **role, opts=self._in(cluster)),
            kubernetes.rbac.v1.ClusterRoleBinding(f"{prefix}-binding", **binding, opts=self._in(cluster, made)),
            kubernetes.rbac.v1.Role(f"{prefix}-mesh-role", **mesh_role, opts=self._in(cluster, namespace)),
            kubernetes.rbac.v1.RoleBinding(f"{prefix}-mesh-binding", **mesh_binding, opts=self._in(cluster, made)),
        ]
        token = kubernetes.core.v1.Secret(
            f"{prefix}-token",
            metadata={
                "name": f"{READER}-token-{self._args.credentials[region]}",
                "namespace": NAMESPACE,
                "annotations": {"kubernetes.io/service-account.name": READER},
            },
            type=_SERVICE_ACCOUNT_TOKEN,
            # With all rights there, so that no istiod meets a credential that may not read yet.
            opts=self._in(cluster, made, *rights),
        )
        encoded = token.data.apply(lambda data: data["token"])
        return pulumi.Output.all(cluster.server, cluster.ca_data, encoded).apply(
            lambda parts: remote_kubeconfig(cluster.name, *parts)
        )

    def _remote_secret(self, region: str, other: str, kubeconfig: pulumi.Output[str]) -> kubernetes.core.v1.Secret:
        cluster, remote = self._args.clusters[region], self._args.clusters[other].name
        data = kubeconfig.apply(lambda text: {remote: base64.b64encode(text.encode()).decode()})
        return kubernetes.core.v1.Secret(
            f"{self._name}-{region}-remote-{other}",
            **remote_secret(remote),
            data=data,
            opts=self._in(cluster, self._args.namespaces[region]),
        )

    def _in(self, cluster: Cluster, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, provider=cluster.provider, deleted_with=cluster.resource, depends_on=list(after)
        )


def reader_manifests(revisions: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the account, its ClusterRole and binding, and the Role and binding by which it reads the mesh's settings.

    Source: what `Cluster.Run` in Istio's pkg/kube/multicluster and the controllers it starts list and watch.
    """
    core = ["endpoints", "namespaces", "nodes", "pods", "services"]
    rules = [
        _rule("", [*core, "secrets"]),
        _rule("apiextensions.k8s.io", ["customresourcedefinitions"]),
        _rule("discovery.k8s.io", ["endpointslices"]),
        _rule("gateway.networking.k8s.io", ["gateways"]),
        _rule("networking.istio.io", ["workloadentries"]),
    ]
    settings = ["istio", *(f"istio-{revision}" for revision in revisions if revision != "default")]
    subjects = [{"kind": "ServiceAccount", "name": READER, "namespace": NAMESPACE}]
    group = "rbac.authorization.k8s.io"
    inside = {"name": READER, "namespace": NAMESPACE, "labels": MANAGED_BY}
    everywhere = {"name": READER, "labels": MANAGED_BY}
    return (
        {"metadata": inside},
        {"metadata": everywhere, "rules": rules},
        {
            "metadata": everywhere,
            "role_ref": {"api_group": group, "kind": "ClusterRole", "name": READER},
            "subjects": subjects,
        },
        {"metadata": inside, "rules": [{**_rule("", ["configmaps"]), "resource_names": settings}]},
        {
            "metadata": inside,
            "role_ref": {"api_group": group, "kind": "Role", "name": READER},
            "subjects": subjects,
        },
    )


def remote_kubeconfig(cluster: str, server: str, ca_data: str, token: str) -> str:
    """Return the kubeconfig of a cluster for other regions' istiods, which take no client key in it.

    Args:
        cluster: its name, which the context has as well.
        server: URL of its API server.
        ca_data: certificate of the API server's CA: PEM in base64.
        token: token of the account there, in base64 as a Secret has it.

    """
    user = {"token": base64.b64decode(token).decode()}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": ca_data}}],
        "users": [{"name": cluster, "user": user}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
    }
    return json.dumps(document)


def remote_secret(cluster: str) -> dict[str, Any]:
    """Return what makes a Secret one by which an istiod reads the endpoints of that cluster, but for its data."""
    return {
        "metadata": {
            "name": f"istio-remote-secret-{cluster}",
            "namespace": NAMESPACE,
            "labels": {**MANAGED_BY, REMOTE_SECRET_LABEL: "true"},
            "annotations": {REMOTE_CLUSTER_ANNOTATION: cluster},
        },
    }


def _rule(group: str, resources: list[str]) -> dict[str, Any]:
    return {"api_groups": [group], "resources": resources, "verbs": _READ}
