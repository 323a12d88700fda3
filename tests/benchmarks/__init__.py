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
from tests.benchmarks import federation, report, sweep, up
from tests.benchmarks.clone import BenchmarkError, fresh_clone


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure.

    `up` of the lab so many times, Karmada with so many objects, and a sweep over sizes; 0 or none: not at all.
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
    plan = plan or Plan()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a clone is removed then too
    prepare(workspace, console)  # the tools are built before anything is measured
    facts = report.machine()
    console.print(report.describe(facts))
    ups: list[up.UpRun] = []
    federations: list[federation.FederationRun] = []
    sweeps: dict[str, sweep.Sweep] = {}
    try:
        ups.extend(up.measure(workspace, console, plan.runs))
        if plan.objects:
            federations.append(federation.measure(workspace, console, plan.objects))
        if plan.tenants:
            result = sweeps["by Karmada"] = sweep.Sweep()
            with fresh_clone(workspace, sweep.STACK) as clone:
                sweep.measure(result, clone, console, plan.tenants)
        if plan.tenants and plan.direct:
            result = sweeps["by Pulumi itself"] = sweep.Sweep()
            with fresh_clone(workspace, sweep.STACK) as clone:
                sweep.measure(result, clone, console, plan.tenants, federated=False)
        if plan.tenants and plan.state_once:
            result = sweeps["by Pulumi itself, state written once"] = sweep.Sweep()
            with fresh_clone(workspace, sweep.STACK, sweep.STATE_ONCE) as clone:
                sweep.measure(result, clone, console, plan.tenants, federated=False)
    except BenchmarkError as error:
        console.print(f"[red]{error}[/]")
        raise SystemExit(1) from error
    finally:
        if ups:
            report.show_up(console, ups)
        for each in federations:
            report.show_federation(console, each)
        for name, result in sweeps.items():
            report.show_sweep(console, name, result)
        if output is not None:
            output.write_text(json.dumps(report.as_json(facts, ups, federations, sweeps), indent=2) + "\n")
