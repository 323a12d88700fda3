"""A region's Istio: what its charts are told, in the lab and in a cloud, and in which order it comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import MockResourceArgs

from components.mesh.charts import HUB, REPOSITORY, BuiltCharts, east_west_values, merged
from components.mesh.control_plane import IstioControlPlane
from components.mesh.helm import HelmIstio
from components.mesh.injection import default_tag
from components.mesh.istio import RegionalIstioArgs
from components.mesh.lab import LabIstio
from components.mesh.registry import installer
from lab.tools.catalogue import ISTIO
from stacks.mesh import MeshSettings
from tests.unit.mesh_samples import MeshRecorder, SampleCluster, fleet

_RELEASE = "kubernetes:helm.sh/v3:Release"
_TAG = "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration"
_VERSIONS = {"default": "1.31.1", "next": "1.31.2"}
_SIDES = [{"name": name, "version": version} for name, version in _VERSIONS.items()]


class PortsRecorder(MeshRecorder):
    """Gives ports as well."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        identity, state = super().new_resource(args)
        if args.typ == "lab:index:IstiodPorts":
            urls = {f"{each}Url": f"https://localhost/{args.name}/{each}" for each in ("injection", "validation")}
            state = {**state, **urls, "statusUrl": "http://127.0.0.1"}
        return identity, state


@dataclass
class Made:
    """What came of one region: by name what each resource comes after, and what all of it goes with."""

    recorder: PortsRecorder = field(default_factory=PortsRecorder)
    after: dict[str, set[str]] = field(default_factory=dict)
    deleted_with: dict[str, str] = field(default_factory=dict)
    resource: str = ""

    def see(self, args: pulumi.ResourceTransformationArgs) -> None:
        depends: list[pulumi.Resource] = args.opts.depends_on or []  # type: ignore[assignment]
        name = f"istiod/{args.name}" if args.type_ == "lab:index:Istiod" else args.name
        self.after.setdefault(name, set()).update(each._name for each in depends)
        if args.opts.deleted_with is not None:
            self.deleted_with[args.name] = args.opts.deleted_with._name

    def release(self, name: str) -> dict[str, Any]:
        return self.recorder.of(_RELEASE)[f"lab-eu-{name}"]


def make(
    kind: type[LabIstio] | type[HelmIstio] | None = None, sources: tuple[str, ...] = ("10.2.0.0/16",), **mesh: object
) -> Made:
    made = Made()
    settings = fleet(mesh=mesh)

    def program() -> pulumi.Resource:
        namespace = pulumi.CustomResource("test:x:Namespace", "istio-system")
        args = RegionalIstioArgs(
            cluster=SampleCluster("eu", settings),
            mesh_id="one",
            settings=settings.mesh,
            namespace=namespace,  # type: ignore[arg-type]
            cacerts=pulumi.Output.secret({"root-cert.pem": "roots"}),
            gateway_sources=sources,
        )
        install = kind or installer(settings)
        istio = install("lab-eu", args, pulumi.ResourceOptions(transformations=[made.see]))
        assert isinstance(istio, IstioControlPlane)
        made.resource = istio.resource._name
        return istio

    made.recorder.run(program)
    return made


@pytest.fixture(autouse=True)
def charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs on PATH, in the project's."""
    program = tmp_path / "bin" / "pilot-discovery"
    program.parent.mkdir()
    program.touch(mode=0o700)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.chdir(tmp_path)
    return program.parent


def test_the_lab_s_region_has_a_process_that_the_charts_lead_to() -> None:
    made = make()
    (ports,) = made.recorder.of("lab:index:IstiodPorts").values()
    assert ports["directory"] == ".fleet/stacks/lab"
    (istiod,) = made.recorder.of("lab:index:Istiod").values()
    assert istiod["cluster"] == "lab-eu"
    assert istiod["version"] == ISTIO.version
    assert istiod["certificates"] == {"root-cert.pem": "roots"}
    assert istiod["environment"]["ISTIO_MULTIROOT_MESH"] == "true"
    values = made.release("istiod")["values"]
    assert values["istiodRemote"]["injectionURL"] == "https://localhost/lab-eu/injection"
    assert values["base"]["validationURL"] == "https://localhost/lab-eu/validation"
    assert made.release("istio-base")["values"]["base"]["validationURL"] == "https://localhost/lab-eu/validation"
    assert values["autoscaleEnabled"] is False


def test_each_comes_after_what_it_needs_and_goes_with_the_cluster() -> None:
    made = make()
    assert made.after["lab-eu-istio-base"] == {"istio-system"}
    assert made.after["lab-eu-istiod"] == {"istio-system", "lab-eu-istio-base"}
    assert made.after["istiod/lab-eu"] == {"lab-eu-istiod"}
    for name in ("istio-eastwestgateway", "istio-ingressgateway", "cross-network-gateway"):
        assert made.after[f"lab-eu-{name}"] == {"istio-system", made.resource}
    inside = [each.name for each in made.recorder.created if each.typ.startswith("kubernetes:")]
    assert len(inside) == 5
    assert {made.deleted_with[name] for name in inside} == {"lab-eu"}


def test_the_charts_say_which_mesh_cluster_and_network_it_is() -> None:
    for kind in (LabIstio, HelmIstio):
        values = make(kind).release("istiod")["values"]
        told = values["global"]
        assert (told["meshID"], told["multiCluster"]["clusterName"], told["network"]) == ("one", "lab-eu", "eu")
        assert values["meshConfig"]["trustDomain"] == "cluster.local"
        assert values["revision"] == ""


def test_the_lab_s_charts_are_those_beside_its_istiod_named_from_the_project_s_folder() -> None:
    made = make()
    assert made.release("istio-base")["chart"] == "bin/istio-charts/base"
    assert made.release("istiod")["chart"] == "bin/istio-charts/istio-control/istio-discovery"
    assert made.release("istio-ingressgateway")["chart"] == "bin/istio-charts/gateway"


def test_without_the_lab_s_programs_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ValueError, match="pilot-discovery is not on PATH"):
        BuiltCharts().named("base", "1.31.1")


def test_in_a_cloud_charts_and_images_are_a_release_s_and_istiod_survives_a_node() -> None:
    made = make(HelmIstio)
    releases = made.recorder.of(_RELEASE).values()
    assert {each["chart"] for each in releases} == {"base", "istiod", "cni", "gateway"}
    assert {each["version"] for each in releases} == {"1.31.1"}
    assert {each["repositoryOpts"]["repo"] for each in releases} == {REPOSITORY}
    for name in ("istiod", "istio-cni"):
        assert made.release(name)["values"]["global"]["hub"] == HUB
        assert made.release(name)["values"]["global"]["tag"] == "1.31.1"
    assert made.release("istiod")["values"]["autoscaleMin"] == 2
    assert made.recorder.of("lab:index:Istiod") == {}
    assert made.release("istio-cni")["namespace"] == "kube-system"


def test_the_east_west_gateway_lets_in_the_other_regions_alone_and_is_its_network_s_only_one() -> None:
    made = make(sources=("10.2.0.0/16", "203.0.113.7/32"))
    values = made.release("istio-eastwestgateway")["values"]
    assert values["service"]["loadBalancerSourceRanges"] == ["10.2.0.0/16", "203.0.113.7/32"]
    assert values["networkGateway"] == "eu"
    assert "networkGateway" not in made.release("istio-ingressgateway")["values"]
    (gateway,) = made.recorder.of("kubernetes:networking.istio.io/v1:Gateway").values()
    (server,) = gateway["spec"]["servers"]
    assert (server["port"]["number"], server["tls"], server["hosts"]) == (
        15443,
        {"mode": "AUTO_PASSTHROUGH"},
        ["*.local"],
    )
    assert gateway["spec"]["selector"] == {"istio": "eastwestgateway"}


def test_where_nobody_may_reach_it_there_is_no_east_west_gateway() -> None:
    made = make(sources=())
    assert not any("eastwest" in name for name in made.recorder.of(_RELEASE))
    assert made.recorder.of("kubernetes:networking.istio.io/v1:Gateway") == {}
    with pytest.raises(ValueError, match="open to everybody"):
        east_west_values("eu", [])


def test_two_revisions_stand_side_by_side_and_the_first_stays_the_default() -> None:
    made = make(HelmIstio, revisions=_SIDES)
    assert made.release("istiod")["values"]["revision"] == ""
    assert made.release("istiod")["version"] == "1.31.1"
    assert made.release("istiod-next")["values"]["revision"] == "next"
    assert made.release("istiod-next")["version"] == "1.31.2"
    assert made.release("istio-base")["version"] == "1.31.2", "kinds are those of the newest"
    assert made.release("istio-base")["values"]["defaultRevision"] == "default"
    assert made.release("istio-ingressgateway")["version"] == "1.31.1"
    assert made.recorder.of(_TAG) == {}
    assert not made.release("istiod")["values"]["global"]["operatorManageWebhooks"]


def test_when_another_revision_is_current_the_tag_leads_to_it_before_the_old_one_gives_up_its_webhook() -> None:
    for kind in (HelmIstio, LabIstio):
        made = make(kind, revisions=_SIDES, current="next")
        (tag,) = made.recorder.of(_TAG).values()
        assert tag["metadata"]["labels"]["istio.io/rev"] == "next"
        assert made.after["lab-eu-istio-revision-tag-default"] == {
            "istio-system",
            "lab-eu-next" if kind is LabIstio else "lab-eu-istio-cni",
        }
        assert made.release("istiod")["values"]["global"]["operatorManageWebhooks"]
        assert not made.release("istiod-next")["values"]["global"]["operatorManageWebhooks"]
        assert "lab-eu-istio-revision-tag-default" in made.after["lab-eu-istiod"]
        assert made.release("istio-base")["values"]["defaultRevision"] == "next"
        assert made.resource == "lab-eu-istio-revision-tag-default"
        client: dict[str, Any] = {"url": "https://localhost/lab-eu-next/injection"}
        if kind is HelmIstio:
            service = {"name": "istiod-next", "namespace": "istio-system", "path": "/inject", "port": 443}
            client = {"service": service}
        assert [each["clientConfig"] for each in tag["webhooks"]] == [client] * 4


def test_the_tag_takes_pods_that_ask_for_sidecars_and_not_those_that_name_another_revision() -> None:
    webhooks = {each["name"].partition(".sidecar")[0]: each for each in default_tag("next", {})["webhooks"]}
    assert webhooks.keys() == {"rev.namespace", "rev.object", "namespace", "object"}

    def keys(name: str, selector: str, operator: str) -> set[str]:
        return {each["key"] for each in webhooks[name][selector]["matchExpressions"] if each["operator"] == operator}

    assert keys("namespace", "namespaceSelector", "In") == {"istio-injection"}
    assert keys("namespace", "objectSelector", "NotIn") == {"sidecar.istio.io/inject"}
    assert keys("object", "objectSelector", "In") == {"sidecar.istio.io/inject"}
    assert keys("object", "namespaceSelector", "DoesNotExist") == {"istio-injection", "istio.io/rev"}
    assert keys("rev.namespace", "namespaceSelector", "In") == {"istio.io/rev"}


def test_values_of_several_layers_are_one() -> None:
    assert merged({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}, "d": 4}) == {"a": {"b": 1, "c": 3}, "d": 4}
    assert merged({"a": 1}, {"a": {"b": 1}}) == {"a": {"b": 1}}


def test_settings_of_the_mesh_have_one_current_revision() -> None:
    assert MeshSettings.model_validate({"revisions": _SIDES}).current_revision == "default"
