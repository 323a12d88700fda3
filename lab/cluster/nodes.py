"""Makes a cluster's simulated nodes what its pools say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lab.cluster.api import Api

_NODES = "/api/v1/nodes"
_OURS = f"{_NODES}?labelSelector={quote('fleet/node-pool')}"


def apply(api: Api, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Create the nodes that are missing, change those that differ, and delete those of a pool that are not wanted."""
    there = {node["metadata"]["name"]: node for node in _list(api)}
    for node in wanted:
        name, found = node["metadata"]["name"], there.pop(node["metadata"]["name"], None)
        if found is None:
            api.create(_NODES, node)
            continue
        labels, size = node["metadata"]["labels"], node["status"]
        if labels.items() - found["metadata"]["labels"].items():
            api.merge(f"{_NODES}/{name}", {"metadata": {"labels": labels}})
        if any(found["status"].get(key, {}).items() != size[key].items() for key in size):
            api.merge(f"{_NODES}/{name}/status", {"status": size})
    for name in there:
        api.delete(f"{_NODES}/{name}")


def count(api: Api) -> int:
    """How many nodes of the pools there are."""
    return len(_list(api))


def _list(api: Api) -> list[dict[str, Any]]:
    listing = api.get(_OURS) or {}
    items: list[dict[str, Any]] = listing.get("items", [])
    return items
