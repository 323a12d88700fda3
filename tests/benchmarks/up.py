"""The lab from a fresh clone, tools built: `up`, `up` again with nothing to do, memory, `down`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from rich.console import Console

from cli.workspace import Workspace
from stacks.settings import from_file
from tests.benchmarks import events, processes
from tests.benchmarks.clone import Measured, fresh_clone
from tests.benchmarks.events import KindOfStep

_STACK = "lab"
UP_TARGET_SECONDS = 75
NO_OP_TARGET_SECONDS = 6


@dataclass(frozen=True, kw_only=True)
class UpRun:
    """One run: seconds of each command and of its phases, and bytes of memory."""

    up_seconds: float
    up_phases: Mapping[str, float]
    up_steps: list[KindOfStep]
    up_cpu_seconds: Mapping[str, float]
    up_other_cpu_seconds: float
    up_peak_rss: Mapping[str, int]
    no_op_seconds: float
    no_op_phases: Mapping[str, float]
    no_op_cpu_seconds: Mapping[str, float]
    no_op_other_cpu_seconds: float
    no_op_changes: int
    cluster_rss: Mapping[str, Mapping[str, int]]
    down_seconds: float
    left_over: list[str]


def measure(workspace: Workspace, console: Console, runs: int) -> Iterator[UpRun]:
    """Do it `runs` times, each in a clone of its own."""
    for number in range(1, runs + 1):
        with console.status(f"up of the lab, run {number} of {runs}"):
            result = _run(workspace)
        yield result


def median_phases(phases: list[Mapping[str, float]]) -> dict[str, float]:
    """The median of each phase; phases of which some run had none count as nothing there."""
    names = dict.fromkeys(name for each in phases for name in each)
    return {name: median(each.get(name, 0.0) for each in phases) for name in names}


def phases_of_up(up: Measured) -> dict[str, float]:
    """Where the seconds of `./fleet up` went."""
    done = events.steps(up.events)
    clusters = [step for step in done if step.is_in("cluster")]
    federation = [step for step in done if step.is_in("federation")]
    tenants = [step for step in done if step.is_in("tenancy")]
    start, end = up.span("pulumi", "up") or (None, None)
    return events.split(
        up.seconds,
        [
            ("set-up before Pulumi", start),
            ("engine and program start", min((step.start for step in clusters), default=None)),
            ("clusters", max((step.end for step in clusters), default=None)),
            ("federation, after the last cluster", max((step.end for step in federation), default=None)),
            ("tenants, after all that", max((step.end for step in tenants), default=None)),
            ("engine end", end),
            ("table of the fleet", up.seconds),
        ],
    )


def _run(workspace: Workspace) -> UpRun:
    with fresh_clone(workspace, _STACK) as clone:
        settings = from_file(clone.workspace(_STACK).settings_file, root=clone.root)
        up = clone.fleet("up", _STACK)
        no_op = clone.fleet("up", _STACK)
        memory = processes.rss_by_cluster(clone.root, map(settings.cluster_name, settings.clusters))
        down = clone.fleet("down", _STACK)
        return UpRun(
            up_seconds=up.seconds,
            up_phases=phases_of_up(up),
            up_steps=events.kinds_of_steps(events.steps(up.events)),
            up_cpu_seconds=processes.cpu_by_name(up.processes),
            up_other_cpu_seconds=up.other_cpu_seconds,
            up_peak_rss=up.peak_rss,
            no_op_seconds=no_op.seconds,
            no_op_phases=phases_of_up(no_op),
            no_op_cpu_seconds=processes.cpu_by_name(no_op.processes),
            no_op_other_cpu_seconds=no_op.other_cpu_seconds,
            no_op_changes=events.changes(no_op.events),
            cluster_rss=memory,
            down_seconds=down.seconds,
            left_over=clone.left_over(),
        )
