"""The examples do what they say in the lab that the repository describes, and Karmada takes them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.federation.failover import taint_policy
from components.federation.placement import propagation_policies
from stacks.federation import FailoverSettings
from stacks.quantities import parse
from stacks.settings import Settings, from_file
from stacks.tenants import Tenant
from tests.unit.karmada_kinds import faults

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples").glob("*.yaml"))
LABEL = "fleet/placement"
TEMPLATES = {"Deployment", "StatefulSet"}


def objects(*files: Path) -> list[dict[str, Any]]:
    return [each for file in files for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def lab() -> Settings:
    return from_file(ROOT / "stacks" / "Pulumi.lab.yaml")


@pytest.fixture(scope="module")
def shop(lab: Settings) -> Tenant:
    [tenant] = [tenant for tenant in lab.tenants if tenant.name == "shop"]
    return tenant


def of_the_shop() -> list[dict[str, Any]]:
    return [each for each in objects(*FILES) if each["metadata"].get("namespace") == "shop"]


def placed() -> list[dict[str, Any]]:
    return [each for each in of_the_shop() if LABEL in each["metadata"].get("labels", {})]


def test_every_strategy_of_the_lab_has_an_example(lab: Settings) -> None:
    used = {each["metadata"]["labels"][LABEL] for each in placed() if each["kind"] in TEMPLATES}
    strategies = {lab.federation.placements[name].strategy for name in used}
    assert strategies == {"even", "weighted", "single", "backup", "local"}


def test_every_placement_that_an_example_names_is_one_of_the_lab(lab: Settings) -> None:
    assert {each["metadata"]["labels"][LABEL] for each in placed()} <= lab.federation.placements.keys()


def test_the_examples_of_a_tenant_are_in_a_namespace_of_a_tenant(lab: Settings, shop: Tenant) -> None:
    assert shop.namespace_names == ("shop",)
    assert set(shop.regions) == set(lab.regions)


def test_what_an_example_labels_is_selected_by_a_policy_of_its_namespace(lab: Settings) -> None:
    policies = propagation_policies(
        namespace="shop",
        placements=lab.federation.placements,
        members={region: lab.cluster_name(region) for region in lab.regions},
        failover=lab.federation.failover,
    )
    kinds = {(each["apiVersion"], each["kind"]) for policy in policies for each in policy["spec"]["resourceSelectors"]}
    assert {(each["apiVersion"], each["kind"]) for each in placed()} <= kinds


def pods_of(each: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = each["spec"]["template"]["spec"]
    return spec


def test_the_pods_of_the_examples_are_let_in(shop: Tenant) -> None:
    workloads = [each for each in of_the_shop() if each["kind"] in TEMPLATES]
    assert workloads
    for each in workloads:
        pod = pods_of(each)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            for resource, wanted in container["resources"]["limits"].items():
                assert parse(wanted) <= parse(shop.limits.max[resource])
            for resource, wanted in container["resources"]["requests"].items():
                assert parse(wanted) >= parse(shop.limits.min[resource])


def test_what_autoscalers_scale_is_there() -> None:
    workloads = {(each["kind"], each["metadata"]["name"]) for each in of_the_shop() if each["kind"] in TEMPLATES}
    scalers = [each for each in of_the_shop() if "scaleTargetRef" in each.get("spec", {})]
    assert {each["kind"] for each in scalers} == {"FederatedHPA", "CronFederatedHPA", "HorizontalPodAutoscaler"}
    for each in scalers:
        target = each["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in workloads


def test_the_clusters_that_a_policy_names_are_those_of_the_lab(lab: Settings) -> None:
    names = {lab.cluster_name(region) for region in lab.regions}
    policies = [each for each in objects(*FILES) if each["kind"] == "PropagationPolicy"]
    assert policies
    for each in policies:
        assert set(each["spec"]["placement"]["clusterAffinity"]["clusterNames"]) <= names


def test_the_readme_names_every_example_and_no_other() -> None:
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?<![.\w-])[\w-]+\.yaml", text)) == {file.name for file in FILES}


def karmada_objects() -> Iterator[dict[str, Any]]:
    lab = from_file(ROOT / "stacks" / "Pulumi.lab.yaml")
    members = {region: lab.cluster_name(region) for region in lab.regions}
    for failover in (lab.federation.failover, FailoverSettings()):
        yield from propagation_policies(
            namespace="shop", placements=lab.federation.placements, members=members, failover=failover
        )
    yield taint_policy()
    yield from (each for each in objects(*FILES) if "karmada.io" in each["apiVersion"])


def test_karmada_knows_every_field_of_what_it_is_given() -> None:
    assert [fault for each in karmada_objects() for fault in faults(each)] == []


def test_a_field_that_karmada_does_not_know_is_found() -> None:
    policy = taint_policy()
    policy["spec"]["taints"][0]["efect"] = policy["spec"]["taints"][0].pop("effect")
    assert len(list(faults(policy))) == 2
