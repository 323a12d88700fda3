"""Karmada is told when a region has failed, and how fast its replicas leave."""

import pytest

from components.federation.failover import NOT_READY, agent_flags, failover_flags, taint_policy, webhook_flags
from components.federation.flags import control_plane_flags
from stacks.federation import FailoverSettings, FederationSettings, RateSettings


def failover(**changes: object) -> FailoverSettings:
    return FailoverSettings.model_validate(changes)


def flags_of(arguments: list[str]) -> dict[str, str]:
    flags = {name: value for name, _, value in (argument.partition("=") for argument in arguments)}
    assert len(flags) == len(arguments), "a flag is given twice"
    return flags


def test_failover_is_on_and_its_times_are_those_of_the_settings() -> None:
    flags = flags_of(
        failover_flags(
            failover(
                unreachableSeconds=15,
                recoveredSeconds=20,
                clusterStatusIntervalSeconds=5,
                evictionsPerSecond=200,
                replacementSeconds=90,
            )
        )
    )
    assert flags == {
        "--cluster-status-update-frequency": "5s",
        "--cluster-failure-threshold": "15s",
        "--cluster-success-threshold": "20s",
        "--cluster-monitor-period": "2s",
        "--cluster-monitor-grace-period": "20s",
        "--graceful-eviction-timeout": "90s",
        "--feature-gates": "Failover=true",
        "--enable-no-execute-taint-eviction": "true",
        "--resource-eviction-rate": "200",
    }


def test_without_failover_regions_are_watched_and_nothing_is_evicted() -> None:
    off = failover(enabled=False)
    flags = flags_of(failover_flags(off))
    assert flags["--cluster-failure-threshold"] == "30s"
    assert not flags.keys() & {"--feature-gates", "--enable-no-execute-taint-eviction", "--resource-eviction-rate"}
    assert webhook_flags(off) == []


@pytest.mark.parametrize(("unreachable", "interval"), [(30, 10), (10, 1), (1, 1), (60, 60), (300, 10)])
def test_an_agent_shows_that_it_lives_often_enough(unreachable: int, interval: int) -> None:
    settings = failover(unreachableSeconds=unreachable, clusterStatusIntervalSeconds=interval)
    agent, controllers = flags_of(agent_flags(settings)), flags_of(failover_flags(settings))
    grace = int(controllers["--cluster-monitor-grace-period"][:-1])
    renewal = int(agent["--cluster-lease-duration"][:-1]) * float(agent["--cluster-lease-renew-interval-fraction"])
    assert 2 * renewal < grace, "one lost renewal would be a failure"
    for flag in ("--cluster-status-update-frequency", "--cluster-failure-threshold", "--cluster-success-threshold"):
        assert agent[flag] == controllers[flag]


@pytest.mark.parametrize(("unreachable", "interval"), [(30, 10), (10, 1), (1, 1), (60, 60), (300, 10)])
def test_no_member_is_given_up_before_its_time(unreachable: int, interval: int) -> None:
    flags = flags_of(failover_flags(failover(unreachableSeconds=unreachable, clusterStatusIntervalSeconds=interval)))
    seconds = {name: int(value[:-1]) for name, value in flags.items() if value.endswith("s")}
    silent = seconds["--cluster-monitor-grace-period"]
    assert silent >= unreachable
    assert silent > 2 * interval, "one lost report would be a failure"
    assert 0 < seconds["--cluster-monitor-period"] < silent


def test_a_member_that_is_not_ready_is_tainted_until_it_is() -> None:
    spec = taint_policy()["spec"]
    assert spec["taints"] == [{"key": NOT_READY, "effect": "NoExecute"}]
    assert spec["addOnConditions"] == [{"conditionType": "Ready", "operator": "NotIn", "statusValues": ["True"]}]
    assert spec["removeOnConditions"] == [{"conditionType": "Ready", "operator": "In", "statusValues": ["True"]}]
    assert webhook_flags(failover()) == ["--allow-no-execute-taint-policy=true"]


def test_every_program_gets_its_rates() -> None:
    rates = RateSettings(requestsPerSecond=1000, memberRequestsPerSecond=500, queuedPerSecond=300, parallelSyncs=30)
    by_program = {name: flags_of(flags) for name, flags in control_plane_flags(FederationSettings(rates=rates)).items()}
    assert set(by_program) == {"karmada-controller-manager", "karmada-scheduler", "karmada-webhook"}
    for flags in by_program.values():
        assert flags["--kube-api-qps"] == "1000"
        assert flags["--kube-api-burst"] == "2000"
    controllers = by_program["karmada-controller-manager"]
    assert controllers["--cluster-api-qps"] == "500"
    assert controllers["--cluster-api-burst"] == "1000"
    for flags in (controllers, by_program["karmada-scheduler"]):
        assert (flags["--rate-limiter-qps"], flags["--rate-limiter-max-delay"]) == ("300", "30s")
    assert controllers["--concurrent-work-syncs"] == "30"
    assert controllers["--concurrent-namespace-syncs"] == "10"


def test_the_slowest_fleet_still_works_on_everything() -> None:
    slow = FederationSettings(rates=RateSettings(parallelSyncs=1))
    syncs = [flag for flag in control_plane_flags(slow)["karmada-controller-manager"] if "-syncs=" in flag]
    assert syncs
    assert all(flag.endswith("=1") for flag in syncs)


def test_autoscalers_of_a_member_are_not_put_right_by_karmada() -> None:
    controllers = flags_of(control_plane_flags(FederationSettings())["karmada-controller-manager"])["--controllers"]
    assert controllers.split(",") == ["*", "hpaScaleTargetMarker", "deploymentReplicasSyncer"]
