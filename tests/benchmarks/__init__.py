"""Benchmarks of the lab, run by `./fleet bench`: how long the fleet takes, where the time goes, and how that grows.

Everything is measured in fresh clones, through `./fleet` as a user calls it. docs/benchmarks.md tells how to read it.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cli.setup import prepare
from cli.workspace import Workspace
from tests.benchmarks import federation, mesh, report, sweep, up
from tests.benchmarks.clone import BenchmarkError, fresh_clone
from tests.benchmarks.fleet import fleet_up


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure.

    `up` of the lab so many times, Karmada and the mesh with so many objects, and a sweep over sizes; 0 or none: not at
    all.
    """

    runs: int = 3
    objects: int = 100
    tenants: Sequence[int] = (25, 50, 100, 200)
    direct: bool = False
    """Whether the sweep is done once more without federation: Pulumi itself delivers to each region."""
    state_once: bool = False
    """Whether the sweep without federation is done with the state written only at the end, too."""


def run(workspace: Workspace, console: Console, output: Path | None = None, plan: Plan | None = None) -> None:
    """Measure what `plan` says, show tables on `console`, and write JSON to `output`.

    What was measured before a command failed, or before an interrupt, is shown and written all the same.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a clone is removed then too
    prepare(workspace, console)  # the tools are built before anything is measured
    facts = report.machine()
    console.print(report.describe(facts))
    results = report.Results()
    try:
        _measure(plan or Plan(), results, workspace, console)
    except BenchmarkError as error:
        console.print(f"[red]{error}[/]")
        raise SystemExit(1) from error
    finally:
        report.show(console, results)
        if output is not None:
            output.write_text(json.dumps(report.as_json(facts, results), indent=2) + "\n")


def _measure(plan: Plan, results: report.Results, workspace: Workspace, console: Console) -> None:
    results.ups.extend(up.measure(workspace, console, plan.runs))
    if plan.objects:
        with fleet_up(workspace, console) as fleet:
            first, *others = fleet.istiods
            urls = {name: fleet.istiods[name] for name in others}
            results.mesh = mesh.measure(fleet.cluster(first), urls, console, plan.objects)
            results.federation = federation.measure(fleet, console, plan.objects)
    sweeps = {
        "by Karmada": (True, True, None),
        "by Pulumi itself": (plan.direct, False, None),
        "by Pulumi itself, state written once": (plan.state_once, False, sweep.STATE_ONCE),
    }
    for name, (is_wanted, federated, environment) in sweeps.items():
        if plan.tenants and is_wanted:
            result = results.sweeps[name] = sweep.Sweep()
            with fresh_clone(workspace, sweep.STACK, environment) as clone:
                sweep.measure(result, clone, console, plan.tenants, federated=federated)
