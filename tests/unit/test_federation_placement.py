"""A placement is what Karmada is told: which members, how many replicas each, and what happens when one fails."""

from typing import Any

import pytest

from components.federation.failover import NOT_READY
from components.federation.placement import (
    NoRegionError,
    placement_rules,
    propagation_policies,
    propagation_policy,
    supporting_policy,
)
from stacks.federation import (
    BackupPlacement,
    EvenPlacement,
    FailoverSettings,
    LocalPlacement,
    Placement,
    SinglePlacement,
    WeightedPlacement,
)

MEMBERS = {"na": "lab-na", "eu": "lab-eu", "sea": "lab-sea"}
EVEN = EvenPlacement(strategy="even")
WEIGHTED = WeightedPlacement(strategy="weighted", weights={"na": 3, "eu": 1})
SINGLE = SinglePlacement(strategy="single", region="eu")
BACKUP = BackupPlacement(strategy="backup", primary="eu", backups=("sea", "na"))
LOCAL = LocalPlacement(strategy="local", region="sea")
ALL: list[Placement] = [EVEN, WEIGHTED, SINGLE, BACKUP, LOCAL]

DIVIDED = {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted"}
FAILED = {"key": NOT_READY, "operator": "Exists", "effect": "NoExecute"}


def tolerations(placement: Placement, members: dict[str, str] = MEMBERS, **failover: object) -> list[dict[str, Any]]:
    settings = FailoverSettings.model_validate(failover)
    policy = propagation_policy("web", namespace="shop", placement=placement, members=members, failover=settings)
    found: list[dict[str, Any]] = policy["spec"]["placement"].get("clusterTolerations", [])
    return found


def test_even_divides_over_all_members_alike() -> None:
    assert placement_rules(EVEN, MEMBERS) == {
        "clusterAffinity": {"clusterNames": ["lab-eu", "lab-na", "lab-sea"]},
        "replicaScheduling": DIVIDED,
    }


def test_even_keeps_to_the_regions_it_names() -> None:
    two = EvenPlacement(strategy="even", regions=("sea", "na"))
    assert placement_rules(two, MEMBERS)["clusterAffinity"] == {"clusterNames": ["lab-na", "lab-sea"]}


def test_weighted_gives_each_member_its_weight_and_the_others_nothing() -> None:
    rules = placement_rules(WEIGHTED, MEMBERS)
    assert rules["clusterAffinity"] == {"clusterNames": ["lab-eu", "lab-na"]}
    assert rules["replicaScheduling"] == {
        **DIVIDED,
        "weightPreference": {
            "staticWeightList": [
                {"targetCluster": {"clusterNames": ["lab-eu"]}, "weight": 1},
                {"targetCluster": {"clusterNames": ["lab-na"]}, "weight": 3},
            ]
        },
    }


@pytest.mark.parametrize(("placement", "member"), [(SINGLE, "lab-eu"), (LOCAL, "lab-sea")])
def test_single_and_local_name_one_member(placement: Placement, member: str) -> None:
    assert placement_rules(placement, MEMBERS)["clusterAffinity"] == {"clusterNames": [member]}


def test_backup_fills_the_primary_and_then_each_backup_in_order() -> None:
    rules = placement_rules(BACKUP, MEMBERS)
    assert rules["clusterAffinities"] == [
        {
            "affinityName": "primary",
            "clusterNames": ["lab-eu"],
            "overflowAffinities": [
                {"affinityName": "backup-1", "clusterNames": ["lab-sea"]},
                {"affinityName": "backup-2", "clusterNames": ["lab-na"]},
            ],
        }
    ]
    assert "clusterAffinity" not in rules
    assert rules["replicaScheduling"]["weightPreference"] == {"dynamicWeight": "AvailableReplicas"}


def test_without_its_primary_a_backup_takes_its_place() -> None:
    rules = placement_rules(BACKUP, {"na": "lab-na", "sea": "lab-sea"})
    assert rules["clusterAffinities"][0]["clusterNames"] == ["lab-sea"]
    assert [each["clusterNames"] for each in rules["clusterAffinities"][0]["overflowAffinities"]] == [["lab-na"]]


def test_a_backup_without_backups_is_in_one_region() -> None:
    assert placement_rules(BACKUP, {"na": "lab-na"}) == {
        "clusterAffinity": {"clusterNames": ["lab-na"]},
        "replicaScheduling": DIVIDED,
    }


@pytest.mark.parametrize("placement", ALL, ids=lambda placement: placement.strategy)
def test_no_placement_reaches_beyond_its_members(placement: Placement) -> None:
    for region, member in MEMBERS.items():
        try:
            rules = placement_rules(placement, {region: member})
        except NoRegionError:
            continue
        assert rules["clusterAffinity"]["clusterNames"] == [member]
        assert all(other not in str(rules) for other in MEMBERS.values() if other != member)


@pytest.mark.parametrize(
    ("placement", "members", "text"),
    [
        (WEIGHTED, {"sea": "lab-sea"}, "the placement names eu, na, but there is only sea"),
        (SINGLE, {"na": "lab-na", "sea": "lab-sea"}, "the placement names eu, but there is only na, sea"),
        (LOCAL, {"na": "lab-na", "eu": "lab-eu"}, "the placement names sea, but there is only eu, na"),
    ],
)
def test_a_placement_without_a_region_is_refused(placement: Placement, members: dict[str, str], text: str) -> None:
    with pytest.raises(NoRegionError, match=f"^{text}$"):
        placement_rules(placement, members)


def test_a_policy_takes_the_workloads_that_are_labelled_with_its_name() -> None:
    policy = propagation_policy("wide", namespace="shop", placement=EVEN, members=MEMBERS, failover=FailoverSettings())
    spec = policy["spec"]
    kinds = {selector["kind"] for selector in spec["resourceSelectors"]}
    assert {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"} == kinds
    for selector in spec["resourceSelectors"]:
        assert selector["labelSelector"] == {"matchLabels": {"fleet/placement": "wide"}}
        assert selector["namespace"] == "shop"
    assert spec["propagateDeps"] is True
    assert spec["conflictResolution"] == "Overwrite"


@pytest.mark.parametrize("placement", [EVEN, WEIGHTED, BACKUP], ids=lambda placement: placement.strategy)
def test_replicas_leave_a_failed_member_after_the_stated_time(placement: Placement) -> None:
    assert tolerations(placement, toleranceSeconds=45) == [{**FAILED, "tolerationSeconds": 45}]
    assert tolerations(placement, toleranceSeconds=0) == []


@pytest.mark.parametrize("placement", ALL, ids=lambda placement: placement.strategy)
def test_replicas_with_nowhere_to_go_stay_in_a_failed_member(placement: Placement) -> None:
    region = {"single": "eu", "local": "sea"}.get(placement.strategy, "na")
    found = tolerations(placement, {region: MEMBERS[region]}, toleranceSeconds=0)
    assert found == ([{"operator": "Exists", "effect": "NoExecute"}] if placement is LOCAL else [FAILED])


def test_only_local_stays_when_a_member_is_emptied() -> None:
    emptied = {"key": "maintenance", "effect": "NoExecute"}
    for placement in ALL:
        tolerated = [each for each in tolerations(placement) if each.get("key") in {None, emptied["key"]}]
        assert bool(tolerated) == (placement is LOCAL)


@pytest.mark.parametrize("placement", ALL, ids=lambda placement: placement.strategy)
def test_nothing_new_is_sent_to_a_member_that_takes_no_work(placement: Placement) -> None:
    assert all(each["effect"] == "NoExecute" for each in tolerations(placement))


def test_without_failover_no_time_is_stated() -> None:
    assert tolerations(EVEN, enabled=False) == []


def test_what_supports_workloads_is_in_every_member_and_stays() -> None:
    spec = supporting_policy(namespace="shop", members=MEMBERS)["spec"]
    kinds = {selector["kind"] for selector in spec["resourceSelectors"]}
    assert {"Service", "ConfigMap", "Secret", "HorizontalPodAutoscaler", "VerticalPodAutoscaler"} < kinds
    assert "PersistentVolumeClaim" not in kinds, "a claim belongs where its workload is"
    assert all(
        each["labelSelector"] == {"matchExpressions": [{"key": "fleet/placement", "operator": "Exists"}]}
        for each in spec["resourceSelectors"]
    )
    assert spec["placement"] == {
        "clusterAffinity": {"clusterNames": ["lab-eu", "lab-na", "lab-sea"]},
        "clusterTolerations": [{"operator": "Exists"}],
    }


def test_a_namespace_has_the_placements_that_have_a_region_there() -> None:
    placements: dict[str, Placement] = {"wide": EVEN, "in-eu": SINGLE, "data": LOCAL}
    policies = propagation_policies(
        namespace="shop",
        placements=placements,
        members={"na": "lab-na", "eu": "lab-eu"},
        failover=FailoverSettings(),
    )
    assert [each["metadata"]["name"] for each in policies] == ["workloads-in-eu", "workloads-wide", "supporting"]
    assert {each["metadata"]["namespace"] for each in policies} == {"shop"}


def test_a_placement_called_like_the_supporting_policy_has_a_name_of_its_own() -> None:
    policies = propagation_policies(
        namespace="shop", placements={"supporting": EVEN}, members=MEMBERS, failover=FailoverSettings()
    )
    assert len({each["metadata"]["name"] for each in policies}) == 2
