"""Which Istio goes with which cloud."""

from __future__ import annotations

import pulumi

from components.mesh.helm import HelmIstio
from components.mesh.istio import Install, RegionalIstioArgs
from components.mesh.lab import LabIstio
from stacks.clusters import Cloud
from stacks.fleet import Settings

_CLASSES: dict[Cloud, type[LabIstio] | type[HelmIstio]] = {
    Cloud.LAB: LabIstio,
}


def installer(settings: Settings) -> Install:
    """Return what makes a region's Istio as its cloud wants it: by Istio's releases, but for the lab."""

    def install(name: str, args: RegionalIstioArgs, opts: pulumi.ResourceOptions) -> LabIstio | HelmIstio:
        return _CLASSES.get(settings.clusters[args.cluster.region].cloud, HelmIstio)(name, args, opts)

    return install
