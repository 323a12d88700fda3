"""The fleets that tests share: the whole lab, and small ones for tests that break things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from lab.tools.build import UnreachableError, default_cache, provide
from lab.tools.catalogue import HELM, ISTIO, KARMADA, KUBERNETES, KUBERNETES_PLUGIN, PULUMI
from tests.fleet.clone import Clone, Result, fresh_clone
from tests.fleet.cluster import Cluster
from tests.fleet.settings import small, tenant


class NewClone(Protocol):
    """Makes a clone whose stack file has the given settings; it is destroyed when the test ends."""

    def __call__(self, settings: dict[str, Any]) -> Clone:
        """Return a new clone in which nothing has been set up yet."""


@dataclass(frozen=True)
class Fleet:
    """A fleet that is up: its clone, what `up` said, what git said then, the events of `up`, and the kubeconfig."""

    clone: Clone
    up: Result
    changed: str
    events: Path
    kubeconfig_file: Path

    @property
    def kubeconfig(self) -> dict[str, Any]:
        """The kubeconfig that `./fleet kubeconfig` wrote."""
        content: dict[str, Any] = yaml.safe_load(self.kubeconfig_file.read_text())
        return content

    def cluster(self, region: str) -> Cluster:
        """The cluster of a region, by its context in the kubeconfig."""
        return Cluster(self.kubeconfig, f"lab-{region}")


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    try:
        provide([PULUMI, KUBERNETES, KARMADA, HELM, ISTIO, KUBERNETES_PLUGIN], cache=default_cache())
    except UnreachableError as error:
        pytest.skip(f"the lab's tools cannot be built here: {error}")


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The lab as the repository's own stack file describes it, up."""
    folder = tmp_path_factory.mktemp("fleet")
    # Every option of the Pulumi CLI can be given by the environment; this one only where debugging commands are on.
    log = {"PULUMI_DEBUG_COMMANDS": "true", "PULUMI_OPTION_EVENT_LOG": str(folder / "events.json")}
    with fresh_clone() as clone:
        up = clone.fleet("up", **log).check()
        clone.fleet("kubeconfig", "--output", str(folder / "fleet.yaml")).check()
        yield Fleet(
            clone,
            up,
            clone.git("status", "--porcelain", "--untracked-files=all"),
            folder / "events.json",
            folder / "fleet.yaml",
        )


@pytest.fixture(scope="module")
def small_fleet() -> Iterator[Clone]:
    """A manager and one region with two tenants, up."""
    with fresh_clone(small(tenant("shop"), tenant("search", namespaces=["api", "index"]))) as clone:
        clone.fleet("up").check()
        yield clone


@pytest.fixture
def new_clone() -> Iterator[NewClone]:
    """Makes clones for one test."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(fresh_clone(settings))
