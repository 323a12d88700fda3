"""Clusters run a version of Kubernetes that still gets fixes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.clusters.kinds import TYPES
from policies.objects import Resource
from policies.rules import Parameters, ResourceRule


def _check(cluster: Resource, parameters: Parameters) -> Iterator[str]:
    version = str(cluster.fields["version"])
    oldest = str(parameters["oldest"])
    if _minor(version) < _minor(oldest):
        yield f"runs Kubernetes {version}; the oldest that is supported is {oldest}"


def _minor(version: str) -> tuple[int, int]:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


RULE = ResourceRule(
    name="clusters-version",
    title="Every cluster runs a supported version of Kubernetes.",
    mend="Raise the version of the cluster, one minor version at a time.",
    parameters={"oldest": "1.34"},
    types=TYPES,
    check=_check,
)
