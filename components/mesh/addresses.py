"""Addresses between regions: where their requests come from, and where their east-west gateways are."""

from __future__ import annotations

from stacks.clusters import ClusterSettings
from stacks.fleet import Settings


def gateway_source_ranges(settings: Settings, region: str) -> list[str]:
    """Return the CIDRs that may reach a region's east-west gateway: those of the other regions' requests."""
    return sorted({each for other in _others(settings, region) for each in _sources(other)})


def gateway_ranges(settings: Settings) -> list[str]:
    """Return the CIDRs of every region's east-west gateway, which pods of all regions have to reach."""
    return sorted({each for region in settings.regions.values() for each in _gateways(region)})


def _others(settings: Settings, region: str) -> list[ClusterSettings]:
    return [cluster for name, cluster in settings.regions.items() if name != region]


def _sources(region: ClusterSettings) -> tuple[str, ...]:
    return region.mesh.source_ranges or (region.network.pods,)


def _gateways(region: ClusterSettings) -> tuple[str, ...]:
    return region.mesh.gateway_ranges or (region.network.services,)
