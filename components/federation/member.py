"""A cluster joined to Karmada in push mode: Karmada reaches the member's API server with a token made for it there.

What `karmadactl join` does by commands is here a set of resources. Source: pkg/karmadactl/join and
pkg/util/credential.go in the Karmada repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.federation.control_plane import ControlPlane
from stacks.clusters import ClusterSettings

NAMESPACE = "karmada-cluster"
"""Where a member keeps Karmada's accounts, and Karmada the credentials of its members."""

_IMPERSONATOR = "karmada-impersonator"
_SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type of Secret


@dataclass(frozen=True, kw_only=True)
class MemberArgs:
    """A region's cluster with its settings, and the control plane that it joins.

    Another `credential` in the settings than before makes new tokens, and then takes the old ones away.
    """

    cluster: Cluster
    control_plane: ControlPlane
    settings: ClusterSettings


class Member(pulumi.ComponentResource):
    """A member of the federation, ready to get work. Its name is its cluster's."""

    resource: pulumi.Resource
    """What Karmada knows of the member: what is placed in it comes after this."""

    def __init__(self, name: str, args: MemberArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:federation:Member", name, None, opts)
        self._name, self._args = name, args
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-{NAMESPACE}", metadata={"name": NAMESPACE}, opts=self._in_member()
        )
        account = self._account("karmada", namespace)
        impersonator = self._account(_IMPERSONATOR, namespace)
        rights = self._rights(account)
        token, impersonation = self._token("karmada", account), self._token(_IMPERSONATOR, impersonator)
        self.resource = args.control_plane.keep(
            f"{name}-cluster",
            [
                _credential(name, {"token": _token_of(token), "caBundle": args.cluster.ca_data}),
                _credential(f"{name}-impersonator", {"token": _token_of(impersonation)}),
                self._cluster(),
            ],
            parent=self,
            after=rights,
        )
        self.register_outputs({})

    def _account(self, name: str, namespace: pulumi.Resource) -> kubernetes.core.v1.ServiceAccount:
        return kubernetes.core.v1.ServiceAccount(
            f"{self._name}-{name}",
            metadata={"name": name, "namespace": NAMESPACE},
            opts=self._in_member(namespace),
        )

    def _rights(self, account: kubernetes.core.v1.ServiceAccount) -> list[pulumi.Resource]:
        """All rights for the account: what tenants may put into Karmada, it has to put into the member."""
        role = kubernetes.rbac.v1.ClusterRole(
            f"{self._name}-karmada-role",
            metadata={"name": "karmada"},
            rules=[
                {"api_groups": ["*"], "resources": ["*"], "verbs": ["*"]},
                {"non_resource_urls": ["*"], "verbs": ["get"]},
            ],
            opts=self._in_member(),
        )
        binding = kubernetes.rbac.v1.ClusterRoleBinding(
            f"{self._name}-karmada-binding",
            metadata={"name": "karmada"},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "karmada"},
            subjects=[{"kind": "ServiceAccount", "name": "karmada", "namespace": NAMESPACE}],
            opts=self._in_member(role, account),
        )
        return [role, binding]

    def _token(self, name: str, account: pulumi.Resource) -> kubernetes.core.v1.Secret:
        """A Secret in the member that its control plane fills with a token of the account."""
        return kubernetes.core.v1.Secret(
            f"{self._name}-{name}-token",
            metadata={
                "name": f"{name}-token-{self._args.settings.federation.credential}",
                "namespace": NAMESPACE,
                "annotations": {"kubernetes.io/service-account.name": name},
            },
            type=_SERVICE_ACCOUNT_TOKEN,
            opts=self._in_member(account),
        )

    def _cluster(self) -> dict[str, Any]:
        args, settings = self._args, self._args.settings
        return {
            "apiVersion": "cluster.karmada.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": self._name, "labels": {"fleet/region": args.cluster.region}},
            "spec": {
                "syncMode": "Push",
                "apiEndpoint": args.cluster.server,
                "secretRef": {"namespace": NAMESPACE, "name": self._name},
                "impersonatorSecretRef": {"namespace": NAMESPACE, "name": f"{self._name}-impersonator"},
                "provider": settings.cloud.value,
                "region": settings.location,
                "zones": list(settings.zones),
            },
        }

    def _in_member(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        cluster = self._args.cluster
        return pulumi.ResourceOptions(
            parent=self, provider=cluster.provider, deleted_with=cluster.resource, depends_on=list(after)
        )


def _credential(name: str, data: Mapping[str, pulumi.Output[str]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "data": data}


def _token_of(secret: kubernetes.core.v1.Secret) -> pulumi.Output[str]:
    return pulumi.Output.secret(secret.data.apply(lambda data: data["token"]))
