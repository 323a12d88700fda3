"""Karmada in the lab: how long until an object is in every region, and until replicas leave a region that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import urllib3
import yaml
from kubernetes import client, watch
from rich.console import Console

from lab.cluster import lifecycle
from tests.benchmarks.clone import BenchmarkError, Clone
from tests.benchmarks.fleet import REGIONS, STACK, Fleet

_FAILING = "eu"
_NAMESPACE = "shop"
_LABELS = {"fleet/placement": "even"}
_REPLICAS = 6
_SECONDS = 180
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class FederationRun:
    """Seconds of each object until all regions had it, and of a failover of a region and back."""

    propagation_seconds: list[float]
    """From the request to Karmada's API."""
    moved_seconds: float
    """From the end of the region's processes until its replicas were ready in the others."""
    home_seconds: float
    """From the start of the `./fleet up` that brought the region back until its replicas were ready there again."""


def measure(fleet: Fleet, console: Console, objects: int) -> FederationRun:
    """Do it with so many objects one after another; raises `BenchmarkError`."""
    regions = {each: fleet.cluster(each) for each in REGIONS}
    karmada = fleet.cluster("karmada")
    with console.status(f"federation: {objects} objects, one after another"):
        propagation = _propagate(karmada, regions, objects)
    with console.status("federation: a region fails and comes back"):
        moved, home = _fail_over(fleet.clone, karmada, regions)
    return FederationRun(propagation_seconds=propagation, moved_seconds=moved, home_seconds=home)


def _propagate(karmada: client.ApiClient, regions: Mapping[str, client.ApiClient], objects: int) -> list[float]:
    seen = {region: _Watched(api) for region, api in regions.items()}
    core = client.CoreV1Api(karmada)
    seconds = []
    try:
        for number in range(objects):
            name = f"bench-{number}"
            start = time.monotonic()
            core.create_namespaced_config_map(_NAMESPACE, {"metadata": {"name": name, "labels": _LABELS}})
            seconds.append(max(watched.when(name) for watched in seen.values()) - start)
    finally:
        for watched in seen.values():
            watched.end()
    return seconds


class _Watched:
    """The ConfigMaps of a region, with when each was first seen."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core, self._watch = client.CoreV1Api(api), watch.Watch()
        self._times: dict[str, float] = {}
        self._arrived = Event()
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def when(self, name: str) -> float:
        """When the object was seen; waits for it."""
        deadline = time.monotonic() + _SECONDS
        while name not in self._times:
            self._arrived.clear()
            if name not in self._times and not self._arrived.wait(deadline - time.monotonic()):
                raise BenchmarkError(f"the ConfigMap {name} did not come into a region in {_SECONDS} s")
        return self._times[name]

    def end(self) -> None:
        """Stop watching, at the latest when the stream ends."""
        self._watch.stop()

    def _follow(self) -> None:
        with suppress(urllib3.exceptions.HTTPError):  # a region that is stopped afterwards ends its stream
            for event in self._watch.stream(
                self._core.list_namespaced_config_map, _NAMESPACE, timeout_seconds=2 * _SECONDS
            ):
                self._times.setdefault(event["object"].metadata.name, time.monotonic())
                self._arrived.set()


def _fail_over(clone: Clone, karmada: client.ApiClient, regions: Mapping[str, client.ApiClient]) -> tuple[float, float]:
    everywhere = dict.fromkeys(REGIONS, _REPLICAS // len(REGIONS))
    elsewhere = {each: _REPLICAS // (len(REGIONS) - 1) for each in REGIONS if each != _FAILING}
    folder = clone.workspace(STACK).stack_folder / "clusters" / f"{STACK}-{_FAILING}"
    client.AppsV1Api(karmada).create_namespaced_deployment(_NAMESPACE, _deployment())
    _until(lambda: _ready(regions, everywhere) == everywhere)
    lifecycle.stop(folder)
    start = time.monotonic()
    moved = _until(lambda: _ready(regions, elsewhere) == elsewhere) - start
    start = time.monotonic()
    clone.fleet("up", STACK)
    return moved, _until(lambda: _ready(regions, everywhere) == everywhere) - start


def _until(condition: Callable[[], bool]) -> float:
    """When a condition came true."""
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the replicas were not where they should be in {_SECONDS} s")
        time.sleep(_POLL_SECONDS)
    return time.monotonic()


def _ready(regions: Mapping[str, client.ApiClient], among: Mapping[str, int]) -> dict[str, int]:
    found = {each: client.AppsV1Api(regions[each]).list_namespaced_deployment(_NAMESPACE).items for each in among}
    return {each: sum(item.status.ready_replicas or 0 for item in items) for each, items in found.items()}


def _deployment() -> dict[str, Any]:
    """The example's, with a number of replicas that any two and all three regions can divide."""
    documents = yaml.safe_load_all((Path(__file__).parents[2] / "examples" / "web.yaml").read_text())
    example: dict[str, Any] = next(each for each in documents if each["kind"] == "Deployment")
    return {**example, "spec": {**example["spec"], "replicas": _REPLICAS}}
