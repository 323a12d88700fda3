"""A tenant's quota is divided over its regions to the last unit, and nobody gets nothing."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.quantities import canonical, parse
from stacks.quota import smallest_unit
from stacks.shares import split
from stacks.tenants import Tenant
from tests.unit.settings_samples import cluster, config, loaded, outcome, tenant

RESOURCES = {"requests.cpu": ["m", ""], "limits.memory": ["", "Mi", "Gi"], "pods": ["", "k"], "services": [""]}
three = {name: cluster(number) for number, name in enumerate(("eu", "na", "sea"), start=1)}


def only(**changes: object) -> Tenant:
    return loaded(tenant(**changes), regions=three).tenants[0]


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(1, 10**6), min_size=1, max_size=6))
def test_shares_add_up_and_only_too_little_leaves_somebody_nothing(units: int, weights: list[int]) -> None:
    shares = split(units, weights)
    assert sum(shares) == units
    assert all(share >= 0 for share in shares)
    assert all(shares) or units < len(weights)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(units * weight, sum(weights))) <= len(weights)


@given(st.integers(0, 10**9), st.integers(1, 6))
def test_equal_shares_differ_by_one_unit_at_most_and_the_first_have_more(units: int, count: int) -> None:
    shares = split(units, [1] * count)
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


@st.composite
def quotas(draw: st.DrawFn) -> dict[str, str]:
    """Draw a quota of some resources, in various units."""
    chosen = draw(st.lists(st.sampled_from(sorted(RESOURCES)), unique=True))
    return {key: f"{draw(st.integers(1, 5000))}{draw(st.sampled_from(RESOURCES[key]))}" for key in chosen}


weights = st.none() | st.fixed_dictionaries({name: st.integers(1, 50) for name in three})


@given(quotas(), weights)
def test_what_regions_get_is_what_the_tenant_has(quota: dict[str, str], shares: dict[str, int] | None) -> None:
    written: dict[str, Any] = {"quota": quota, **({"quotaShares": shares} if shares else {})}
    settings, _ = outcome(config(tenant(**written), regions=three))
    if settings is None:
        return
    (shop,) = settings.tenants
    for resource, total in shop.quota.items():
        own = [each[resource] for each in shop.regional_quotas.values()]
        assert sum(map(parse, own)) == parse(total)
        assert all(map(parse, own)) or parse(total) == 0
        assert all((parse(each) / smallest_unit(resource)).denominator == 1 for each in own)
        assert own == [canonical(each) for each in own]


def test_shares_are_equal_unless_settings_say_else() -> None:
    by_region = only(quota={"requests.cpu": 4, "limits.memory": "48Gi", "pods": 100}).regional_quotas
    assert list(by_region) == ["eu", "na", "sea"]
    assert [each["requests.cpu"] for each in by_region.values()] == ["1334m", "1333m", "1333m"]
    assert [each["limits.memory"] for each in by_region.values()] == ["16Gi"] * 3
    assert [each["pods"] for each in by_region.values()] == ["34", "33", "33"]
    assert [each["services.loadbalancers"] for each in by_region.values()] == ["0"] * 3


def test_weights_divide_everything() -> None:
    by_region = only(quotaShares={"sea": 1, "na": 2, "eu": 3}).regional_quotas
    assert {region: each["limits.cpu"] for region, each in by_region.items()} == {"eu": "12", "na": "8", "sea": "4"}
    assert {region: each["pods"] for region, each in by_region.items()} == {"eu": "75", "na": "50", "sea": "25"}


def test_quantities_are_taken_as_written_and_the_rest_is_divided_equally() -> None:
    shares = {"eu": {"pods": 100}, "na": {"pods": 30}, "sea": {"pods": 20}}
    by_region = only(quotaShares=shares).regional_quotas
    assert {region: each["pods"] for region, each in by_region.items()} == {"eu": "100", "na": "30", "sea": "20"}
    assert {each["limits.cpu"] for each in by_region.values()} == {"8"}


def test_one_region_has_everything() -> None:
    shop = only(regions=["na"])
    assert shop.regional_quotas == {"na": {key: canonical(value) for key, value in shop.quota.items()}}


def test_limits_fit_the_least_share() -> None:
    shop = only(quota={"limits.cpu": 12}, quotaShares={"eu": 10, "na": 1, "sea": 1})
    assert shop.limits.max["cpu"] == "1"


@pytest.mark.parametrize("shares", ["equal", {"eu": 1, "na": 1, "sea": 1}])
def test_equal_is_equal_however_it_is_said(shares: object) -> None:
    assert only(quotaShares=shares).regional_quotas == only().regional_quotas
