"""What is put into one region's cluster for the mesh: releases of charts, and the options that all of it shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.mesh.charts import Charts, Values
from components.mesh.names import NAMESPACE

_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Releases:
    """Releases in `cluster`, in the namespace `istio-system`, of charts that come from `charts`."""

    cluster: Cluster
    namespace: pulumi.Resource
    charts: Charts

    def install(  # noqa: PLR0913 - as a release has them
        self,
        name: str,
        *,
        chart: str,
        version: str,
        values: Values | pulumi.Output[Any],
        parent: pulumi.Resource,
        after: Sequence[pulumi.Resource] = (),
        namespace: str = NAMESPACE,
    ) -> kubernetes.helm.v3.Release:
        """Install a chart as the release `name`; what it starts is ready when it is there."""
        return kubernetes.helm.v3.Release(
            f"{self.cluster.name}-{name}",
            name=name,
            namespace=namespace,
            values=values,
            timeout=_SECONDS,
            **self.charts.named(chart, version),
            opts=self.options(parent, after),
        )

    def options(self, parent: pulumi.Resource, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Options of what is in the cluster: it goes with it."""
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.cluster.provider,
            deleted_with=self.cluster.resource,
            depends_on=[self.namespace, *after],
        )
