"""How `up`, `up` with nothing to do, and the state grow with a fleet's tenants, beside kubectl doing the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from pathlib import Path

import yaml
from rich.console import Console

from stacks.settings import from_file
from tests.benchmarks import events, kubectl, processes
from tests.benchmarks.clone import Clone, Measured

STACK = "sweep"
_TENANTS_FOLDER = "stacks/sweep"

_RATES = {
    "requestsPerSecond": 1000,
    "memberRequestsPerSecond": 1000,
    "queuedPerSecond": 1000,
    "parallelSyncs": 30,
}

STATE_ONCE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""With these the engine writes the state once, at the end, and so cannot resume after a crash."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """A fleet of so many tenants, `new` of which the measured `up` made. Seconds; bytes of the state file."""

    tenants: int
    new: int
    up_seconds: float
    engine_seconds: float
    no_op_seconds: float
    no_op_engine_seconds: float
    no_op_changes: int
    resources: int
    state_bytes: int
    up_cpu_seconds: Mapping[str, float]
    up_other_cpu_seconds: float
    up_peak_rss: Mapping[str, int]
    objects: int
    """Of the new tenants, in all regions: what kubectl applies."""
    kubectl_seconds: float | None
    """One region after another; None if it was not measured."""
    kubectl_parallel_seconds: float | None
    """All regions at once."""

    @property
    def seconds_per_tenant(self) -> float:
        """Seconds of `up` for one new tenant."""
        return self.up_seconds / self.new


@dataclass(kw_only=True)
class Sweep:
    """A sweep as far as it went: the sizes in order, after the fleet without tenants was up in `empty_seconds`."""

    empty_seconds: float | None = None
    sizes: list[Size] = field(default_factory=list)
    down_seconds: float | None = None
    left_over: list[str] = field(default_factory=list)


def measure(result: Sweep, clone: Clone, console: Console, sizes: Sequence[int], *, federated: bool = True) -> None:
    """Grow a fleet in `clone` to each of `sizes` tenants in turn, and note each in `result`.

    kubectl does the same beside a fleet with a federation; one without needs it no second time.
    """
    with console.status("sweep: the fleet without tenants"):
        _write_stack(clone, federated=federated)
        result.empty_seconds = clone.fleet("up", STACK).seconds
    for tenants in sizes:
        before = result.sizes[-1].tenants if result.sizes else 0
        with console.status(f"sweep: from {before} to {tenants} tenants"):
            result.sizes.append(_grow(clone, before, tenants, beside_kubectl=federated))
    with console.status("sweep: down"):
        result.down_seconds = clone.fleet("down", STACK).seconds
    result.left_over = clone.left_over()


def per_doubling(tenants: Sequence[int], values: Sequence[float]) -> Iterator[float | None]:
    """By what factor a value grew from one size to the next, for each doubling of the tenants; None for the first size.

    A constant gives 1, what is proportional to the tenants 2, what is proportional to their square 4.
    """
    yield None
    for number in range(1, len(tenants)):
        doublings = log2(tenants[number] / tenants[number - 1])
        yield (values[number] / values[number - 1]) ** (1 / doublings)


def tenant(name: str) -> dict[str, object]:
    """The settings of a tenant like every other: all regions, one namespace, somebody in each role."""
    return {
        "name": name,
        "owner": f"{name}@example.com",
        "access": {role: {"groups": [f"{name}-{role}s"]} for role in ("admin", "developer", "viewer")},
    }


def _write_stack(clone: Clone, *, federated: bool) -> None:
    """Give the clone a stack with the lab's clusters, a folder for tenants, and Karmada as a large fleet has it."""
    document = yaml.safe_load(clone.workspace("lab").settings_file.read_text())
    document["config"].pop("fleet:tenants", None)
    document["config"]["fleet:federation"] = {
        "enabled": federated,
        "placements": {"even": {"strategy": "even"}},
        "rates": _RATES,
    }
    document["config"]["fleet:tenantsFolder"] = _TENANTS_FOLDER
    (clone.root / _TENANTS_FOLDER).mkdir()
    clone.workspace(STACK).settings_file.write_text(yaml.safe_dump(document))


def _grow(clone: Clone, before: int, tenants: int, *, beside_kubectl: bool) -> Size:
    numbers = range(before, tenants)
    for number in numbers:
        settings = tenant(f"t{number:04d}")
        (clone.root / _TENANTS_FOLDER / f"{settings['name']}.yaml").write_text(yaml.safe_dump(settings))
    up = clone.fleet("up", STACK)
    no_op = clone.fleet("up", STACK)
    state = _state_file(clone)
    deployment = json.loads(state.read_text())["checkpoint"]["latest"]
    fleet = from_file(clone.workspace(STACK).settings_file, root=clone.root)
    in_order = kubectl.write(clone.root, fleet, [tenant(f"o{number:04d}") for number in numbers])
    at_once = kubectl.write(clone.root, fleet, [tenant(f"p{number:04d}") for number in numbers])
    kubeconfig = clone.root / "kubeconfig.yaml"
    if beside_kubectl:
        clone.fleet("kubeconfig", STACK, "--output", str(kubeconfig))
    program = clone.workspace(STACK).bin / "kubectl"
    return Size(
        tenants=tenants,
        new=tenants - before,
        up_seconds=up.seconds,
        engine_seconds=_engine_seconds(up),
        no_op_seconds=no_op.seconds,
        no_op_engine_seconds=_engine_seconds(no_op),
        no_op_changes=events.changes(no_op.events),
        resources=len(deployment["resources"]),
        state_bytes=state.stat().st_size,
        up_cpu_seconds=processes.cpu_by_name(up.processes),
        up_other_cpu_seconds=up.other_cpu_seconds,
        up_peak_rss=up.peak_rss,
        objects=sum(file.objects for file in in_order),
        kubectl_seconds=kubectl.apply_in_order(program, kubeconfig, in_order) if beside_kubectl else None,
        kubectl_parallel_seconds=kubectl.apply_at_once(program, kubeconfig, at_once) if beside_kubectl else None,
    )


def _engine_seconds(command: Measured) -> float:
    start, end = command.span("pulumi", "up") or (0.0, 0.0)
    return end - start


def _state_file(clone: Clone) -> Path:
    return clone.workspace(STACK).state / ".pulumi" / "stacks" / "fleet" / f"{STACK}.json"
