"""Istio's charts: where they come from, and their values beyond what the settings say to istiod (`values.py`); pure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pulumi

from components.mesh.names import NAMESPACE

REPOSITORY = "https://istio-release.storage.googleapis.com/charts"
HUB = "registry.istio.io/release"
"""Where Istio's releases of images are, which the charts of a release name as well."""

BUILT = "istio-charts"
"""The folder beside the lab's istiod that has its charts."""

DEFAULT = "default"
"""The revision whose objects have no suffix, and the tag of the one that `istio-injection: enabled` means."""

_PLACES = {
    "base": "base",
    "istiod": "istio-control/istio-discovery",
    "gateway": "gateway",
}
"""Where a chart is in Istio's source."""

Values = dict[str, Any]


class Charts(Protocol):
    """Where charts come from."""

    def named(self, chart: str, version: str) -> Mapping[str, Any]:
        """What a `helm.v3.Release` has to be told to find a chart."""


class OfficialCharts:
    """The charts of Istio's releases."""

    def named(self, chart: str, version: str) -> Mapping[str, Any]:
        """As `Charts`."""
        return {"chart": chart, "version": version, "repository_opts": {"repo": REPOSITORY}}


class BuiltCharts:
    """The charts of the source that the lab's istiod is built from; there is that one version."""

    def named(self, chart: str, version: str) -> Mapping[str, Any]:
        """As `Charts`; one below the project is named from there, so that the state names no path of a machine."""
        del version
        program = shutil.which("pilot-discovery")
        if program is None:
            raise ValueError('pilot-discovery is not on PATH; eval "$(./fleet env)" puts it there')
        place = Path(program).absolute().with_name(BUILT) / _PLACES[chart]
        here = Path.cwd()
        return {"chart": os.path.relpath(place, here) if place.is_relative_to(here) else str(place)}


def suffixed(name: str, revision: str) -> str:
    """Return what a revision calls its objects."""
    return name if revision == DEFAULT else f"{name}-{revision}"


def base_values(*, version: str, current: str, validation_url: pulumi.Input[str]) -> Values:
    """Return values of the chart `base`: kinds, and validation by the `current` revision.

    It has no images; the version is there so that another one is a change of the release.
    """
    return {
        "global": {"istioNamespace": NAMESPACE, "tag": version},
        "defaultRevision": current,
        "base": {"validationURL": validation_url},
    }


def control_plane_values(  # noqa: PLR0913 - each is a word of Istio's
    *, mesh_id: str, cluster: str, network: str, revision: str, current: str, version: str
) -> Values:
    """Return values of the chart `istiod` that tell who it is.

    The revision `default` injects into all that asks for no other, also when it is not the current one any more. So
    then it gives up its webhook (`operatorManageWebhooks`), and the tag of that name takes its place.
    """
    return {
        "revision": "" if revision == DEFAULT else revision,
        "global": {
            "hub": HUB,
            "tag": version,
            "meshID": mesh_id,
            "multiCluster": {"clusterName": cluster},
            "network": network,
            "istioNamespace": NAMESPACE,
            "operatorManageWebhooks": revision == DEFAULT != current,
        },
    }


def scaled(minimum: int, maximum: int, labels: Mapping[str, str]) -> Values:
    """Return values of the chart `istiod` by which it survives the loss of a node or a zone."""
    return {
        "autoscaleEnabled": True,
        "autoscaleMin": minimum,
        "autoscaleMax": maximum,
        "pdb": {"minAvailable": 1},
        "topologySpreadConstraints": [_spread(key, labels) for key in _TOPOLOGIES],
    }


_TOPOLOGIES = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def _spread(key: str, labels: Mapping[str, str]) -> Values:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(labels)},
    }


def east_west_values(network: str, sources: Sequence[str]) -> Values:
    """Return values of the chart `gateway` for requests from other networks, which come from `sources` alone."""
    if not sources:
        raise ValueError(f"the gateway of {network} would be open to everybody: it needs addresses that may reach it")
    return {"networkGateway": network, "service": {"loadBalancerSourceRanges": list(sources)}}


def gateway_scaling(replicas: int, name: str, version: str) -> Values:
    """Return values of the chart `gateway`: at least so many pods, one of which may be away, apart from each other.

    Pods get their proxy when they are made, so they are made anew when the control plane is another.
    """
    if replicas == 1:
        scaling: Values = {"autoscaling": {"enabled": False}, "replicaCount": 1}
    else:
        labels = {"app": name}
        scaling = {
            "autoscaling": {"enabled": True, "minReplicas": replicas, "maxReplicas": 5 * replicas},
            "podDisruptionBudget": {"minAvailable": 1},
            "topologySpreadConstraints": [_spread(key, labels) for key in _TOPOLOGIES],
        }
    return {**scaling, "podAnnotations": {"fleet/istio": version}}


def merged(*layers: Mapping[str, Any]) -> Values:
    """Return all values in one; where two say something of the same thing, the later counts."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged(result[key], value) if both else value
    return result
