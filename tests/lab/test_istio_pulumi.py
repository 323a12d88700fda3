"""A region's Istio as a program makes it: the real charts, istiod as a process, gateways; upgraded and destroyed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from lab.cluster import lifecycle
from lab.istio import folders
from lab.processes import Group
from tests.lab.conftest import Lab, MakeLab, Project

_PROGRAM = """
import json
import pulumi
import pulumi_kubernetes as kubernetes
from components.cluster import ClusterArgs, create_cluster
from components.mesh.istio import RegionalIstioArgs
from components.mesh.lab import LabIstio
from stacks.clusters import LabClusterSettings
from stacks.mesh import MeshSettings

config = pulumi.Config()
cluster = create_cluster("test-na", ClusterArgs(region="na", settings=LabClusterSettings.model_validate({
    "cloud": "lab", "location": "us-east-1", "nodePools": [{"count": 1}],
    "network": {"name": "na", "pods": "10.1.0.0/16", "services": "10.101.0.0/16"},
})))
namespace = kubernetes.core.v1.Namespace("istio-system", metadata={"name": "istio-system"}, opts=pulumi.ResourceOptions(
    provider=cluster.provider, deleted_with=cluster.resource))
LabIstio("test-na", RegionalIstioArgs(
    cluster=cluster, mesh_id="test", settings=MeshSettings.model_validate(json.loads(config.get("mesh") or "{}")),
    namespace=namespace, cacerts=None, gateway_sources=["10.3.0.0/16"],
))
"""
_TWO = [{"name": "default", "version": "1.31.1"}, {"name": "next", "version": "1.31.1"}]


@pytest.fixture
def istio(empty_project: Project, istio_on_path: None) -> Iterator[Project]:
    """A project with one region's Istio in its program, which is not made yet; it is removed after the test."""
    del istio_on_path
    plugin = shutil.which("pulumi-resource-kubernetes")
    if plugin is None:
        pytest.skip("not on PATH: pulumi-resource-kubernetes; `./fleet test` builds what is missing")
    (empty_project.root / "__main__.py").write_text(_PROGRAM)
    yield empty_project
    folders.remove_all(empty_project.root / ".fleet/stacks/test")
    lifecycle.remove_all(empty_project.root / ".fleet/stacks/test")


def _injected(lab: Lab, namespace: str) -> str:
    """The revision of the control plane that a new pod there gets its sidecar from."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-", "namespace": namespace}}
    pod["spec"] = {"containers": [{"name": "web", "image": "example.com/web:1"}]}
    made = json.loads(lab.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(pod)))
    revision: str = json.loads(made["metadata"]["annotations"]["sidecar.istio.io/status"])["revision"]
    return revision


def test_it_is_made_upgraded_brought_back_and_destroyed(istio: Project, new_lab: MakeLab) -> None:
    istio.run("up", "--yes", "--skip-preview")
    lab = new_lab(istio.root)
    services = json.loads(lab.kubectl("get", "services", "--namespace", "istio-system", "-o", "json"))["items"]
    by_name = {each["metadata"]["name"]: each for each in services}
    east_west, ingress = by_name["istio-eastwestgateway"], by_name["istio-ingressgateway"]
    assert east_west["spec"]["loadBalancerSourceRanges"] == ["10.3.0.0/16"]
    assert east_west["metadata"]["labels"]["topology.istio.io/network"] == "na"
    assert "topology.istio.io/network" not in ingress["metadata"]["labels"]
    for service in (east_west, ingress):
        assert service["status"]["loadBalancer"]["ingress"]
        selector = ",".join(f"{key}={value}" for key, value in service["spec"]["selector"].items())
        pods = lab.kubectl("get", "pods", "--namespace", "istio-system", "--selector", selector, "-o", "json")
        (pod,) = json.loads(pods)["items"]
        assert "auto" not in {container["image"] for container in pod["spec"]["containers"]}
    istio.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    lab.kubectl("create", "namespace", "meshed")
    lab.kubectl("label", "namespace", "meshed", "istio-injection=enabled")
    assert _injected(lab, "meshed") == "default"

    Group(istio.root / ".fleet/stacks/test/istiod/test-na").stop()
    istio.run("refresh", "--yes", "--skip-preview")
    assert "1 updated" in istio.run("up", "--yes", "--skip-preview")
    assert _injected(lab, "meshed") == "default"

    istio.configure(mesh=json.dumps({"revisions": _TWO}))
    istio.run("up", "--yes", "--skip-preview")
    assert _injected(lab, "meshed") == "default"
    istio.configure(mesh=json.dumps({"revisions": _TWO, "current": "next"}))
    istio.run("up", "--yes", "--skip-preview")
    assert _injected(lab, "meshed") == "next"
    istio.configure(mesh=json.dumps({"revisions": _TWO[1:]}))
    istio.run("up", "--yes", "--skip-preview")
    assert _injected(lab, "meshed") == "next"
    assert [folder.name for folder in (istio.root / ".fleet/stacks/test/istiod").glob("*/")] == ["test-na-next"]
    istio.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    istio.run("destroy", "--yes", "--skip-preview")
    assert list((istio.root / ".fleet/stacks").glob("*")) == []
