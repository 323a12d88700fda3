"""Where requests go, by the rules that each region's istiod reads."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.mesh.policy import mesh_policies
from components.mesh.traffic import Place, destination_rules, percentages
from stacks.traffic import next_regions
from tests.unit.mesh_samples import LOCATIONS, fleet
from tests.unit.settings_samples import cluster, loaded

PLACES = {region: Place(cluster=f"lab-{region}", location=location) for region, location in LOCATIONS.items()}
HOST = "web.shop.svc.cluster.local"


def locality(region: str, host: str = "*.local", **mesh: object) -> dict[str, Any]:
    """Return where requests from a region go that are for a host."""
    rules = destination_rules(fleet(mesh=mesh).mesh, region, PLACES)
    (policy,) = [rule["spec"]["trafficPolicy"] for rule in rules if rule["spec"]["host"] == host]
    assert "outlierDetection" in policy
    found: dict[str, Any] = policy["loadBalancer"]["localityLbSetting"]
    assert found.pop("enabled") is True
    return found


def test_the_nearest_region_answers_and_the_next_one_round_the_circle_when_it_fails() -> None:
    assert locality("eu") == {"failover": [{"from": "eu-west-1", "to": "us-east-1"}]}
    assert locality("na") == {"failover": [{"from": "us-east-1", "to": "ap-southeast-1"}]}
    assert locality("sea") == {"failover": [{"from": "ap-southeast-1", "to": "eu-west-1"}]}


def test_the_order_of_failover_is_that_of_the_settings() -> None:
    assert locality("na", failover={"na": ["eu", "sea"]}) == {"failover": [{"from": "us-east-1", "to": "eu-west-1"}]}
    assert locality("eu", failover={"na": ["eu", "sea"]}) == locality("eu")


def test_a_drained_region_is_nobodys_first_not_even_its_own() -> None:
    drained = {"drained": ["na"]}
    assert locality("eu", traffic=drained) == {"failover": [{"from": "eu-west-1", "to": "ap-southeast-1"}]}
    assert locality("sea", traffic=drained) == {"failover": [{"from": "ap-southeast-1", "to": "eu-west-1"}]}
    assert locality("na", traffic=drained) == {"failoverPriority": ["topology.istio.io/cluster=lab-sea"]}


def test_with_all_others_drained_a_region_still_has_one_to_fall_back_to() -> None:
    drained = {"drained": ["na", "sea"]}
    assert locality("eu", traffic=drained) == {"failover": [{"from": "eu-west-1", "to": "us-east-1"}]}
    assert locality("na", traffic=drained) == {"failoverPriority": ["topology.istio.io/cluster=lab-eu"]}


def test_weights_divide_requests_wherever_they_come_from() -> None:
    for region, location in LOCATIONS.items():
        assert locality(region, traffic={"weights": {"eu": 3, "na": 1, "sea": 0}}) == {
            "distribute": [{"from": f"{location}/*", "to": {"eu-west-1/*": 75, "us-east-1/*": 25}}]
        }


def test_one_region_only_is_all_of_it() -> None:
    assert locality("sea", traffic={"only": "eu"}) == {
        "distribute": [{"from": "ap-southeast-1/*", "to": {"eu-west-1/*": 100}}]
    }


def test_a_service_of_its_own_settings_is_shifted_alone() -> None:
    mesh: dict[str, Any] = {"traffic": {"drained": ["na"]}, "services": {HOST: {"only": "na"}}}
    assert locality("eu", HOST, **mesh) == {"distribute": [{"from": "eu-west-1/*", "to": {"us-east-1/*": 100}}]}
    assert locality("eu", **mesh) == locality("eu", traffic={"drained": ["na"]})


def test_every_rule_takes_broken_endpoints_out_as_the_settings_say() -> None:
    mesh = {"outlierDetection": {"consecutiveErrors": 2, "ejectionSeconds": 7}, "services": {HOST: {"only": "eu"}}}
    rules = destination_rules(fleet(mesh=mesh).mesh, "eu", PLACES)
    assert [rule["metadata"]["name"] for rule in rules] == ["default", HOST]
    for rule in rules:
        assert rule["metadata"]["namespace"] == "istio-system"
        assert rule["spec"]["trafficPolicy"]["outlierDetection"] == {
            "consecutive5xxErrors": 2,
            "consecutiveGatewayErrors": 2,
            "interval": "5s",
            "baseEjectionTime": "7s",
            "maxEjectionPercent": 100,
        }


def test_regions_that_share_a_location_do_not_fail_over_by_it() -> None:
    settings = loaded(regions={"eu": cluster(1), "na": cluster(2)})
    places = {region: Place(cluster=f"lab-{region}", location="eu-west-1") for region in ("eu", "na")}
    (rule,) = destination_rules(settings.mesh, "eu", places)
    assert rule["spec"]["trafficPolicy"]["loadBalancer"]["localityLbSetting"] == {"enabled": True}


def test_nobody_in_the_mesh_takes_a_plain_request() -> None:
    (strict,) = [each for each in mesh_policies(fleet().mesh, "eu", PLACES) if each["kind"] == "PeerAuthentication"]
    assert (strict["metadata"]["name"], strict["metadata"]["namespace"]) == ("default", "istio-system")
    assert strict["spec"] == {"mtls": {"mode": "STRICT"}}


weights = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 1000), min_size=1)


@given(weights)
def test_shares_are_whole_and_add_up_and_nobody_with_a_weight_gets_nothing(given_weights: dict[str, int]) -> None:
    shares = percentages(given_weights)
    assert shares.keys() == given_weights.keys()
    assert sum(shares.values()) == 100
    assert min(shares.values()) >= 1
    total = sum(given_weights.values())
    for name, share in shares.items():
        assert abs(share - given_weights[name] * 100 / total) <= len(given_weights)
    ascending = sorted(given_weights, key=lambda name: given_weights[name])
    assert all(shares[less] <= shares[more] + 1 for less, more in pairwise(ascending))


@given(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
def test_every_region_has_all_others_after_it_and_no_two_the_same_first(regions: list[str]) -> None:
    order = next_regions({}, regions)
    for region, others in order.items():
        assert sorted([region, *others]) == sorted(regions)
    firsts = [others[0] for others in order.values() if others]
    assert len(set(firsts)) == len(firsts)


@pytest.mark.parametrize("region", LOCATIONS)
@pytest.mark.parametrize(
    "traffic", [{}, {"drained": ["eu"]}, {"weights": {"eu": 1, "na": 999}}, {"only": "sea"}], ids=str
)
def test_istio_takes_each_setting(region: str, traffic: dict[str, Any]) -> None:
    """What its validation asks (`ValidateLocalityLbSetting` in pkg/config/validation/agent)."""
    found = locality(region, traffic=traffic)
    assert len(found) == 1
    for distribute in found.get("distribute", []):
        assert sum(distribute["to"].values()) == 100
        assert all(1 <= weight <= 100 for weight in distribute["to"].values())
    for failover in found.get("failover", []):
        assert failover["from"] != failover["to"]
        assert not {"/", "*"} & set(failover["from"] + failover["to"])
