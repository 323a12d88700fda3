"""The mesh in the lab: how long until the other regions' istiods know an endpoint that is new in one region."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes import client
from rich.console import Console

from tests.benchmarks.clone import BenchmarkError

_NAMESPACE, _SERVICE = "shop", "bench"
_PORT = {"name": "http", "port": 80}
_SECONDS = 60
_POLL_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class MeshRun:
    """Seconds of each endpoint from the request that made it until all other regions' istiods had it."""

    endpoint_seconds: list[float]


def measure(region: client.ApiClient, others: Mapping[str, str], console: Console, endpoints: int) -> MeshRun:
    """Make so many endpoints of a service in `region`, one after another; `others` are URLs of istiods' debug pages.

    Raises `BenchmarkError`.
    """
    core, discovery = client.CoreV1Api(region), client.DiscoveryV1Api(region)
    core.create_namespaced_service(_NAMESPACE, {"metadata": {"name": _SERVICE}, "spec": {"ports": [_PORT]}})
    with console.status(f"mesh: {endpoints} endpoints, one after another"):
        return MeshRun(endpoint_seconds=[_spread(discovery, others, number) for number in range(endpoints)])


def _spread(discovery: client.DiscoveryV1Api, others: Mapping[str, str], number: int) -> float:
    address = f"10.2.{number // 250}.{number % 250 + 1}"
    start = time.monotonic()
    discovery.create_namespaced_endpoint_slice(_NAMESPACE, _slice(f"{_SERVICE}-{number}", address))
    missing = dict(others)
    while missing := {name: url for name, url in missing.items() if not _knows(url, address)}:
        if time.monotonic() - start > _SECONDS:
            raise BenchmarkError(f"the istiods of {', '.join(missing)} did not know {address} in {_SECONDS} s")
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - start


def _slice(name: str, address: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": _SERVICE}},
        "addressType": "IPv4",
        "ports": [_PORT],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }


def _knows(url: str, address: str) -> bool:
    services = json.loads(urllib3.request("GET", f"{url}/debug/endpointShardz").data)
    host = f"{_SERVICE}.{_NAMESPACE}.svc.cluster.local"
    return f'"{address}"' in json.dumps(services.get(host, {}))
