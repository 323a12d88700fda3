"""Istio where pods really run, in clouds and kind: by the charts and images of its releases."""

from __future__ import annotations

import pulumi

from components.mesh.charts import HUB, OfficialCharts, Values, scaled
from components.mesh.control_plane import IstioControlPlane
from components.mesh.istio import RegionalIstioArgs
from stacks.mesh import Revision

_REPLICAS = 2
_MOST_REPLICAS = 5
_NODES_NAMESPACE = "kube-system"
"""Where every cloud lets a pod be as important to a node as the CNI plugin is."""


class HelmIstio(IstioControlPlane):
    """Istio by its releases: two istiods at least, apart from each other, and its CNI plugin on every node."""

    def __init__(self, name: str, args: RegionalIstioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Helm", name, args, OfficialCharts(), opts)
        self.finish(gateway_replicas=_REPLICAS)

    def version_of(self, revision: Revision) -> str:
        """As every control plane."""
        return revision.version

    def values_of(self, revision: Revision) -> Values:
        """As every control plane."""
        return scaled(_REPLICAS, _MOST_REPLICAS, {"app": "istiod", "istio.io/rev": revision.name})

    def start(self, revision: Revision, release: pulumi.Resource) -> pulumi.Resource:
        """As every control plane: the release has istiod's pods. Proxies of the current one need the CNI plugin."""
        if revision.name != self.args.settings.current_revision:
            return release
        return self.releases.install(
            "istio-cni",
            chart="cni",
            version=revision.version,
            values={"global": {"hub": HUB, "tag": revision.version}},
            parent=self,
            after=[release],
            namespace=_NODES_NAMESPACE,
        )
