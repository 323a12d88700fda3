"""One kubeconfig for the whole fleet: a context for each cluster, called like the cluster."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def merge(kubeconfigs: Mapping[str, str]) -> str:
    """Join kubeconfigs, keyed by cluster name, into one whose contexts, clusters and users have that name.

    The first cluster's context is the current one.
    """
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": []}
    for name, text in kubeconfigs.items():
        single = yaml.safe_load(text)
        merged["clusters"].append({"name": name, "cluster": single["clusters"][0]["cluster"]})
        merged["users"].append({"name": name, "user": single["users"][0]["user"]})
        merged["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    if kubeconfigs:
        merged["current-context"] = next(iter(kubeconfigs))
    return yaml.safe_dump(merged, sort_keys=False)


def write(path: Path, content: str) -> None:
    """Write `content` to `path` in one step, readable by its owner alone whatever was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
