"""A cluster joined to Karmada in push mode: Karmada reaches the member's API server with a token made for it there.

What `karmadactl join` does by commands is here a set of resources. Source: pkg/karmadactl/join and
pkg/util/credential.go in the Karmada repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.federation.control_plane import ControlPlane
from stacks.clusters import ClusterSettings

NAMESPACE = "karmada-cluster"
"""Where a member keeps Karmada's accounts, and Karmada the credentials of its members."""

_IMPERSONATOR = "karmada-impersonator"
_SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type of Secret
_JOIN_SECONDS = "120"


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
    """The Cluster object in Karmada: what is placed on the member comes after it."""

    def __init__(self, name: str, args: MemberArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:federation:Member", name, None, opts)
        self._name, self._args = name, args
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-{NAMESPACE}", metadata={"name": NAMESPACE}, opts=self._in_member()
        )
        account = self._account("karmada", namespace)
        impersonator = self._account(_IMPERSONATOR, namespace)
        rights = self._rights(account)
        token = self._in_karmada_secret("token", self._token("karmada", account), {"caBundle": args.cluster.ca_data})
        impersonation = self._in_karmada_secret("impersonator", self._token(_IMPERSONATOR, impersonator), {})
        self.resource = self._cluster(token, impersonation, after=[*rights, token, impersonation])
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

    def _in_karmada_secret(
        self, kind: str, token: kubernetes.core.v1.Secret, more: Mapping[str, pulumi.Input[str]]
    ) -> kubernetes.core.v1.Secret:
        suffix = "" if kind == "token" else f"-{kind}"
        data: pulumi.Output[str] = pulumi.Output.secret(token.data.apply(lambda data: data["token"]))
        return kubernetes.core.v1.Secret(
            f"{self._name}-{kind}",
            metadata={"name": f"{self._name}{suffix}", "namespace": NAMESPACE},
            data={"token": data, **more},
            opts=self._in_karmada(),
        )

    def _cluster(
        self, token: kubernetes.core.v1.Secret, impersonation: kubernetes.core.v1.Secret, after: list[pulumi.Resource]
    ) -> pulumi.CustomResource:
        args, settings = self._args, self._args.settings
        return kubernetes.apiextensions.CustomResource(
            f"{self._name}-cluster",
            api_version="cluster.karmada.io/v1alpha1",
            kind="Cluster",
            metadata={
                "name": self._name,
                "labels": {"fleet/region": args.cluster.region},
                "annotations": {"pulumi.com/waitFor": "condition=Ready", "pulumi.com/timeoutSeconds": _JOIN_SECONDS},
            },
            spec={
                "syncMode": "Push",
                "apiEndpoint": args.cluster.server,
                "secretRef": {"namespace": NAMESPACE, "name": token.metadata["name"]},
                "impersonatorSecretRef": {"namespace": NAMESPACE, "name": impersonation.metadata["name"]},
                "provider": settings.cloud.value,
                "region": settings.location,
                "zones": list(settings.zones),
            },
            opts=self._in_karmada(*after),
        )

    def _in_member(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        cluster = self._args.cluster
        return pulumi.ResourceOptions(
            parent=self, provider=cluster.provider, deleted_with=cluster.resource, depends_on=list(after)
        )

    def _in_karmada(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        karmada = self._args.control_plane
        return pulumi.ResourceOptions(
            parent=self, provider=karmada.provider, deleted_with=karmada.resource, depends_on=list(after)
        )
