"""What the lab provider takes for a cluster, and what it says of what it does not take."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.resource import ClusterArgs, NodePool
from lab.cluster.spec import Spec, problems

_ARGS = ClusterArgs(name="lab-na", directory=".fleet/stacks/lab", version="v1.36.3", region="us-east-1")


def test_accepts_what_the_resource_sends() -> None:
    assert problems(_ARGS.properties()) == []


def test_reads_what_the_resource_sends() -> None:
    pools = (NodePool(name="big", count=2, cpu="64", memory="1Ti", pods=10),)
    spec = Spec.of(ClusterArgs(**{**vars(_ARGS), "node_pools": pools, "zones": ("a", "b")}).properties())
    assert (spec.name, spec.zones, spec.node_pools) == ("lab-na", ("a", "b"), pools)


def test_whole_numbers_come_from_the_protocol_as_fractions() -> None:
    inputs = _ARGS.properties()
    inputs["nodePools"] = [{**inputs["nodePools"][0], "count": 4.0, "pods": 7.0}]
    pool = Spec.of(inputs).node_pools[0]
    assert (pool.count, pool.pods) == (4, 7)
    assert isinstance(pool.count, int)


def test_zones_are_those_of_the_region_where_none_are_given() -> None:
    assert _ARGS.properties()["zones"] == ["us-east-1a", "us-east-1b", "us-east-1c"]


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"name": "Lab_NA"}, "name", "'Lab_NA'; should be a DNS label"),
        ({"name": "a" * 64}, "name", "63 at most"),
        ({"version": "1.36.3"}, "version", "such as v1.36.3"),
        ({"region": "us east"}, "region", "label value"),
        ({"directory": "/var/lab"}, "directory", "inside the project"),
        ({"directory": "a/../../b"}, "directory", "inside the project"),
        ({"directory": ""}, "directory", "inside the project"),
        ({"directory": "."}, "directory", "inside the project"),
        ({"podCidr": "10.1.0.1/16"}, "podCidr", "should be a CIDR"),
        ({"serviceCidr": "10.1.128.0/24"}, "serviceCidr", "10.1.128.0/24 overlaps podCidr 10.1.0.0/16"),
        ({"zones": []}, "zones", "one at least"),
        ({"nodePools": [{**vars(NodePool()), "cpu": "lots"}]}, "nodePools[0].cpu", "Kubernetes quantity"),
        ({"nodePools": [{**vars(NodePool()), "count": -1}]}, "nodePools[0].count", "0 or more"),
        ({"nodePools": [{**vars(NodePool()), "pods": 1.5}]}, "nodePools[0].pods", "whole number"),
        ({"nodePools": [{**vars(NodePool()), "gpu": 1}]}, "nodePools[0].gpu", "no property"),
        ({"nodePools": [{"name": "small"}]}, "nodePools[0].cpu", "is missing"),
        ({"nodePools": [vars(NodePool()), vars(NodePool())]}, "nodePools[1].name", "'default' is there twice"),
        ({"flavour": "big"}, "flavour", "no property"),
    ],
)
def test_refuses_what_cannot_be_a_cluster(change: dict[str, Any], path: str, reason: str) -> None:
    found = dict(problems({**_ARGS.properties(), **change}))
    assert reason in found[path]


@given(
    st.dictionaries(st.sampled_from(list(_ARGS.properties())[:-3] + ["podCidr"]), st.none() | st.text() | st.integers())
)
def test_anything_is_judged_and_nothing_breaks_the_judge(change: dict[str, Any]) -> None:
    judged = {path for path, _ in problems({**_ARGS.properties(), **change})}
    assert {key for key, value in change.items() if value is None} <= judged
