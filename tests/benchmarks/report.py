"""The results as tables for the terminal and as JSON, with the machine they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks import sweep, up
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


def as_json(facts: Mapping[str, Any], runs: Sequence[up.UpRun], sweeps: Mapping[str, sweep.Sweep]) -> dict[str, Any]:
    """All results, with the medians and whether they met their targets."""
    document: dict[str, Any] = {"machine": dict(facts)}
    if runs:
        document["up"] = {"summary": summary(runs), "runs": [asdict(run) for run in runs]}
    if sweeps:
        document["sweeps"] = {name: asdict(result) for name, result in sweeps.items()}
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
    console.print(_by_program("CPU seconds of up, last run", "s", last.up_cpu_seconds, 1))
    console.print(_by_program("CPU seconds with nothing to do, last run", "s", last.no_op_cpu_seconds, 1))
    console.print(_by_program("Peak resident memory by program during up, last run", "MiB", last.up_peak_rss, _MIB))
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
    columns: list[tuple[str, list[float | None], str]] = [
        ("up s", [size.up_seconds for size in sizes], ".1f"),
        ("up s per new tenant", [size.seconds_per_tenant for size in sizes], ".2f"),
        ("nothing to do s", [size.no_op_seconds for size in sizes], ".1f"),
        ("resources", [float(size.resources) for size in sizes], ".0f"),
        ("state MB", [size.state_bytes / 1e6 for size in sizes], ".2f"),
        ("kubectl s, regions in turn", [size.kubectl_seconds for size in sizes], ".1f"),
        ("kubectl s, at once", [size.kubectl_parallel_seconds for size in sizes], ".1f"),
    ]
    table = _table(
        f"Tenants in three regions: {name} (x: factor for a doubling of the tenants)",
        "tenants",
        "new objects",
        *(column for column, _, _ in columns),
    )
    cells = [_with_growth(tenants, values, form) for _, values, form in columns]
    for number, size in enumerate(sizes):
        before = size.tenants - size.new
        table.add_row(f"{before}→{size.tenants}", str(size.objects), *(column[number] for column in cells))
    console.print(table)
    console.print(f"without tenants: up {result.empty_seconds:.1f} s")
    if result.down_seconds is not None:
        console.print(f"with {tenants[-1]} tenants: down {result.down_seconds:.1f} s")
    unasked = sum(size.no_op_changes for size in sizes)
    if unasked:
        console.print(f"[red]{unasked} resources were changed by an `up` with nothing to do[/]")
    if result.left_over:
        console.print(f"[red]down left behind: {', '.join(result.left_over)}[/]")
    console.print(_by_program(f"CPU seconds of up to {tenants[-1]} tenants", "s", sizes[-1].up_cpu_seconds, 1))
    console.print(_by_program(f"Peak resident memory, up to {tenants[-1]} tenants", "MiB", sizes[-1].up_peak_rss, _MIB))


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


def _by_program(title: str, unit: str, values: Mapping[str, float], scale: int) -> Table:
    table = _table(title, "program", unit)
    for name, value in sorted(values.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{value / scale:.1f}" if scale == 1 else f"{value / scale:.0f}")
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
