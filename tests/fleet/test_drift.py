"""What somebody changed by hand is as the settings say again after `./fleet up --refresh`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fleet.clone import Clone
from tests.fleet.cluster import Cluster, expected, reach


@pytest.fixture(scope="module")
def mended(small_fleet: Clone) -> Cluster:
    """The cluster na after several kinds of damage and one `./fleet up --refresh`."""
    cluster = reach(small_fleet, "na")
    wide: dict[str, Any] = {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    cluster.networking.delete_namespaced_network_policy("tenant", "shop")
    cluster.core.delete_namespaced_limit_range("tenant", "search-api")
    cluster.core.patch_namespaced_resource_quota("tenant", "shop", {"spec": {"hard": {"pods": "9000"}}})
    cluster.rbac.patch_namespaced_role("tenant-admin", "shop", wide)
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    cluster.core.patch_namespace("search-index", label)
    cluster.core.patch_namespace("shop", {"metadata": {"labels": {"somebody": "else"}}})
    small_fleet.fleet("up", "--refresh").check()
    return cluster


def test_what_was_deleted_is_back(small_fleet: Clone, mended: Cluster) -> None:
    assert set(mended.owned()) == expected(small_fleet, "na")


def test_what_was_edited_is_as_it_was(mended: Cluster) -> None:
    assert mended.core.read_namespaced_resource_quota("tenant", "shop").spec.hard["pods"] == "150"
    assert all("*" not in rule.verbs for rule in mended.rbac.read_namespaced_role("tenant-admin", "shop").rules)
    labels = mended.core.read_namespace("search-index").metadata.labels
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_what_somebody_added_that_is_not_ours_is_left(mended: Cluster) -> None:
    assert mended.core.read_namespace("shop").metadata.labels["somebody"] == "else"


@pytest.mark.usefixtures("mended")
def test_afterwards_there_is_nothing_to_do(small_fleet: Clone) -> None:
    small_fleet.pulumi("preview", "--refresh", "--expect-no-changes").check()
