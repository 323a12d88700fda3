"""What a lab cluster is to be: read and checked from the resource's inputs, without touching the machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lab.cluster.resource import NodePool

REPLACING = ("name", "directory", "podCidr", "serviceCidr")
UPDATING = ("version", "region", "zones", "nodePools")

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]*)?([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?")
_VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+\S*")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A lab cluster as it is to be; see `ClusterArgs` for what each field means."""

    name: str
    directory: str
    version: str
    region: str
    zones: tuple[str, ...]
    node_pools: tuple[NodePool, ...]
    pod_cidr: str
    service_cidr: str

    @property
    def identity(self) -> dict[str, str]:
        """What cannot change in the life of a cluster."""
        return {"name": self.name, "podCidr": self.pod_cidr, "serviceCidr": self.service_cidr}

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Spec:
        """Read inputs that `problems` finds nothing wrong with."""
        pools = tuple(
            NodePool(**{**pool, "count": int(pool["count"]), "pods": int(pool["pods"])}) for pool in inputs["nodePools"]
        )
        return cls(
            name=inputs["name"],
            directory=inputs["directory"],
            version=inputs["version"],
            region=inputs["region"],
            zones=tuple(inputs["zones"]),
            node_pools=pools,
            pod_cidr=inputs["podCidr"],
            service_cidr=inputs["serviceCidr"],
        )


def problems(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with the inputs: pairs of property path and reason. Inputs that are not there are not judged."""
    found = [(key, "is no property of a cluster") for key in inputs if key not in REPLACING + UPDATING]
    rules = {
        "name": (_NAME, "a DNS label such as lab-na: lower-case letters, digits and hyphens, 63 at most"),
        "region": (_LABEL_VALUE, "a Kubernetes label value such as us-east-1"),
        "version": (_VERSION, "a Kubernetes version such as v1.36.3"),
    }
    for key, (pattern, right) in rules.items():
        if key in inputs and not _matches(pattern, inputs[key]):
            found.append((key, f"is {inputs[key]!r}; should be {right}"))
    if "directory" in inputs and not _stays_inside(inputs["directory"]):
        found.append(("directory", f"is {inputs['directory']!r}; should be a path inside the project, relative to it"))
    found += _network_problems(inputs)
    zones = inputs.get("zones", ["a"])
    if not isinstance(zones, list) or not zones or not all(_matches(_LABEL_VALUE, zone) for zone in zones):
        found.append(("zones", f"is {zones!r}; should be a list of Kubernetes label values, one at least"))
    for number, pool in enumerate(inputs.get("nodePools", [])):
        found += [(f"nodePools[{number}].{field}", reason) for field, reason in _pool_problems(pool)]
    names = [pool.get("name") for pool in inputs.get("nodePools", [])]
    found += [
        (f"nodePools[{number}].name", f"{name!r} is there twice")
        for number, name in enumerate(names)
        if name in names[:number]
    ]
    return found


def _network_problems(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    found, networks = [], []
    for key in ("podCidr", "serviceCidr"):
        if key not in inputs:
            continue
        try:
            networks.append(ipaddress.ip_network(inputs[key]))
        except (TypeError, ValueError):
            found.append((key, f"is {inputs[key]!r}; should be a CIDR such as 10.1.0.0/16"))
    if len(networks) == len(("podCidr", "serviceCidr")) and networks[0].overlaps(networks[1]):
        found.append(("serviceCidr", f"{networks[1]} overlaps podCidr {networks[0]}"))
    return found


def _pool_problems(pool: Mapping[str, Any]) -> list[tuple[str, str]]:
    fields = vars(NodePool())
    found = [(key, "is no property of a node pool") for key in pool if key not in fields]
    found += [(key, "is missing") for key in fields if key not in pool]
    for key, pattern in {"name": _NAME, "cpu": _QUANTITY, "memory": _QUANTITY}.items():
        if key in pool and not _matches(pattern, pool[key]):
            kind = "DNS label" if key == "name" else "Kubernetes quantity"
            found.append((key, f"is {pool[key]!r}; should be a {kind}"))
    found += [
        (key, f"is {pool[key]!r}; should be a whole number, 0 or more")
        for key in ("count", "pods")
        if key in pool and not _is_count(pool[key])
    ]
    return found


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value)


def _stays_inside(directory: object) -> bool:
    if not isinstance(directory, str) or not directory:
        return False
    path = PurePosixPath(directory)
    return not path.is_absolute() and ".." not in path.parts and path.parts != ()
