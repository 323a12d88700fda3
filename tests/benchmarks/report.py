"""The results as tables for the terminal and as JSON, with the machine they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks import federation, mesh, sweep, up
from tests.benchmarks.events import KindOfStep

_MIB = 2**20


def machine() -> dict[str, Any]:
    """What the results depend on: processor, cores, bytes of memory, system, Python, and the load before the start."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def describe(facts: Mapping[str, Any]) -> str:
    """The machine in a line."""
    return (
        f"{facts['cores']} cores ({facts['processor']}), {facts['memory_bytes'] / 2**30:.0f} GiB, {facts['system']}, "
        f"Python {facts['python']}, {facts['date']}, load before the start {facts['load_before']:.1f}"
    )


@dataclass(kw_only=True)
class Results:
    """What has been measured so far."""

    ups: list[up.UpRun] = field(default_factory=list)
    federation: federation.FederationRun | None = None
    mesh: mesh.MeshRun | None = None
    sweeps: dict[str, sweep.Sweep] = field(default_factory=dict)
    """By what delivered the tenants."""


def show(console: Console, results: Results) -> None:
    """Tables of everything that was measured."""
    if results.ups:
        show_up(console, results.ups)
    if results.federation:
        show_federation(console, results.federation)
    if results.mesh:
        show_mesh(console, results.mesh)
    for name, result in results.sweeps.items():
        show_sweep(console, name, result)


def as_json(facts: Mapping[str, Any], results: Results) -> dict[str, Any]:
    """All results, with the medians and whether they met their targets."""
    document: dict[str, Any] = {"machine": dict(facts)}
    if results.ups:
        document["up"] = {"summary": summary(results.ups), "runs": [asdict(run) for run in results.ups]}
    if results.federation:
        document["federation"] = {**asdict(results.federation), **spread(results.federation.propagation_seconds)}
    if results.mesh:
        document["mesh"] = {**asdict(results.mesh), **spread(results.mesh.endpoint_seconds)}
    if results.sweeps:
        document["sweeps"] = {name: asdict(result) for name, result in results.sweeps.items()}
    return document


def summary(runs: Sequence[up.UpRun]) -> dict[str, dict[str, Any]]:
    """The median, smallest and largest seconds of each command, with its target where it has one."""
    return {
        name: {
            "median_seconds": median(seconds),
            "min_seconds": min(seconds),
            "max_seconds": max(seconds),
            "target_seconds": target,
            "met": None if target is None else median(seconds) <= target,
        }
        for name, seconds, target in (
            ("up", [run.up_seconds for run in runs], up.UP_TARGET_SECONDS),
            ("no_op", [run.no_op_seconds for run in runs], up.NO_OP_TARGET_SECONDS),
            ("down", [run.down_seconds for run in runs], None),
        )
    }


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile (nearest rank) of seconds."""
    in_order = sorted(seconds)
    return {"median_seconds": median(in_order), "p95_seconds": in_order[ceil(0.95 * len(in_order)) - 1]}


def show_federation(console: Console, run: federation.FederationRun) -> None:
    """A table of Karmada's times."""
    of_objects = spread(run.propagation_seconds)
    table = _table(f"Karmada, {len(run.propagation_seconds)} objects one after another", "what", "s")
    for what, seconds in (
        ("an object is in all three regions, median", of_objects["median_seconds"]),
        ("95th percentile", of_objects["p95_seconds"]),
        ("a region has failed: its replicas are ready in the others", run.moved_seconds),
        ("`./fleet up` starts it again: they are ready at home", run.home_seconds),
    ):
        table.add_row(what, f"{seconds:.2f}")
    console.print(table)


def show_mesh(console: Console, run: mesh.MeshRun) -> None:
    """A table of the mesh's times."""
    table = _table(f"The mesh, {len(run.endpoint_seconds)} endpoints of a region, one after another", "what", "s")
    of_endpoints = spread(run.endpoint_seconds)
    table.add_row("the other regions' istiods know it, median", f"{of_endpoints['median_seconds']:.3f}")
    table.add_row("95th percentile", f"{of_endpoints['p95_seconds']:.3f}")
    console.print(table)


def show_up(console: Console, runs: Sequence[up.UpRun]) -> None:
    """Tables of `up`: the commands with their targets, where the time goes, and memory."""
    table = _table(f"The lab, median of {len(runs)}", "command", "median s", "min-max s", "target s", "")
    names = {"up": "./fleet up, fresh clone", "no_op": "./fleet up, nothing to do", "down": "./fleet down"}
    for name, row in summary(runs).items():
        verdict = {None: "", True: "[green]met[/]", False: "[red]not met[/]"}[row["met"]]
        extent = f"{row['min_seconds']:.1f}-{row['max_seconds']:.1f}"
        target = "" if row["target_seconds"] is None else str(row["target_seconds"])
        table.add_row(names[name], f"{row['median_seconds']:.1f}", extent, target, verdict)
    console.print(table)
    for text, number in (
        ("resources were changed by an `up` with nothing to do", max(run.no_op_changes for run in runs)),
        ("processes and files were left by `down`", max(len(run.left_over) for run in runs)),
    ):
        if number:
            console.print(f"[red]{number} {text}[/]")

    table = _table("Where the time goes, median seconds", "phase", "up", "nothing to do")
    up_phases = up.median_phases([run.up_phases for run in runs])
    no_op_phases = up.median_phases([run.no_op_phases for run in runs])
    for phase in up_phases:
        table.add_row(phase, f"{up_phases[phase]:.1f}", f"{no_op_phases.get(phase, 0):.1f}")
    console.print(table)

    last = runs[-1]
    console.print(_steps_table(last.up_steps))
    console.print(_cpu_table("CPU seconds of up, last run", last.up_cpu_seconds, last.up_other_cpu_seconds))
    console.print(
        _cpu_table("CPU seconds with nothing to do, last run", last.no_op_cpu_seconds, last.no_op_other_cpu_seconds)
    )
    console.print(_memory_table("Peak resident memory by program during up, last run", last.up_peak_rss))
    table = _table("Resident memory of each cluster after up, last run", "cluster", "MiB", "of which")
    for cluster, programs in last.cluster_rss.items():
        parts = ", ".join(f"{name} {rss / _MIB:.0f}" for name, rss in sorted(programs.items(), key=lambda i: -i[1]))
        table.add_row(cluster, f"{sum(programs.values()) / _MIB:.0f}", parts)
    console.print(table)


def show_sweep(console: Console, name: str, result: sweep.Sweep) -> None:
    """A table of a sweep, each growing value with its factor for a doubling of the tenants."""
    sizes = result.sizes
    if not sizes:
        return
    tenants = [size.tenants for size in sizes]
    rows: list[tuple[str, list[float | None], str]] = [
        ("up, seconds", [size.up_seconds for size in sizes], ".1f"),
        ("for each new tenant", [size.seconds_per_tenant for size in sizes], ".2f"),
        ("nothing to do, seconds", [size.no_op_seconds for size in sizes], ".1f"),
        ("resources in the state", [float(size.resources) for size in sizes], ".0f"),
        ("state, MB", [size.state_bytes / 1e6 for size in sizes], ".2f"),
        ("objects of the new tenants", [float(size.objects) for size in sizes], ".0f"),
        ("kubectl in turn, seconds", [size.kubectl_seconds for size in sizes], ".1f"),
        ("kubectl at once, seconds", [size.kubectl_parallel_seconds for size in sizes], ".1f"),
    ]
    table = _table(
        f"Tenants in three regions: {name} (x: factor for a doubling of the tenants)",
        "tenants",
        *(f"{size.tenants - size.new}→{size.tenants}" for size in sizes),
    )
    for measure, values, form in rows:
        table.add_row(measure, *_with_growth(tenants, values, form))
    console.print(table)
    console.print(f"without tenants: up {result.empty_seconds:.1f} s")
    if result.down_seconds is not None:
        console.print(f"with {tenants[-1]} tenants: down {result.down_seconds:.1f} s")
    unasked = sum(size.no_op_changes for size in sizes)
    if unasked:
        console.print(f"[red]{unasked} resources were changed by an `up` with nothing to do[/]")
    if result.left_over:
        console.print(f"[red]down left behind: {', '.join(result.left_over)}[/]")
    last = sizes[-1]
    title = f"up to {tenants[-1]} tenants"
    console.print(_cpu_table(f"CPU seconds of {title}", last.up_cpu_seconds, last.up_other_cpu_seconds))
    console.print(_memory_table(f"Peak resident memory, {title}", last.up_peak_rss))


def _with_growth(tenants: Sequence[int], values: Sequence[float | None], form: str) -> list[str]:
    measured = [value for value in values if value is not None]
    if len(measured) < len(values):
        return [""] * len(values)
    factors = sweep.per_doubling(tenants, measured)
    return [
        f"{value:{form}}" + ("" if factor is None else f" (x{factor:.1f})")
        for value, factor in zip(measured, factors, strict=True)
    ]


def _steps_table(kinds: Iterable[KindOfStep]) -> Table:
    table = _table(
        "Resources of up, last run: seconds after the start",
        "type",
        "op",
        "number",
        "first start",
        "last end",
        "longest",
    )
    for kind in kinds:
        table.add_row(
            kind.type, kind.op, str(kind.number), f"{kind.start:.1f}", f"{kind.end:.1f}", f"{kind.longest:.1f}"
        )
    return table


def _cpu_table(title: str, seconds: Mapping[str, float], others: float) -> Table:
    table = _table(title, "program", "s")
    for name, used in seconds.items():
        table.add_row(name, f"{used:.1f}")
    table.add_row("what else the machine did", f"{others:.1f}")
    return table


def _memory_table(title: str, memory: Mapping[str, int]) -> Table:
    table = _table(title, "program", "MiB")
    for name, rss in sorted(memory.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{rss / _MIB:.0f}")
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, overflow="fold")
    for column in others:
        table.add_column(column, justify="right", overflow="fold")
    return table


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
