"""Istio in the lab: the charts of its source, and the real istiod as a process beside the cluster.

The pods that the charts make are simulated; the webhooks in them lead to the process.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.mesh.charts import BuiltCharts, Values, suffixed
from components.mesh.control_plane import IstioControlPlane
from components.mesh.istio import RegionalIstioArgs
from components.mesh.values import istiod_environment
from lab.istio import Istiod, IstiodArgs, IstiodPorts
from lab.tools.catalogue import ISTIO
from stacks.mesh import Revision


class LabIstio(IstioControlPlane):
    """Istio in a cluster of the lab. What it keeps lies in the stack's own folder, `.fleet/stacks/<stack>`."""

    ports: Mapping[str, IstiodPorts]
    """Where each revision's istiod is reached."""

    def __init__(self, name: str, args: RegionalIstioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Lab", name, args, BuiltCharts(), opts)
        self.ports = {
            revision.name: IstiodPorts(
                suffixed(name, revision.name),
                directory=f".fleet/stacks/{pulumi.get_stack()}",
                opts=pulumi.ResourceOptions(parent=self),
            )
            for revision in args.settings.revisions
        }
        self.status_url = self.ports[args.settings.current_revision].status_url
        self.finish(gateway_replicas=1)

    def version_of(self, revision: Revision) -> str:
        """As every control plane; there is the version that is built."""
        del revision
        return ISTIO.version.removeprefix("v")

    def values_of(self, revision: Revision) -> Values:
        """As every control plane."""
        return {
            "autoscaleEnabled": False,
            "replicaCount": 1,
            # The lab's proxies are upstream's Envoy, which has no filter for Istio's metrics.
            "telemetry": {"enabled": False},
            "base": {"validationURL": self.validation_url(revision)},
            "istiodRemote": {"injectionURL": self.injection_url(revision)},
        }

    def injection_url(self, revision: Revision) -> pulumi.Output[str]:
        """As every control plane."""
        return self.ports[revision.name].injection_url

    def validation_url(self, revision: Revision) -> pulumi.Output[str]:
        """As every control plane."""
        return self.ports[revision.name].validation_url

    def start(self, revision: Revision, release: pulumi.Resource) -> pulumi.Resource:
        """As every control plane: the process reads at its start what the chart has put into the cluster."""
        return Istiod(
            suffixed(self.name, revision.name),
            IstiodArgs(
                ports=self.ports[revision.name],
                cluster=self.name,
                kubeconfig=self.args.cluster.kubeconfig,
                version=ISTIO.version,
                revision=revision.name,
                certificates=self.args.cacerts or {},
                environment=istiod_environment(self.args.settings),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release]),
        )
