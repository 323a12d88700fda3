"""The examples, applied with kubectl to the Karmada of the repository's own lab, spread as their README says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from kubernetes import client

from cli.workspace import ROOT
from tests.fleet.clone import eventually
from tests.fleet.conftest import Fleet

_EXAMPLES = ROOT / "examples"
_REGIONS = ("na", "eu", "sea")
_SECONDS = 120


def _kubectl(fleet: Fleet, *arguments: str, stdin: str | None = None) -> None:
    kubectl = fleet.clone.root / ".fleet" / "bin" / "kubectl"
    command = [str(kubectl), "--kubeconfig", str(fleet.kubeconfig_file), "--context", "lab-karmada", *arguments]
    answer = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr


@contextmanager
def _applied(fleet: Fleet, *files: Path, **texts: str) -> Iterator[None]:
    """What is in files of examples, or in texts of them, in Karmada; it is gone in the end."""
    wanted = "\n---\n".join([*(file.read_text() for file in files), *texts.values()])
    _kubectl(fleet, "apply", "--server-side", "-f", "-", stdin=wanted)
    try:
        yield
    finally:
        _kubectl(fleet, "delete", "--ignore-not-found", "-f", "-", stdin=wanted)


def _replicas(fleet: Fleet, namespace: str, name: str) -> dict[str, int]:
    """How many replicas a workload is to have in each region that has it."""
    found = {}
    for each in _REGIONS:
        apps = client.AppsV1Api(fleet.cluster(each).api)
        field = f"metadata.name={name}"
        deployments = apps.list_namespaced_deployment(namespace, field_selector=field).items
        sets = apps.list_namespaced_stateful_set(namespace, field_selector=field).items
        for item in [*deployments, *sets]:
            found[each] = item.spec.replicas
    return found


def _expect(fleet: Fleet, namespace: str, name: str, wanted: Mapping[str, int]) -> None:
    eventually(lambda: _replicas(fleet, namespace, name) == wanted, _SECONDS)


@pytest.mark.parametrize(
    ("file", "namespace", "name", "wanted"),
    [
        ("web", "shop", "web", {"na": 2, "eu": 2, "sea": 2}),
        ("weighted", "shop", "web-weighted", {"na": 3, "eu": 2, "sea": 1}),
        ("one-region", "shop", "web-one-region", {"eu": 3}),
        ("backup", "shop", "web-backup", {"eu": 3}),
        ("local", "shop", "ledger", {"sea": 2}),
        ("own-policy", "playground", "web", {"na": 2, "eu": 2}),
    ],
)
def test_an_example_is_where_its_placement_says(
    fleet: Fleet, file: str, namespace: str, name: str, wanted: dict[str, int]
) -> None:
    with _applied(fleet, _EXAMPLES / f"{file}.yaml"):
        _expect(fleet, namespace, name, wanted)
    _expect(fleet, namespace, name, {})


def test_what_the_web_server_needs_is_where_it_is(fleet: Fleet) -> None:
    def supported(region: str) -> bool:
        core = fleet.cluster(region).core
        services = {item.metadata.name for item in core.list_namespaced_service("shop").items}
        config_maps = {item.metadata.name for item in core.list_namespaced_config_map("shop").items}
        return "web" in services and "web" in config_maps

    with _applied(fleet, _EXAMPLES / "web.yaml"):
        eventually(lambda: all(supported(each) for each in _REGIONS), _SECONDS)


def test_replicas_follow_the_clock_in_all_regions(fleet: Fleet) -> None:
    scaler = yaml.safe_load((_EXAMPLES / "cron-federated-hpa.yaml").read_text())
    morning, _ = scaler["spec"]["rules"]
    scaler["spec"]["rules"] = [{**morning, "schedule": "* * * * *"}]
    with _applied(fleet, _EXAMPLES / "web.yaml"):
        _expect(fleet, "shop", "web", {"na": 2, "eu": 2, "sea": 2})
        with _applied(fleet, scaler=yaml.safe_dump(scaler)):
            _expect(fleet, "shop", "web", {"na": 3, "eu": 3, "sea": 3})


@pytest.mark.parametrize("file", ["federated-hpa", "hpa"])
def test_an_autoscaler_is_taken_by_karmada(fleet: Fleet, file: str) -> None:
    with _applied(fleet, _EXAMPLES / "web.yaml", _EXAMPLES / f"{file}.yaml"):
        _expect(fleet, "shop", "web", {"na": 2, "eu": 2, "sea": 2})
