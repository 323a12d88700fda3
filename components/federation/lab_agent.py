"""The agent of a member of the lab: a process beside the member's, because pods are only simulated there."""

from __future__ import annotations

from base64 import b64decode

import pulumi

from components.federation.agent import Agent, AgentArgs
from components.federation.kubeconfig import kubeconfig
from lab.karmada import KarmadaAgent, KarmadaAgentArgs
from lab.tools.catalogue import KARMADA


class LabAgent(Agent):
    """An agent of the lab. What it keeps lies in the stack's own folder, `.fleet/stacks/<stack>`."""

    def __init__(self, name: str, args: AgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Lab", name, args, opts)
        cluster = args.cluster
        member = pulumi.Output.all(server=cluster.server, ca_data=cluster.ca_data, token=args.token).apply(
            lambda parts: kubeconfig(
                cluster.name,
                server=parts["server"],
                ca_data=parts["ca_data"],
                user={"token": b64decode(parts["token"]).decode()},
            )
        )
        self.resource = KarmadaAgent(
            name,
            KarmadaAgentArgs(
                name=cluster.name,
                directory=f".fleet/stacks/{pulumi.get_stack()}",
                version=KARMADA.version,
                arguments=self.flags,
                karmada_kubeconfig=self.karmada_kubeconfig,
                member_kubeconfig=member,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[self.rights]),
        )
        self.register_outputs({})
