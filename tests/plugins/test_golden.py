"""The plugin against recordings of the official one: set FLEET_GOLDEN to a folder of them to run this."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.conftest import Cluster
from tests.plugins.engine import Plugin
from tests.plugins.recordings import Replay, scenarios

FOLDER = Path(os.environ.get("FLEET_GOLDEN", "/nonexistent"))

# What happened outside of Pulumi before a step.
MEANWHILE: dict[tuple[str, str], Callable[[Cluster], object]] = {
    ("namespace", "4-refresh"): lambda cluster: cluster.kubectl("label", "namespace/a", "drift=yes"),
    ("deployment", "4-refresh"): lambda cluster: (
        cluster.kubectl("scale", "deployment/web", "--replicas=5"),
        cluster.kubectl("rollout", "status", "deployment/web"),
    ),
    ("secret", "4-refresh"): lambda cluster: cluster.kubectl("delete", "secret/s"),
    ("exists", "1-preview"): lambda cluster: cluster.kubectl("create", "configmap", "already"),
}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="FLEET_GOLDEN names no folder with recordings of the official plugin")
@pytest.mark.parametrize("scenario", scenarios(FOLDER))
def test_the_official_plugins_answers_are_given(scenario: str, binary: str, cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: base, version: 1.0.0, appVersion: 1.0.0}")
    replay = Replay(FOLDER, scenario, cluster.kubeconfig, str(tmp_path))
    found = []
    for step in replay.steps():
        if (scenario, step) in MEANWHILE:
            MEANWHILE[scenario, step](cluster)
        # Each step was a run of the engine, with a plugin process of its own.
        with Plugin(binary) as plugin:
            found += list(replay.differences(plugin, step))
    assert not found, "\n".join(found)
