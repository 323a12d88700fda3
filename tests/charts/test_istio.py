"""Istio's real charts with the program's values: what a cloud's region gets, where nothing can be pulled."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.mesh.charts import (
    HUB,
    base_values,
    control_plane_values,
    east_west_values,
    gateway_scaling,
    merged,
    scaled,
)
from components.mesh.injection import TAG, default_tag
from components.mesh.values import istiod_values
from stacks.mesh import MeshSettings

_VERSION = "1.31.1"
Objects = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="session")
def charts() -> Path:
    """The folder of charts beside the lab's istiod."""
    program = shutil.which("pilot-discovery")
    if program is None or shutil.which("helm") is None:
        pytest.skip("not on PATH: pilot-discovery, helm; `./fleet test` builds what is missing")
    return Path(program).with_name("istio-charts")


def render(chart: Path, name: str, values: dict[str, Any], *more: str) -> Objects:
    """Render a chart; its objects by kind and name."""
    command = ["helm", "template", name, str(chart), "--namespace", "istio-system", "--kube-version", "1.36.3", *more]
    answer = subprocess.run(
        [*command, "--values", "-"], input=json.dumps(values), capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    found = [each for each in yaml.safe_load_all(answer.stdout) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def control_plane(charts: Path, *, revision: str = "default", current: str = "default", tag: str = "") -> Objects:
    values = merged(
        istiod_values(MeshSettings()),
        control_plane_values(
            mesh_id="one", cluster="prod-eu", network="eu", revision=revision, current=current, version=_VERSION
        ),
        scaled(2, 5, {"app": "istiod", "istio.io/rev": revision}),
        {"revisionTags": [tag]} if tag else {},
    )
    return render(charts / "istio-control" / "istio-discovery", "istiod", values)


def test_istiod_survives_the_loss_of_a_node_with_images_of_one_version(charts: Path) -> None:
    objects = control_plane(charts)
    pod = objects["Deployment", "istiod"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["image"] == f"{HUB}/pilot:{_VERSION}"
    assert objects["HorizontalPodAutoscaler", "istiod"]["spec"]["minReplicas"] == 2
    budget = objects["PodDisruptionBudget", "istiod"]["spec"]
    assert budget["minAvailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    spread = pod["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    for each in spread:
        assert each["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_istiod_is_of_its_mesh_and_takes_new_roots_at_run_time(charts: Path) -> None:
    objects = control_plane(charts)
    (container,) = objects["Deployment", "istiod"]["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["CLUSTER_ID"] == "prod-eu"
    assert environment["ISTIO_MULTIROOT_MESH"] == "true"
    mesh = yaml.safe_load(objects["ConfigMap", "istio"]["data"]["mesh"])
    assert mesh["defaultConfig"]["meshId"] == "one"
    assert mesh["defaultConfig"]["proxyMetadata"]["PROXY_CONFIG_XDS_AGENT"] == "true"
    assert mesh["outboundTrafficPolicy"]["mode"] == "REGISTRY_ONLY"


def test_a_second_revision_has_objects_of_its_own(charts: Path) -> None:
    first, second = control_plane(charts), control_plane(charts, revision="next")
    assert ("Deployment", "istiod-next") in second
    assert first.keys() & second.keys() == set(), "Helm lets no two releases have one object"


def test_the_default_revision_injects_nothing_more_when_another_is_current(charts: Path) -> None:
    webhook = ("MutatingWebhookConfiguration", "istio-sidecar-injector")
    assert webhook in control_plane(charts)
    assert webhook not in control_plane(charts, current="next")


def test_the_tag_is_what_the_chart_would_have_made_of_it(charts: Path) -> None:
    theirs = control_plane(charts, revision="next", tag="default")["MutatingWebhookConfiguration", TAG]
    service = {"name": "istiod-next", "namespace": "istio-system", "path": "/inject", "port": 443}
    ours = default_tag("next", {"service": service})

    def told(webhook: dict[str, Any]) -> dict[str, Any]:
        selectors = {
            key: sorted(webhook[key]["matchExpressions"], key=lambda each: str(each["key"]))
            for key in ("namespaceSelector", "objectSelector")
        }
        rest = {key: webhook[key] for key in ("clientConfig", "rules", "sideEffects", "failurePolicy")}
        return {**selectors, **rest}

    assert {each["name"]: told(each) for each in ours["webhooks"]} == {
        each["name"]: told(each) for each in theirs["webhooks"]
    }
    labels = theirs["metadata"]["labels"]
    assert {key: labels[key] for key in ("istio.io/rev", "istio.io/tag", "app")}.items() <= ours["metadata"][
        "labels"
    ].items()


def test_the_east_west_gateway_is_highly_available_and_closed_to_strangers(charts: Path) -> None:
    name = "istio-eastwestgateway"
    values = merged(gateway_scaling(2, name, "default-1.31.1"), east_west_values("eu", ["10.2.0.0/16"]))
    objects = render(charts / "gateway", name, values)
    service = objects["Service", name]
    assert service["spec"]["loadBalancerSourceRanges"] == ["10.2.0.0/16"]
    assert service["metadata"]["labels"]["topology.istio.io/network"] == "eu"
    assert 15443 in {each["port"] for each in service["spec"]["ports"]}
    assert objects["HorizontalPodAutoscaler", name]["spec"]["minReplicas"] == 2
    assert objects["PodDisruptionBudget", name]["spec"]["minAvailable"] == 1
    pod = objects["Deployment", name]["spec"]["template"]
    assert pod["metadata"]["annotations"]["inject.istio.io/templates"] == "gateway", "the chart's own are kept"
    for each in pod["spec"]["topologySpreadConstraints"]:
        assert each["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_the_kinds_are_validated_by_the_current_revision(charts: Path) -> None:
    values = base_values(version=_VERSION, current="next", validation_url="")
    webhook = render(charts / "base", "istio-base", values)[
        "ValidatingWebhookConfiguration", "istiod-default-validator"
    ]
    assert webhook["metadata"]["labels"]["istio.io/rev"] == "next"
    assert webhook["webhooks"][0]["clientConfig"]["service"]["name"] == "istiod-next"


def test_the_cni_plugin_s_image_is_of_the_release(charts: Path) -> None:
    values = {"global": {"hub": HUB, "tag": _VERSION}}
    objects = render(charts / "istio-cni", "istio-cni", values)
    (container,) = objects["DaemonSet", "istio-cni-node"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{HUB}/install-cni:{_VERSION}"
