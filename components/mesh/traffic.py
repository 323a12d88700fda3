"""Where requests go: to the nearest region, on to the next when that fails, or where the settings shift them.

One DestinationRule in the root namespace of each region holds for every service, and one for each service that has
settings of its own. An istiod reads them in its own cluster alone, so each region's say what holds for requests from
there. Istio takes the one with the longest host that fits, and merges nothing.

Source: `LocalityLoadBalancerSetting` in Istio's reference (of `distribute` and `failover` only one can be had, and
failover needs outlier detection), and `applyLocalityFailover` in pilot/pkg/networking/core/loadbalancer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.mesh.names import CLUSTER_LABEL, MANAGED_BY, NAMESPACE
from stacks.mesh import MeshSettings
from stacks.traffic import OutlierDetection, Shift

Manifest = dict[str, Any]

ALL_HOSTS = "*.local"
"""All Services, whatever their namespace."""

_WHOLE = 100


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a region is: its cluster's name, and its location as the labels of its nodes say it."""

    cluster: str
    location: str


def destination_rules(settings: MeshSettings, region: str, places: Mapping[str, Place]) -> list[Manifest]:
    """Return the rules of one region; ``places`` has every region of the fleet."""
    order = settings.next_regions(tuple(places))[region]
    shifts = {ALL_HOSTS: settings.traffic, **settings.services}
    return [
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": {
                "name": "default" if host == ALL_HOSTS else host,
                "namespace": NAMESPACE,
                "labels": MANAGED_BY,
            },
            "spec": {
                "host": host,
                "trafficPolicy": {
                    "outlierDetection": _outlier_detection(settings.outlier_detection),
                    "loadBalancer": {"localityLbSetting": locality_setting(shift, region, order, places)},
                },
            },
        }
        for host, shift in sorted(shifts.items())
    ]


def locality_setting(shift: Shift, region: str, order: Sequence[str], places: Mapping[str, Place]) -> Manifest:
    """Return where requests from a region go.

    A drained region comes last for all others, and for its own requests after all others, so what runs nowhere else is
    still reached. Weights and a single region leave all that is not named without endpoints.

    Args:
        shift: what the settings say.
        region: where the requests come from.
        order: the other regions, the next one first.
        places: every region.

    """
    weights = {shift.only: 1} if shift.only else {each: weight for each, weight in shift.weights.items() if weight}
    here = places[region]
    if weights:
        shares = percentages(weights)
        to = {f"{places[each].location}/*": share for each, share in sorted(shares.items())}
        return {"enabled": True, "distribute": [{"from": f"{here.location}/*", "to": to}]}
    following = [each for each in order if each not in shift.drained] or list(order)
    if region in shift.drained:
        # By the cluster: gateways of other networks stand in for endpoints there, and have that label alone.
        return {"enabled": True, "failoverPriority": [f"{CLUSTER_LABEL}={places[following[0]].cluster}"]}
    following = [each for each in following if places[each].location != here.location]
    if not following:
        return {"enabled": True}
    return {"enabled": True, "failover": [{"from": here.location, "to": places[following[0]].location}]}


def percentages(weights: Mapping[str, int]) -> dict[str, int]:
    """Return whole shares of 100, in proportion to weights above 0; each is 1 or more, as Istio wants them."""
    total = sum(weights.values())
    exact = {each: weight * _WHOLE / total for each, weight in weights.items()}
    shares = {each: max(int(share), 1) for each, share in exact.items()}
    # What rounding has left over goes where it cut most, and what the smallest got for nothing comes from the largest.
    for each in sorted(exact, key=lambda name: (shares[name] - exact[name], name))[
        : max(_WHOLE - sum(shares.values()), 0)
    ]:
        shares[each] += 1
    while sum(shares.values()) > _WHOLE:
        shares[max(shares, key=lambda name: (shares[name], name))] -= 1
    return shares


def _outlier_detection(settings: OutlierDetection) -> Manifest:
    return {
        "consecutive5xxErrors": settings.consecutive_errors,
        "consecutiveGatewayErrors": settings.consecutive_errors,
        "interval": f"{settings.interval_seconds}s",
        "baseEjectionTime": f"{settings.ejection_seconds}s",
        "maxEjectionPercent": settings.max_ejected_percent,
    }
