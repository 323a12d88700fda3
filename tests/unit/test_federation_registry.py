"""What the federation is made of depends on the clouds of the manager and of the members, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import set_mocks

from components.federation import FederationArgs
from components.federation.flags import control_plane_flags
from components.federation.helm import HelmKarmada
from components.federation.lab import LabKarmada
from components.federation.registry import create_control_plane
from stacks.checks import control_plane as problems
from stacks.clusters import Cloud
from stacks.errors import Place
from stacks.federation import FederationSettings
from tests.unit.karmada_chart_samples import settings as chart
from tests.unit.settings_samples import cluster, config, errors_of, loaded
from tests.unit.test_federation_helm import Recorder, StandIn, plain


class OtherCloud(StrEnum):
    """A cloud with real pods, of which the federation has never heard."""

    KIND = "kind"


_KIND = cast("Cloud", OtherCloud.KIND)
_CHART = FederationSettings.model_validate({"controlPlane": chart()})
_PLACE = Place("fleet:federation")
_WRITTEN = {"hostname": "karmada.example.com", "sourceRanges": ["198.51.100.0/24"], "storageClass": "ssd"}


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    mocks = Recorder()
    set_mocks(mocks, project="fleet", stack="lab")
    yield mocks
    set_mocks(Recorder())


def _made(cloud: Cloud, settings: FederationSettings) -> str:
    """The class of the control plane that is made, once all of it is."""
    classes: list[str] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        manager = StandIn(
            pulumi.ProviderResource("kubernetes", "lab-manager-kubernetes", {}),
            pulumi.ComponentResource("t:m:C", "lab-manager"),
        )
        made = create_control_plane("lab-karmada", cloud, settings, manager)  # type: ignore[arg-type]
        classes.append(type(made).__name__)
        return made.urn.apply(lambda _: None)

    run()
    (name,) = classes
    return name


def test_the_lab_s_manager_has_processes(recorder: Recorder) -> None:
    assert _made(Cloud.LAB, FederationSettings()) == LabKarmada.__name__
    assert "lab:index:Karmada" in {each.typ for each in recorder.created}


def test_the_manager_of_any_other_cloud_has_the_chart_with_the_flags_of_the_settings(recorder: Recorder) -> None:
    failover = {"unreachableSeconds": 17}
    settings = FederationSettings.model_validate({"failover": failover, "controlPlane": chart()})
    assert _made(_KIND, settings) == HelmKarmada.__name__
    values = plain(recorder.inputs("kubernetes:helm.sh/v3:Release", "release"))["values"]
    for key, program in (("controllerManager", "karmada-controller-manager"), ("webhook", "karmada-webhook")):
        flags = values[key]["podAnnotations"]["fleet/flags"].split()
        assert flags == control_plane_flags(settings)[program]
    assert "--cluster-failure-threshold=17s" in values["controllerManager"]["podAnnotations"]["fleet/flags"]
    assert recorder.inputs("kubernetes:apps/v1:Deployment", "come-home-deployment")


def test_without_failover_nothing_waits_to_bring_replicas_home(recorder: Recorder) -> None:
    _made(_KIND, FederationSettings.model_validate({"failover": {"enabled": False}, "controlPlane": chart()}))
    assert [each.name for each in recorder.created if "come-home" in each.name] == []


def test_a_cloud_without_a_description_of_its_control_plane_is_a_defect() -> None:
    with pytest.raises(ValueError, match=r"kind needs the manager's cluster and federation\.controlPlane"):
        create_control_plane("lab-karmada", _KIND, FederationSettings(), None)


def test_the_manager_s_cluster_is_needed_where_karmada_runs_in_it() -> None:
    settings = loaded()
    clusters: dict[str, Any] = {"na": None, "eu": None}
    assert FederationArgs(settings=settings, clusters=clusters)
    manager = settings.manager.model_copy(update={"cloud": _KIND})
    elsewhere = settings.model_copy(update={"manager": manager})
    with pytest.raises(ValueError, match="there is no cluster for manager"):
        FederationArgs(settings=elsewhere, clusters=clusters)
    assert FederationArgs(settings=elsewhere, clusters=clusters | {"manager": None})


def test_the_lab_refuses_a_control_plane_that_it_would_not_make() -> None:
    (error,) = errors_of(config(federation={"controlPlane": _WRITTEN}))
    assert error.startswith("fleet:federation.controlPlane: is for a manager in a cloud; the lab's Karmada needs no")


def test_every_error_in_a_control_plane_is_told_with_its_place() -> None:
    errors = errors_of(config(federation={"controlPlane": {**_WRITTEN, "hostname": "karmada", "sourceRanges": []}}))
    assert [line.split(": ")[0] for line in errors] == [
        "fleet:federation.controlPlane.hostname",
        "fleet:federation.controlPlane.sourceRanges",
    ]


@pytest.mark.parametrize(
    ("federation", "wanted"),
    [
        (FederationSettings(), ["fleet:federation.controlPlane: is missing; Karmada runs in the manager's cluster"]),
        (FederationSettings(enabled=False), []),
        (_CHART, []),
    ],
    ids=["missing", "no federation", "right"],
)
def test_every_other_cloud_needs_a_control_plane_if_there_is_a_federation(
    federation: FederationSettings, wanted: list[str]
) -> None:
    manager = loaded(manager=cluster(9)).manager.model_copy(update={"cloud": _KIND})
    found = list(problems(federation, _PLACE, {"manager": (Place("fleet:manager"), manager)}))
    assert len(found) == len(wanted)
    assert all(line.startswith(start) for line, start in zip(found, wanted, strict=True))
