"""Helm releases: installed, seen, changed and removed by the program `helm`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.plugins.conftest import Cluster, skip_without, unreachable_kubeconfig
from tests.plugins.engine import SIGNATURE, UNKNOWN, CallError, Plugin, Properties, RefusedError, State, secret, urn

TYPE = "helm.sh/v3:Release"

TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-settings"}
data: {color: "{{ .Values.color }}"}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-password", annotations: {helm.sh/resource-policy: keep}}
stringData: {password: "{{ .Values.password }}"}
"""

NEVER = """
apiVersion: v1
kind: Pod
metadata: {name: never}
spec: {nodeSelector: {there-is: no-such-node}, containers: [{name: c, image: c}]}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart of two objects."""
    skip_without("helm")
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: paint, version: 1.2.3, appVersion: '7'}")
    (tmp_path / "values.yaml").write_text("{color: white, password: none}")
    (tmp_path / "templates" / "all.yaml").write_text(TEMPLATE)
    return tmp_path


def release(chart: Path, namespace: str, **more: object) -> Properties:
    return {"chart": str(chart), "namespace": namespace, "compat": "true", **more}


def test_a_release_lives_and_goes(plugin: Plugin, cluster: Cluster, namespace: str, chart: Path) -> None:
    resource = urn(TYPE, "paint")
    values = {"color": "blue", "password": secret("hunter2")}
    inputs = plugin.check(resource, release(chart, namespace, values=values))
    assert inputs["version"] == "1.2.3"
    assert (inputs["timeout"], inputs["atomic"], inputs["keyring"]) == (300, False, "")
    assert "compat" not in inputs
    name = inputs["name"]
    assert name.startswith("paint-")

    planned = plugin.create(resource, inputs, preview=True)
    assert (planned.outputs["status"], planned.outputs["resourceNames"]) == (UNKNOWN, UNKNOWN)

    state = plugin.create(resource, inputs)
    assert state.id == f"{namespace}/{name}"
    assert state.outputs["status"] == {
        "appVersion": "7", "chart": "paint", "name": name, "namespace": namespace,
        "revision": 1, "status": "deployed", "version": "1.2.3",
    }  # fmt: skip
    assert state.outputs["resourceNames"] == {"ConfigMap/v1": [f"{name}-settings"], "Secret/v1": [f"{name}-password"]}
    assert SIGNATURE in state.outputs["__inputs"]
    assert SIGNATURE in state.outputs["values"]["password"]
    assert not plugin.diff(
        resource, state, plugin.check(resource, release(chart, namespace, values=values), inputs)
    ).changed

    refreshed = plugin.read(resource, state)
    assert refreshed.outputs == state.outputs
    assert refreshed.inputs == inputs

    values["color"] = "red"
    changed = plugin.check(resource, release(chart, namespace, values=values), inputs)
    difference = plugin.diff(resource, state, changed)
    assert difference.details == {"values.color": "UPDATE"}
    assert difference.replaces == []
    updated = plugin.update(resource, state, changed)
    assert updated.outputs["status"]["revision"] == 2
    found = cluster.get("configmap", f"{name}-settings", "--namespace", namespace)
    assert found is not None
    assert found["data"] == {"color": "red"}

    plugin.delete(resource, updated)
    assert plugin.read(resource, updated).id == ""
    assert any(f"{name}-password" in message.message for message in plugin.terminal.messages), "what Helm kept is said"
    plugin.delete(resource, updated)


def test_another_name_or_namespace_replaces_a_release(plugin: Plugin, namespace: str, chart: Path) -> None:
    resource = urn(TYPE, "paint")
    inputs = plugin.check(resource, release(chart, namespace, name="a"))
    outputs = {**inputs, "__inputs": secret(inputs), "status": {}}
    moved = plugin.check(resource, release(chart, "other", name="b"), inputs)
    difference = plugin.diff(resource, State(f"{namespace}/a", inputs, outputs), moved)
    assert difference.replaces == ["name", "namespace"]


def test_a_change_of_hand_is_found_and_undone(plugin: Plugin, namespace: str, chart: Path, cluster: Cluster) -> None:
    resource = urn(TYPE, "paint")
    inputs = plugin.check(resource, release(chart, namespace, values={"color": "blue"}))
    state = plugin.create(resource, inputs)
    helm = ["helm", "--kubeconfig", str(cluster.path), "upgrade", inputs["name"], str(chart)]
    subprocess.run([*helm, "--namespace", namespace, "--set", "color=green"], check=True, capture_output=True)
    seen = plugin.read(resource, state)
    assert seen.outputs["values"] == {"color": "green"}
    assert plugin.diff(resource, seen, inputs).details == {"values.color": "UPDATE"}


def test_files_of_values_come_first(plugin: Plugin, namespace: str, chart: Path) -> None:
    file = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "{color: black, more: {a: 1}}", "hash": ""}
    resource = urn(TYPE, "paint")
    news = release(chart, namespace, values={"color": "blue"}, valueYamlFiles=[file])
    assert plugin.check(resource, news)["values"] == {"color": "blue", "more": {"a": 1}}


def test_a_release_that_does_not_come_up_is_kept(plugin: Plugin, namespace: str, chart: Path) -> None:
    (chart / "templates" / "never.yaml").write_text(NEVER)
    resource = urn(TYPE, "paint")
    inputs = plugin.check(resource, release(chart, namespace, timeout=1, values={"password": secret("hunter2")}))
    with pytest.raises(CallError, match=f"release {namespace}/paint-.* is not deployed") as failure:
        plugin.create(resource, inputs)
    assert failure.value.partial.properties["status"]["status"] == "failed"
    assert "hunter2" not in failure.value.message


def test_a_chart_that_is_not_there_is_refused_before_anything_exists(
    plugin: Plugin, namespace: str, chart: Path
) -> None:
    with pytest.raises(RefusedError, match="chart's name, version and repository"):
        plugin.check(urn(TYPE, "paint"), release(chart / "no-such", namespace))


def test_without_helm_a_release_says_what_it_needs(
    binary: str, cluster: Cluster, namespace: str, chart: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    with Plugin(binary, {"PATH": str(empty)}) as plugin:
        plugin.configure(cluster.kubeconfig)
        with pytest.raises(RefusedError, match="not on PATH"):
            plugin.check(urn(TYPE, "paint"), release(chart, namespace))


def test_an_unknown_value_waits(plugin: Plugin, namespace: str, chart: Path) -> None:
    resource = urn(TYPE, "paint")
    inputs = plugin.check(resource, release(chart, namespace, values={"color": UNKNOWN}))
    assert inputs["values"] == {"color": UNKNOWN}
    assert plugin.create(resource, inputs, preview=True).outputs["values"] == {"color": UNKNOWN}


def test_nothing_of_a_run_is_left_behind(binary: str, namespace: str, chart: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    with Plugin(binary, {"TMPDIR": str(folder)}) as own:
        own.configure(unreachable_kubeconfig())
        resource = urn(TYPE, "paint")
        inputs = own.check(resource, release(chart, namespace))
        with pytest.raises(CallError, match="is not deployed"):
            own.create(resource, inputs)
    assert list(folder.iterdir()) == []
