"""A fleet that is up for what is measured in it: the lab's own stack, in a clone of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml
from kubernetes import client, config
from rich.console import Console

from cli.pulumi import Pulumi
from cli.workspace import Workspace
from tests.benchmarks.clone import Clone, fresh_clone

STACK = "lab"
REGIONS = ("na", "eu", "sea")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The clone, its kubeconfig, and where each region's istiod tells of its state."""

    clone: Clone
    kubeconfig: dict[str, Any]
    istiods: Mapping[str, str]

    def cluster(self, name: str) -> client.ApiClient:
        """The API of a region, or of `karmada`."""
        return config.new_client_from_config_dict(self.kubeconfig, f"{STACK}-{name}")


@contextmanager
def fleet_up(workspace: Workspace, console: Console) -> Iterator[Fleet]:
    """A fleet that is up, and down in the end. Raises `BenchmarkError`."""
    with fresh_clone(workspace, STACK) as clone:
        with console.status("a fleet to measure in: up"):
            clone.fleet("up", STACK)
            file = clone.root / "kubeconfig.yaml"
            clone.fleet("kubeconfig", STACK, "--output", str(file))
        urls = Pulumi(clone.workspace(STACK)).outputs()["mesh"]
        yield Fleet(
            clone=clone,
            kubeconfig=yaml.safe_load(file.read_text()),
            istiods={each: urls[f"{STACK}-{each}"] for each in REGIONS},
        )
