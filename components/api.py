"""What every Kubernetes API of the fleet gives to the rest of it, a cluster's as much as Karmada's."""

from __future__ import annotations

import pulumi


class KubernetesApi(pulumi.ComponentResource):
    """Something with a Kubernetes API that is ready to be used. Its resource's name is its name everywhere."""

    name: str
    kubeconfig: pulumi.Output[str]
    """Administrator's kubeconfig with one context, called like this; a secret."""
    server: pulumi.Output[str]
    """URL of the API server."""
    ca_data: pulumi.Output[str]
    """Certificate of the API server's CA: PEM in base64."""
    identifier: pulumi.Output[str]
    """Stays the same for its life, however its kubeconfig is rotated: when it changes, what was in it is made anew."""
    resource: pulumi.Resource
    """What there is of it in the cloud, for `deleted_with`: what is in it goes with it."""

    def finish(
        self,
        *,
        resource: pulumi.Resource,
        kubeconfig: pulumi.Output[str],
        server: pulumi.Output[str],
        ca_data: pulumi.Output[str],
        identifier: pulumi.Output[str],
    ) -> None:
        """Set the outputs and register them; a subclass calls it last in its constructor."""
        self.resource = resource
        self.identifier = identifier
        self.kubeconfig = pulumi.Output.secret(kubeconfig)
        self.server = server
        self.ca_data = ca_data
        self.register_outputs({"kubeconfig": self.kubeconfig, "server": self.server, "caData": self.ca_data})
