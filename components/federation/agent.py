"""The agent of a member in pull mode: it fetches from Karmada what is to be in the member, which nobody has to reach.

In Karmada it is somebody by a client certificate, with rights of its own; in the member it is the account that Karmada
has there in push mode. Where it runs depends on the member's cloud: one class each, chosen in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.cluster import Cluster
from components.federation.agent_rights import MEMBERS_NAMESPACE, agent_rights
from components.federation.control_plane import ControlPlane
from components.federation.flags import member_flags
from components.federation.kubeconfig import by_certificate, kubeconfig
from providers.pki import Certificate, CertificateArgs, Usage
from stacks.clusters import ClusterSettings
from stacks.federation import FederationSettings

_YEAR_HOURS = 365 * 24


@dataclass(frozen=True, kw_only=True)
class AgentArgs:
    """A member, the control plane that it belongs to, and what the settings say of both.

    `token` is of the member's service account `account` in karmada-cluster, which may do everything in the member. The
    agent starts when what is in `after` is there: the member's Cluster among it.
    """

    cluster: Cluster
    control_plane: ControlPlane
    settings: ClusterSettings
    federation: FederationSettings
    account: str
    token: pulumi.Output[str]
    after: Sequence[pulumi.Resource]


class Agent(pulumi.ComponentResource):
    """An agent with its certificate and its rights in Karmada.

    Another `credential` in the settings than before makes it another user with another key: Kubernetes takes no
    certificate back, but the old one has no rights any longer.
    """

    resource: pulumi.Resource
    """What is there when the agent works; a subclass sets it."""

    def __init__(self, kind: str, name: str, args: AgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"fleet:federation:{kind}Agent", name, None, opts)
        self.name, self.args = name, args
        member, number = args.cluster.name, args.settings.federation.credential
        user = f"fleet:agent:{member}:{number}"
        self._certificate = Certificate(
            f"{name}-certificate-{number}",
            CertificateArgs(
                issuer=args.control_plane.client_issuer,
                common_name=user,
                usages=(Usage.CLIENT,),
                validity_hours=_YEAR_HOURS,
                renew_before_hours=_YEAR_HOURS // 4,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.rights = args.control_plane.keep(
            f"{name}-rights", agent_rights(member, user), parent=self, after=args.after
        )

    @property
    def karmada_kubeconfig(self) -> pulumi.Output[str]:
        """Kubeconfig of Karmada with the agent's certificate; a secret."""
        control_plane, certificate = self.args.control_plane, self._certificate
        text = pulumi.Output.all(
            server=control_plane.server,
            ca_data=control_plane.ca_data,
            certificate=certificate.certificate,
            private_key=certificate.private_key,
        ).apply(
            lambda parts: kubeconfig(
                control_plane.name,
                server=parts["server"],
                ca_data=parts["ca_data"],
                user=by_certificate(certificate=parts["certificate"], private_key=parts["private_key"]),
            )
        )
        return pulumi.Output.secret(text)

    @property
    def flags(self) -> list[pulumi.Input[str]]:
        """Flags of the program, wherever it runs.

        They say of the member what its Cluster says, so that the agent, which may not change that, has no reason to.
        """
        settings = self.args.settings
        return [
            f"--cluster-namespace={MEMBERS_NAMESPACE}",
            pulumi.Output.concat("--cluster-api-endpoint=", self.args.cluster.server),
            f"--cluster-provider={settings.cloud.value}",
            f"--cluster-region={settings.location}",
            f"--cluster-zones={','.join(settings.zones)}",
            "--report-secrets=None",
            *member_flags(self.args.federation),
        ]
