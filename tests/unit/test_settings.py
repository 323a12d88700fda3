"""What a stack file says is what the fleet's settings are, with everything left out filled in."""

import json
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import config as pulumi_config

from stacks.access import Role
from stacks.quantities import parse
from stacks.settings import LabClusterSettings, from_file, from_pulumi, load
from stacks.tenants import PodSecurity
from tests.unit.settings_samples import cluster, config, loaded, tenant

ROOT = Path(__file__).parents[2]
LAB = ROOT / "stacks" / "Pulumi.lab.yaml"


def test_the_lab_has_three_regions_a_manager_and_five_tenants_of_every_kind() -> None:
    settings = from_file(LAB)
    assert settings.environment == "lab"
    assert sorted(settings.regions) == ["eu", "na", "sea"]
    assert list(settings.clusters) == [*settings.regions, "manager"]
    assert [settings.cluster_name(each) for each in settings.clusters] == ["lab-eu", "lab-na", "lab-sea", "lab-manager"]
    assert len(settings.tenants) == 5
    assert {len(each.regions) for each in settings.tenants} >= {1, 3}
    assert {len(each.namespace_names) for each in settings.tenants} == {1, 2}


def test_a_region_takes_a_name_and_three_lines() -> None:
    na = loaded().regions["na"]
    assert isinstance(na, LabClusterSettings)
    assert na.network.name == "na"
    assert na.zones == ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    assert [(pool.name, pool.count) for pool in na.node_pools] == [("default", 3)]
    assert na.pod_capacity == 330


def test_regions_may_share_a_mesh_network_and_choose_zones_and_nodes() -> None:
    shared = {"name": "one", "pods": "10.1.0.0/16", "services": "10.101.0.0/16"}
    pools = [{"name": "small", "count": 1, "cpu": 0.5, "memory": "1Gi", "pods": 10}, {"name": "large", "cpu": 64}]
    region = cluster(1, network=shared, zones=["z1"], nodePools=pools)
    found = loaded(regions={"na": region, "eu": cluster(2, network={**cluster(2)["network"], "name": "one"})}).regions
    na = found["na"]
    assert isinstance(na, LabClusterSettings)
    assert {each.network.name for each in found.values()} == {"one"}
    assert na.zones == ("z1",)
    assert [(pool.name, pool.count, pool.cpu) for pool in na.node_pools] == [("small", 1, "0.5"), ("large", 3, "64")]


def test_ipv6_ranges_are_as_good_as_ipv4() -> None:
    network = {"pods": "fd00:1::/56", "services": "fd00:2::/112"}
    assert (
        str(loaded(regions={"na": cluster(1, network=network)}).regions["na"].network.ranges["pods"]) == "fd00:1::/56"
    )


def test_a_tenant_of_two_lines_is_in_every_region_isolated_and_limited() -> None:
    (shop,) = loaded(tenant()).tenants
    assert shop.regions == ("eu", "na")
    assert shop.namespace_names == ("shop",)
    assert shop.pod_security is PodSecurity.RESTRICTED
    assert shop.access.roles() == {}
    assert shop.quota["pods"] == "150"
    assert {region: quota["pods"] for region, quota in shop.regional_quotas.items()} == {"eu": "75", "na": "75"}
    assert shop.quota["services.loadbalancers"] == "0"
    assert shop.limits.default == {"cpu": "500m", "memory": "512Mi"}


def test_namespaces_are_named_after_their_tenant() -> None:
    (shop,) = loaded(tenant(namespaces=["web", "data"])).tenants
    assert shop.namespace_names == ("shop-web", "shop-data")


def test_only_roles_that_somebody_has_count() -> None:
    (shop,) = loaded(tenant(access={"viewer": {"users": ["dana"]}, "admin": {"groups": ["a", "b"]}})).tenants
    assert {role: (m.groups, m.users) for role, m in shop.access.roles().items()} == {
        Role.ADMIN: (("a", "b"), ()),
        Role.VIEWER: ((), ("dana",)),
    }


def test_a_written_quota_is_laid_over_the_usual_one() -> None:
    (shop,) = loaded(tenant(quota={"requests.cpu": 32, "pods": 5, "count/deployments.apps": 3})).tenants
    assert (shop.quota["requests.cpu"], shop.quota["limits.cpu"]) == ("32", "32")
    assert (shop.quota["pods"], shop.quota["secrets"], shop.quota["count/deployments.apps"]) == ("5", "300", "3")


def test_limits_left_out_follow_what_is_written() -> None:
    quota = {"limits.cpu": "600m", "limits.memory": "2Gi"}
    (shop,) = loaded(tenant(quota=quota, limits={"defaultRequest": {"memory": "600Mi"}})).tenants
    assert shop.quota["requests.cpu"] == "600m"
    assert {shop.limits.default["cpu"], shop.limits.max["cpu"]} == {"300m"}
    assert (shop.limits.min["cpu"], shop.limits.default_request["cpu"]) == ("10m", "100m")
    assert [
        parse(limit["memory"]) for limit in (shop.limits.default_request, shop.limits.default, shop.limits.max)
    ] == [
        parse("600Mi"),
        parse("600Mi"),
        parse("1Gi"),
    ]


def test_the_environment_can_be_named_apart_from_the_stack() -> None:
    assert loaded(environment="prod").cluster_name("eu") == "prod-eu"
    assert loaded(environment=7).environment == "7"


def test_every_address_range_of_the_fleet_is_known() -> None:
    ranges = {"10.1.0.0/16", "10.101.0.0/16", "10.2.0.0/16", "10.102.0.0/16", "10.9.0.0/16", "10.109.0.0/16"}
    assert set(loaded().address_ranges) == ranges


def test_the_order_of_the_regions_in_the_file_means_nothing() -> None:
    turned = dict(reversed(config()["regions"].items()))
    assert list(loaded(regions=turned).regions) == list(loaded().regions) == ["eu", "na"]


def test_pulumi_gets_the_settings_that_the_file_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    written = config(tenant(quota={"requests.cpu": 0.5}), environment="seen")
    values = {f"fleet:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in written.items()}
    monkeypatch.setattr(pulumi, "get_stack", lambda: "lab")
    token = pulumi_config.CONFIG.set({**values, "aws:region": "eu-west-1"})
    try:
        assert from_pulumi() == load(written, stack="lab")
    finally:
        pulumi_config.CONFIG.reset(token)


def test_pulumi_refuses_a_setting_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "lab")
    token = pulumi_config.CONFIG.set({"fleet:regionz": "{}"})
    try:
        with pytest.raises(Exception, match="fleet:regionz: is not a known setting; did you mean `regions`"):
            from_pulumi()
    finally:
        pulumi_config.CONFIG.reset(token)


def test_settings_cannot_be_changed() -> None:
    settings = loaded()
    with pytest.raises(ValueError, match="frozen"):
        settings.environment = "other"  # type: ignore[misc]
