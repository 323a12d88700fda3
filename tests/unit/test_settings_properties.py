"""What holds for all settings, not only for the ones that somebody thought of."""

import ipaddress
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.quantities import canonical, parse
from stacks.settings import load
from tests.unit.settings_samples import cluster, config, errors_of, outcome, tenant

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E-2", "e+1"]
numbers = st.from_regex(r"[+-]?([0-9]{1,6}(\.[0-9]{0,4})?|\.[0-9]{1,4})", fullmatch=True)
quantities = st.builds(lambda number, suffix: number + suffix, numbers, st.sampled_from(SUFFIXES))
labels = st.from_regex(r"[a-z]([-a-z]{0,4}[a-z])?", fullmatch=True)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)

# As API servers (Kubernetes 1.36) answered for these.
KNOWN = {
    "0": (0, "0"),
    "1000": (1000, "1k"),
    "1000m": (1, "1"),
    "0.5": (Fraction(1, 2), "500m"),
    ".5": (Fraction(1, 2), "500m"),
    "2000": (2000, "2k"),
    "1.5Gi": (1536 * 2**20, "1536Mi"),
    "1024Mi": (2**30, "1Gi"),
    "1023Ki": (1023 * 1024, "1023Ki"),
    "0.5Ki": (512, "512"),
    "1.1Ki": (Fraction(11264, 10), "1126400m"),
    "0Gi": (0, "0"),
    "1e3": (1000, "1e3"),
    "12e2": (1200, "1200"),
    "100e-3": (Fraction(1, 10), "100e-3"),
    "1E": (10**18, "1E"),
    "1Ei": (2**60, "1Ei"),
    "0.001": (Fraction(1, 1000), "1m"),
}
NOT_QUANTITIES = [
    "",
    "1e",
    "abc",
    "1 Gi",
    "1gi",
    "1KI",
    "--1",
    "1..2",
    "0x10",
    "1_000",
    "\uff11",
    "\u221e",
    "e3",
    "1e3m",
    "1K",
    ".",
]


@pytest.mark.parametrize(("text", "value", "stored"), [(text, *known) for text, known in KNOWN.items()])
def test_a_quantity_is_what_the_api_server_takes_it_for(text: str, value: Fraction, stored: str) -> None:
    assert (parse(text), canonical(text)) == (value, stored)


@pytest.mark.parametrize("text", [*NOT_QUANTITIES, "1e40", "9" * 50, "10E", "1e99999999999999999999"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|hold"):
        parse(text)


@given(quantities)
def test_the_canonical_form_keeps_the_value_and_is_final(text: str) -> None:
    once = canonical(text)
    finest = Fraction(1, 10**9)
    assert abs(parse(once) - parse(text)) < finest
    assert canonical(once) == once


@st.composite
def ranges(draw: st.DrawFn) -> str:
    """Draw an IPv4 range of 256 addresses or more, from few enough that some overlap."""
    length = draw(st.integers(12, 24))
    return str(ipaddress.ip_network((10 << 24 | draw(st.integers(0, 2**22 - 1)), length), strict=False))


@given(st.lists(ranges(), min_size=4, max_size=4))
def test_ranges_are_refused_exactly_when_two_overlap(drawn: list[str]) -> None:
    first, second = ({"pods": pods, "services": services} for pods, services in (drawn[:2], drawn[2:]))
    small = [{"count": 1, "pods": 100}]
    regions = {name: cluster(0, network=each, nodePools=small) for name, each in (("a", first), ("b", second))}
    manager = cluster(0, network={"pods": "192.168.0.0/17", "services": "192.168.128.0/17"})
    networks = [ipaddress.IPv4Network(each) for each in drawn]
    # Disjoint exactly if no address is counted twice.
    overlap = sum(each.num_addresses for each in ipaddress.collapse_addresses(networks)) < sum(
        each.num_addresses for each in networks
    )
    settings = config(regions=regions, manager=manager)
    if overlap:
        assert any("overlaps" in line for line in errors_of(settings))
    else:
        assert set(load(settings, stack="lab").address_ranges) >= set(drawn)


@given(st.dictionaries(labels, st.lists(labels, max_size=3, unique=True), min_size=1, max_size=4))
def test_no_two_tenants_ever_share_a_namespace(drawn: dict[str, list[str]]) -> None:
    tenants = [tenant(name, **({"namespaces": suffixes} if suffixes else {})) for name, suffixes in drawn.items()]
    names = [f"{name}-{suffix}" for name, suffixes in drawn.items() for suffix in suffixes]
    names += [name for name, suffixes in drawn.items() if not suffixes]
    settings, errors = outcome(config(*tenants))
    told = [line for line in errors if "is also that of tenant" in line]
    assert len(told) == len(names) - len(set(names))
    if settings:
        assert sorted(name for each in settings.tenants for name in each.namespace_names) == sorted(names)


amounts = st.sampled_from(["20m", "50m", "100m", "300m", "1", "3", "5", "20"])
steps = st.fixed_dictionaries({}, optional=dict.fromkeys(("min", "defaultRequest", "default", "max"), amounts))
quotas = st.fixed_dictionaries({}, optional=dict.fromkeys(("requests.cpu", "limits.cpu"), amounts))


@given(quotas, steps)
def test_accepted_limits_are_in_order_and_a_pod_that_says_nothing_fits(
    quota: dict[str, str], limits: dict[str, str]
) -> None:
    written = {step: {"cpu": value} for step, value in limits.items()}
    settings, errors = outcome(config(tenant(quota=quota, limits=written)))
    if settings is None:
        assert all("is more than" in line for line in errors)
        assert limits or len(quota) == 2  # nothing but what is written can be at odds
        return
    (shop,) = settings.tenants
    given_or_filled = [shop.limits.min, shop.limits.default_request, shop.limits.default, shop.limits.max]
    chain = [parse(step["cpu"]) for step in given_or_filled]
    assert chain == sorted(chain)
    for own in shop.regional_quotas.values():
        assert parse(shop.limits.default_request["cpu"]) <= parse(own["requests.cpu"])
        assert parse(shop.limits.max["cpu"]) <= parse(own["limits.cpu"])
        assert parse(own["requests.cpu"]) <= parse(own["limits.cpu"])


KEYS = ["regions", "manager", "tenants", "tenantsFolder", "environment"]
FIELDS = [
    "name",
    "owner",
    "regions",
    "namespaces",
    "podSecurity",
    "access",
    "quota",
    "quotaShares",
    "limits",
    "network",
]


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), anything, max_size=5))
def test_nothing_that_can_be_written_ends_in_anything_but_lines(configuration: dict[str, Any]) -> None:
    only_lines(configuration)


@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=5))
def test_no_tenant_that_can_be_written_ends_in_anything_but_lines(changes: dict[str, Any]) -> None:
    only_lines(config({**tenant(), **changes}))


@given(st.dictionaries(st.sampled_from(["cloud", "location", "network", "zones", "nodePools"]), anything, max_size=5))
def test_no_cluster_that_can_be_written_ends_in_anything_but_lines(changes: dict[str, Any]) -> None:
    only_lines(config(regions={"eu": {**cluster(1), **changes}}))


def only_lines(configuration: dict[str, Any]) -> None:
    settings, errors = outcome(configuration)
    assert (settings is None) == bool(errors)
    assert all(line.isprintable() for line in errors)
