"""A cluster joined to Karmada: in push mode Karmada reaches the member's API server, with a token made for it there.

In pull mode an agent beside the member does what Karmada does otherwise. All else is the same, the token included:
where Karmada can reach the member after all, one can look into it through Karmada.

What `karmadactl join` and `register` do by commands is here a set of resources. Source: pkg/karmadactl/join,
pkg/karmadactl/register and pkg/util/credential.go in the Karmada repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.federation.agent import AgentArgs
from components.federation.agent_rights import MEMBERS_NAMESPACE as NAMESPACE
from components.federation.control_plane import ControlPlane
from components.federation.registry import create_agent
from stacks.clusters import ClusterSettings, SyncMode
from stacks.federation import FederationSettings

_ACCOUNT = "karmada"
_IMPERSONATOR = "karmada-impersonator"
_SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type of Secret


@dataclass(frozen=True, kw_only=True)
class MemberArgs:
    """A region's cluster with its settings, the control plane that it joins, and what is said of the federation.

    Another `credential` in the settings than before makes new tokens, and then takes the old ones away.
    """

    cluster: Cluster
    control_plane: ControlPlane
    settings: ClusterSettings
    federation: FederationSettings


class Member(pulumi.ComponentResource):
    """A member of the federation, ready to get work. Its name is its cluster's."""

    resource: pulumi.Resource
    """What is there when the member is ready: what is placed in it comes after this."""

    def __init__(self, name: str, args: MemberArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:federation:Member", name, None, opts)
        self._name, self._args = name, args
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-{NAMESPACE}", metadata={"name": NAMESPACE}, opts=self._in_member()
        )
        account = self._account(_ACCOUNT, namespace)
        impersonator = self._account(_IMPERSONATOR, namespace)
        rights = self._rights(account)
        token, impersonation = self._token(_ACCOUNT, account), self._token(_IMPERSONATOR, impersonator)
        cluster = args.control_plane.keep(
            f"{name}-cluster",
            [
                _credential(name, {"token": _token_of(token), "caBundle": args.cluster.ca_data}),
                _credential(f"{name}-impersonator", {"token": _token_of(impersonation)}),
                self._cluster(),
            ],
            parent=self,
            after=rights,
        )
        self.resource = cluster if self._mode is SyncMode.PUSH else self._agent(_token_of(token), cluster)
        self.register_outputs({})

    @property
    def _mode(self) -> SyncMode:
        return self._args.settings.federation.mode

    def _agent(self, token: pulumi.Output[str], cluster: pulumi.Resource) -> pulumi.Resource:
        args = self._args
        agent = create_agent(
            f"{self._name}-agent",
            args.settings.cloud,
            AgentArgs(
                cluster=args.cluster,
                control_plane=args.control_plane,
                settings=args.settings,
                federation=args.federation,
                account=_ACCOUNT,
                token=token,
                after=[cluster],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return agent.resource

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
        # An agent holds its member against what Karmada knows by that name.
        identity = {} if self._mode is SyncMode.PUSH else {"id": self._identifier()}
        return {
            "apiVersion": "cluster.karmada.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": self._name, "labels": {"fleet/region": args.cluster.region}},
            "spec": {
                "syncMode": "Push" if self._mode is SyncMode.PUSH else "Pull",
                **identity,
                "apiEndpoint": args.cluster.server,
                "secretRef": {"namespace": NAMESPACE, "name": self._name},
                "impersonatorSecretRef": {"namespace": NAMESPACE, "name": f"{self._name}-impersonator"},
                "provider": settings.cloud.value,
                "region": settings.location,
                "zones": list(settings.zones),
            },
        }

    def _identifier(self) -> pulumi.Output[str]:
        """UID of the member's kube-system, by which Karmada tells clusters apart.

        As an output of a patch it is kept: to read it, each `up` would have to reach the member.
        """
        system = kubernetes.core.v1.NamespacePatch(
            f"{self._name}-kube-system",
            metadata={"name": "kube-system", "labels": {"fleet/region": self._args.cluster.region}},
            opts=self._in_member(),
        )
        return system.metadata.apply(_uid)

    def _in_member(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        cluster = self._args.cluster
        return pulumi.ResourceOptions(
            parent=self, provider=cluster.provider, deleted_with=cluster.resource, depends_on=list(after)
        )


def _uid(metadata: Any) -> str:  # noqa: ANN401 (as the API server gives it)
    uid: str = metadata.uid
    return uid


def _credential(name: str, data: Mapping[str, pulumi.Output[str]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "data": data}


def _token_of(secret: kubernetes.core.v1.Secret) -> pulumi.Output[str]:
    return pulumi.Output.secret(secret.data.apply(lambda data: data["token"]))
