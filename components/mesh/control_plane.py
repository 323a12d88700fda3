"""A region's Istio: its control planes by the official charts, and its gateways.

There is a release for each revision, and the tag `default` leads to the current one: a new revision starts beside the
old, then the tag moves, and the old one goes when no proxy is left that talks to it. What differs between lab and
clouds is in the classes below this one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.mesh.charts import DEFAULT, Charts, Values, base_values, control_plane_values, merged, suffixed
from components.mesh.gateways import Gateways, GatewaysArgs
from components.mesh.injection import client_config, default_tag
from components.mesh.istio import RegionalIstioArgs
from components.mesh.releases import Releases
from components.mesh.values import istiod_values
from stacks.mesh import Revision


class IstioControlPlane(pulumi.ComponentResource):
    """Istio in one region: kinds, an istiod for each revision, gateways. Its name is the cluster's."""

    resource: pulumi.Resource
    """What objects of the mesh come after: their kinds are there, and the webhooks answer."""
    gateways: Gateways
    status_url: pulumi.Input[str] = ""
    """URL of what the current istiod tells of its state (`/debug/clusterz`); empty where it is behind its Service."""

    def __init__(
        self, kind: str, name: str, args: RegionalIstioArgs, charts: Charts, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(f"fleet:mesh:{kind}Istio", name, None, opts)
        self.name, self.args = name, args
        self.releases = Releases(cluster=args.cluster, namespace=args.namespace, charts=charts)

    def finish(self, *, gateway_replicas: int) -> None:
        """Make all of it and register the outputs; a subclass calls it last in its constructor."""
        revisions = self.args.settings.revisions
        (current,) = [each for each in revisions if each.name == self.args.settings.current_revision]
        base = self._base(current)
        self.resource = self.start(current, self._istiod(current, [base]))
        if current.name != DEFAULT:
            self.resource = self._default_tag(current)
        for revision in revisions:
            if revision is not current:
                # It gives up what it injects into when the tag is there, and not before.
                self.start(revision, self._istiod(revision, [base, self.resource]))
        self.gateways = Gateways(
            self.name,
            GatewaysArgs(
                releases=self.releases,
                network=self.args.cluster.network,
                sources=self.args.gateway_sources,
                replicas=gateway_replicas,
                revision=current.name,
                version=self.version_of(current),
            ),
            [self.resource],
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    @abstractmethod
    def version_of(self, revision: Revision) -> str:
        """The version of Istio that a revision really is."""

    @abstractmethod
    def values_of(self, revision: Revision) -> Values:
        """Values of the chart `istiod` for where it runs."""

    @abstractmethod
    def start(self, revision: Revision, release: pulumi.Resource) -> pulumi.Resource:
        """Have a revision run, once its release is there; what comes after it."""

    def injection_url(self, revision: Revision) -> pulumi.Input[str] | None:
        """Where a revision's injection webhook is; None where it is behind a Service."""
        del revision
        return None

    def validation_url(self, revision: Revision) -> pulumi.Input[str]:
        """Where a revision's validation webhook is; empty where it is behind a Service."""
        del revision
        return ""

    def _base(self, current: Revision) -> pulumi.Resource:
        versions = [self.version_of(revision) for revision in self.args.settings.revisions]
        newest = max(versions, key=lambda version: [int(number) for number in version.split(".")])
        values = base_values(version=newest, current=current.name, validation_url=self.validation_url(current))
        return self.releases.install("istio-base", chart="base", version=newest, values=values, parent=self)

    def _istiod(self, revision: Revision, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        settings, cluster, version = self.args.settings, self.args.cluster, self.version_of(revision)
        identity = control_plane_values(
            mesh_id=self.args.mesh_id,
            cluster=cluster.name,
            network=cluster.network,
            revision=revision.name,
            current=settings.current_revision,
            version=version,
        )
        return self.releases.install(
            suffixed("istiod", revision.name),
            chart="istiod",
            version=version,
            values=merged(istiod_values(settings), identity, self.values_of(revision)),
            parent=self,
            after=after,
        )

    def _default_tag(self, current: Revision) -> pulumi.Resource:
        tag = default_tag(current.name, client_config(current.name, self.injection_url(current)))
        return kubernetes.admissionregistration.v1.MutatingWebhookConfiguration(
            f"{self.name}-{tag['metadata']['name']}",
            metadata=tag["metadata"],
            webhooks=tag["webhooks"],
            opts=self.releases.options(self, [self.resource]),
        )
