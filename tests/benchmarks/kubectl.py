"""The same tenants put in by `kubectl apply --server-side`: the floor to compare `up` with."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.tenancy import tenant_manifests
from stacks.errors import Place
from stacks.fleet import Settings
from stacks.tenants import read_tenant
from tests.benchmarks.clone import BenchmarkError


@dataclass(frozen=True, kw_only=True)
class Manifests:
    """What kubectl applies to one cluster: a file with `objects` objects, in an order in which they can be created."""

    path: Path
    context: str
    objects: int


def write(folder: Path, fleet: Settings, tenants: Sequence[dict[str, object]]) -> list[Manifests]:
    """Write the objects of `tenants`, given as they would be in the settings, to a file for each region in `folder`."""
    by_region: dict[str, list[Any]] = {region: [] for region in fleet.regions}
    for settings in tenants:
        tenant = read_tenant(settings, Place("benchmark"), tuple(fleet.regions))
        for region in tenant.regions:
            by_region[region] += tenant_manifests(tenant, region, address_ranges=fleet.address_ranges)
    files = []
    for region, items in by_region.items():
        path = folder / f"{region}-{tenants[0]['name']}.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        files.append(Manifests(path=path, context=fleet.cluster_name(region), objects=len(items)))
    return files


def apply_in_order(program: Path, kubeconfig: Path, files: Sequence[Manifests]) -> float:
    """Apply to one cluster after another; the seconds it took. Raises `BenchmarkError`."""
    started = time.monotonic()
    for file in files:
        _apply(program, kubeconfig, file)
    return time.monotonic() - started


def apply_at_once(program: Path, kubeconfig: Path, files: Sequence[Manifests]) -> float:
    """Apply to all clusters at the same time; the seconds until the last was done. Raises `BenchmarkError`."""
    started = time.monotonic()
    with ThreadPoolExecutor(len(files)) as pool:
        for applied in [pool.submit(_apply, program, kubeconfig, file) for file in files]:
            applied.result()
    return time.monotonic() - started


def _apply(program: Path, kubeconfig: Path, file: Manifests) -> None:
    where = [f"--kubeconfig={kubeconfig}", f"--context={file.context}"]
    answer = subprocess.run(
        [program, "apply", "--server-side", f"--filename={file.path}", *where],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise BenchmarkError(f"kubectl apply in {file.context} failed: {answer.stderr.strip()}")
