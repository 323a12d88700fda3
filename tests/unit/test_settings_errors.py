"""A wrong setting is refused by a line that says where it is, what is wrong and what would be right."""

from typing import Any

import pytest

from tests.unit.settings_samples import cluster, config, errors_of, tenant

TENANTS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "kube-system"}, "name", "`kube-system` is reserved for the system, as all of kube-*"),
    ({"name": "default"}, "name", "`default` is reserved for the system"),
    ({"name": "istio-x"}, "name", "`istio-x` is reserved"),
    ({"name": "karmada-x"}, "name", "`karmada-x` is reserved"),
    ({"name": "metallb-system"}, "name", "`metallb-system` is reserved"),
    (
        {"name": "My_Shop"},
        "name",
        "'My_Shop' is not a DNS label; use lower-case letters, digits and inner dashes, such as my-shop",
    ),
    ({"name": "x" * 64}, "name", "has 64 characters; at most 63 fit"),
    ({"name": 12}, "name", "should be text, is 12; put it in quotes"),
    ({"owner": ""}, "owner", "should be one line of text"),
    ({"owner": "two\nlines"}, "owner", "should be one line of text"),
    ({"ownr": "x"}, "ownr", "is not a known field; did you mean `owner`?"),
    ({"regions": ["ue"]}, "regions[0]", "'ue' is no region of this fleet; did you mean `eu`?"),
    ({"regions": ["manager"]}, "regions[0]", "'manager' is no region of this fleet; known here: eu, na"),
    ({"regions": []}, "regions", "should be left out, or name one or more, is empty"),
    ({"regions": ["eu", "eu"]}, "regions", "names the region eu more than once; keep one"),
    ({"regions": "eu"}, "regions", "should be a list, is 'eu'"),
    ({"namespaces": []}, "namespaces", "should be left out, or name one or more, is empty"),
    ({"namespaces": ["a", "a"]}, "namespaces", "names the namespace a more than once; keep one"),
    ({"namespaces": ["x" * 60]}, "namespaces[0]", f"`shop-{'x' * 60}` has 65 characters"),
    ({"namespaces": ["system"]}, "namespaces[0]", "`shop-system` is reserved for the system, as all of *-system"),
    ({"podSecurity": "privileged"}, "podSecurity", "should be one of 'restricted' or 'baseline', is 'privileged'"),
    ({"access": {"admins": {}}}, "access.admins", "is not a known field; did you mean `admin`?"),
    ({"access": {"admin": {}}}, "access.admin", "names no groups and no users"),
    ({"access": {"admin": None}}, "access.admin", "should be a mapping, is empty"),
    ({"access": {"admin": {"groups": []}}}, "access.admin.groups", "should be left out, or name one or more"),
    ({"access": {"viewer": {"groups": ["system:masters"]}}}, "access.viewer.groups[0]", "'system:masters' belongs to"),
    ({"access": {"viewer": {"users": ["system:admin"]}}}, "access.viewer.users[0]", "'system:admin' belongs to"),
    ({"access": {"viewer": {"users": ["a", "a"]}}}, "access.viewer.users", "names the subject a more than once"),
    ({"quota": {"pods": "many"}}, "quota.pods", "'many' is not a quantity; write a number and a unit"),
    ({"quota": {"pods": 0}}, "quota.pods", "should be more than 0, is 0"),
    ({"quota": {"pods": 1.5}}, "quota.pods", "1.5 is not a whole number"),
    ({"quota": {"services": -1}}, "quota.services", "should be 0 or more, is -1"),
    ({"quota": {"requests.cpu": "0.1m"}}, "quota.requests.cpu", "0.1m is finer than a thousandth of a core"),
    (
        {"quota": {"limits.memory": "400m"}},
        "quota.limits.memory",
        "400m is not whole bytes; write one that is, such as 400Mi",
    ),
    ({"quota": {"limits.memory": True}}, "quota.limits.memory", "should be a quantity, such as"),
    ({"quota": {"limits.memory": "1e99"}}, "quota.limits.memory", "'1e99' is"),
    ({"quota": {"cpu": 1}}, "quota.cpu", "is no resource that a quota can limit; write requests.cpu"),
    (
        {"quota": {"request.cpu": 1}},
        "quota.request.cpu",
        "is no resource that a quota can limit; did you mean `requests.cpu`?",
    ),
    ({"quota": {"count/Deployments": 1}}, "quota.count/Deployments", "is no resource that a quota can limit"),
    ({"quota": []}, "quota", "should be a mapping of resources to quantities, is empty"),
    (
        {"quota": {"pods": 1}},
        "quota.pods",
        "1 cannot be divided over 2 regions (eu, na) so that each has some; raise it, or name fewer regions",
    ),
    ({"quotaShares": "even"}, "quotaShares", "should say how the quota is divided, is 'even'; write `equal`"),
    ({"quotaShares": {}}, "quotaShares", "should say how the quota is divided, is empty; write `equal`"),
    ({"quotaShares": {"na": 0, "eu": 1}}, "quotaShares.na", "should be a weight of 1 or more, is 0"),
    ({"quotaShares": {"na": True, "eu": 1}}, "quotaShares.na", "should be a weight of 1 or more, is true"),
    ({"quotaShares": {"na": {"pods": 1}, "eu": 1}}, "quotaShares.na", "should be a weight of 1 or more, is a mapping"),
    ({"quotaShares": {"na": 2}}, "quotaShares", "says nothing of eu; name each of the tenant's regions"),
    (
        {"quotaShares": {"na": 2, "eu": 1, "eur": 1}},
        "quotaShares.eur",
        "'eur' is no region of this tenant; did you mean `eu`?",
    ),
    (
        {"regions": ["na"], "quotaShares": {"na": 2, "eu": 1}},
        "quotaShares.eu",
        "'eu' is no region of this tenant",
    ),
    (
        {"quota": {"pods": 10}, "quotaShares": {"na": {"pods": 4}, "eu": {"pods": 5}}},
        "quotaShares",
        "the shares of pods add up to 9, but quota.pods is 10; change one or the other",
    ),
    (
        {"quotaShares": {"na": {"limits.memory": "16Gi"}, "eu": {"limits.memory": "16.5Gi"}}},
        "quotaShares",
        "the shares of limits.memory add up to 33280Mi, but quota.limits.memory is 48Gi",
    ),
    (
        {"quotaShares": {"na": {"services": 0}, "eu": {"services": 60}}},
        "quotaShares.na.services",
        "should be more than 0, as quota.services (60) is",
    ),
    ({"quotaShares": {"na": {"pods": 150}, "eu": {}}}, "quotaShares.eu", "says nothing of pods, as others do"),
    (
        {"quotaShares": {"na": {"count/jobs.batch": 1}, "eu": {}}},
        "quotaShares.na.count/jobs.batch",
        "is not in the quota; add count/jobs.batch there, or leave it out here",
    ),
    ({"quotaShares": {"na": {"pod": 1}, "eu": {}}}, "quotaShares.na.pod", "is no resource that a quota can limit"),
    (
        {
            "quotaShares": {
                "na": {"requests.cpu": 9, "limits.cpu": 8},
                "eu": {"requests.cpu": 3, "limits.cpu": 16},
            }
        },
        "quotaShares.na.requests.cpu",
        "9 is more than limits.cpu there (8); lower it, or raise that",
    ),
    (
        {"quotaShares": {"na": 11, "eu": 1}, "limits": {"max": {"cpu": 3}}},
        "limits.max.cpu",
        "3 is more than the least share of quota.limits.cpu that a region has (2)",
    ),
    ({"quota": {"requests.cpu": 9, "limits.cpu": 8}}, "quota.requests.cpu", "9 is more than limits.cpu (8)"),
    (
        {"limits": {"max": {"cpu": 13}}},
        "limits.max.cpu",
        "13 is more than the least share of quota.limits.cpu that a region has (12)",
    ),
    (
        {"limits": {"defaultRequest": {"cpu": 7}}},
        "limits.defaultRequest.cpu",
        "7 is more than the least share of quota.requests.cpu that a region has (6)",
    ),
    ({"quota": {"limits.memory": "1Gi"}, "limits": {"default": {"memory": "2Gi"}}}, "limits.default.memory", "2Gi is"),
    (
        {"limits": {"min": {"cpu": 2}, "defaultRequest": {"cpu": 1}}},
        "limits.min.cpu",
        "2 is more than limits.defaultRequest.cpu (1); lower it, or raise that",
    ),
    ({"limits": {"default": {"cpu": 2}, "max": {"cpu": 1}}}, "limits.default.cpu", "2 is more than limits.max.cpu (1)"),
    ({"limits": {"min": {"cpu": 2}, "max": {"cpu": 1}}}, "limits.min.cpu", "2 is more than limits.max.cpu (1)"),
    ({"limits": {"max": {"mem": 1}}}, "limits.max.mem", "is no resource of a container; did you mean `memory`?"),
    ({"limits": {"defaults": {}}}, "limits.defaults", "is not a known field; did you mean `default`?"),
    ({"quota": {"limits.ephemeral-storage": "1Gi"}}, "limits.default.ephemeral-storage", "is missing"),
    ({"quota": {"requests.ephemeral-storage": "1Gi"}}, "limits.defaultRequest.ephemeral-storage", "is missing"),
    ({"network": {"egress": [{"cidr": "10.0.0.0"}]}}, "network.egress[0].cidr", "'10.0.0.0' has no prefix length"),
    (
        {"network": {"egress": [{"cidr": "10.1.7.0/24"}]}},
        "network.egress[0].cidr",
        "10.1.7.0/24 is inside fleet:regions.na.network.pods; name addresses outside the fleet",
    ),
    (
        {"network": {"egress": [{"cidr": "169.254.169.254/32"}]}},
        "network.egress[0].cidr",
        "169.254.169.254/32 is link-local",
    ),
    (
        {"network": {"egress": [{"cidr": "192.0.2.0/24", "ports": [0]}]}},
        "network.egress[0].ports[0]",
        "should be 1 or more, is 0",
    ),
    (
        {"network": {"egress": [{"cidr": "192.0.2.0/24", "protocol": "ICMP"}]}},
        "network.egress[0].protocol",
        "should be one of 'TCP' or 'UDP', is 'ICMP'",
    ),
]

CLUSTERS: list[tuple[dict[str, Any], str, str]] = [
    ({"cloud": "lob"}, "cloud", "should be one of 'lab', is 'lob'"),
    ({"cloud": None}, "cloud", "should be one of 'lab', is empty"),
    ({"location": "eu west"}, "location", "'eu west' cannot be a node label"),
    ({"zone": []}, "zone", "is not a known field; did you mean `zones`?"),
    ({"zones": []}, "zones", "should be left out, or name one or more"),
    ({"zones": ["a", "a"]}, "zones", "names the zone a more than once"),
    ({"network": None}, "network", "should be a mapping, is empty (The cluster's network and address ranges)"),
    ({"network": {"pods": "10.5.0.0/16"}}, "network.services", "is missing; add it (Range of the Services' addresses"),
    ({"network": {"pods": "10.5.0.0", "services": "10.6.0.0/16"}}, "network.pods", "'10.5.0.0' has no prefix length"),
    ({"network": {"pods": "10.5.0/16", "services": "10.6.0.0/16"}}, "network.pods", "'10.5.0/16' is not a CIDR"),
    (
        {"network": {"pods": "10.5.3.0/16", "services": "10.6.0.0/16"}},
        "network.pods",
        "10.5.3.0/16 has bits set after its prefix; write 10.5.0.0/16",
    ),
    ({"network": {"pods": "10.5.0.0/25", "services": "10.6.0.0/16"}}, "network.pods", "10.5.0.0/25 has 128 addresses"),
    (
        {"network": {"pods": "10.5.0.0/24", "services": "10.6.0.0/16"}},
        "network.pods",
        "10.5.0.0/24 has 256 addresses, but the nodes may run 330 pods",
    ),
    (
        {"network": {"pods": "10.5.0.0/16", "services": "10.6.0.0/28"}},
        "network.services",
        "10.6.0.0/28 has 16 addresses",
    ),
    (
        {"network": {"pods": "10.5.0.0/16", "services": "11.0.0.0/8"}},
        "network.services",
        "11.0.0.0/8 is more than an API server takes; make it /12 or smaller",
    ),
    (
        {"network": {"pods": "fd00::/56", "services": "fd01::/64"}},
        "network.services",
        "fd01::/64 is more than an API server",
    ),
    ({"network": {"pods": "fd00::/56", "services": "10.6.0.0/16"}}, "network.services", "is IPv4, but pods is IPv6"),
    ({"network": {"pods": "127.0.0.0/16", "services": "10.6.0.0/16"}}, "network.pods", "127.0.0.0/16 cannot be routed"),
    ({"network": {"pods": "0.0.0.0/0", "services": "10.6.0.0/16"}}, "network.pods", "0.0.0.0/0 is every address"),
    (
        {"network": {"pods": "::ffff:10.0.0.0/112", "services": "fd00::/112"}},
        "network.pods",
        "::ffff:10.0.0.0/112 is an IPv4 range in IPv6 form",
    ),
    (
        {"network": {"pods": "10.5.0.0/16", "services": "10.5.8.0/24"}},
        "network.services",
        "10.5.8.0/24 overlaps fleet:regions.sea.network.pods (10.5.0.0/16); give each a range of its own",
    ),
    (
        {"network": {"pods": "10.1.0.0/17", "services": "10.6.0.0/16"}},
        "network.pods",
        "10.1.0.0/17 overlaps fleet:regions.na.network.pods (10.1.0.0/16)",
    ),
    ({"nodePools": []}, "nodePools", "should be left out, or name one or more"),
    ({"nodePools": [{"count": 0}]}, "nodePools[0].count", "should be more than 0, is 0"),
    ({"nodePools": [{"count": "3"}]}, "nodePools[0].count", "should be a whole number, is '3'"),
    ({"nodePools": [{"count": True}]}, "nodePools[0].count", "should be a whole number, is true"),
    ({"nodePools": [{"cpu": "-1"}]}, "nodePools[0].cpu", "should be more than 0, is -1"),
    ({"nodePools": [{"memory": "3x"}]}, "nodePools[0].memory", "'3x' is not a quantity"),
    ({"nodePools": [{}, {}]}, "nodePools", "names the pool default more than once"),
    ({"nodePools": [{"name": "x" * 60}]}, "nodePools[0].name", "the node name lab-sea-xxx"),
]

FLEETS: list[tuple[dict[str, Any], str, str]] = [
    (config(regionz={}), "regionz", "is not a known setting; did you mean `regions`?"),
    (config(regions={}), "regions", "is empty; a fleet has one region or more"),
    (config(tenant(), regions={}), "regions", "is empty; a fleet has one region or more"),
    (config(regions=[]), "regions", "should be a mapping of region names to clusters, is empty"),
    (config(regions="not JSON"), "regions", "should be a mapping of region names to clusters, is 'not JSON'"),
    (config(regions={"eu": 3}), "regions.eu", "should be a mapping with cloud, location and network, is 3"),
    (config(regions={"EU": cluster(1)}), "regions.EU", "the region's name 'EU' is not a DNS label"),
    (config(regions={"manager": cluster(1)}), "regions.manager", "`manager` is reserved by the fleet"),
    (config(regions={"karmada": cluster(1)}), "regions.karmada", "`karmada` is reserved by the fleet"),
    (config(regions={"e" * 45: cluster(1)}), f"regions.{'e' * 45}", f"the cluster's name lab-{'e' * 45} has 49"),
    (config(environment="e" * 46), "regions.eu", f"the cluster's name {'e' * 46}-eu has 49 characters; at most 48"),
    (config(environment=["x"]), "environment", "should be text, is a list"),
    (config(environment="a_b"), "environment", "'a_b' is not a DNS label"),
    (config(manager=cluster(2)), "manager.network.pods", "10.2.0.0/16 overlaps fleet:regions.eu.network.pods"),
    (config(tenants={}), "tenants", "should be a list of tenants, is empty"),
    (config(3), "tenants[0]", "should be a mapping with name and owner, is 3"),
    (config({"name": "shop"}), "tenants[shop].owner", "is missing; add it (Whom to talk to about it"),
    (config(tenant(), tenant()), "tenants[1].name", "'shop' is already the name of the tenant at fleet:tenants[0];"),
    (config(tenant(), tenant("Shop")), "tenants[Shop].name", "'Shop' is already the name of the tenant at"),
    (
        config(tenant("a", namespaces=["b-c"]), tenant("a-b", namespaces=["c"])),
        "tenants[a-b]",
        "the namespace a-b-c is also that of tenant a at fleet:tenants[a]; rename one",
    ),
    (
        config(tenant("a", namespaces=["b"]), tenant("a-b")),
        "tenants[a-b]",
        "the namespace a-b is also that of tenant a",
    ),
    (config(tenantsFolder="nowhere"), "tenantsFolder", "there is no folder 'nowhere' in the project"),
    (config(tenantsFolder="a\0"), "tenantsFolder", "'a\\x00' cannot be read"),
    (config(tenantsFolder="pyproject.toml"), "tenantsFolder", "'pyproject.toml' is not a folder"),
]


def ids(table: list[tuple[dict[str, Any], str, str]]) -> list[str]:
    return [f"{path}: {text}" for _, path, text in table]


def refused(errors: list[str], start: str) -> None:
    """Assert that one line starts so, and that no line is more than one or speaks of pydantic's affairs."""
    assert [line for line in errors if line.startswith(start)], f"no line starts with {start!r}:\n" + "\n".join(errors)
    assert not [line for line in errors if "\n" in line or "pydantic" in line or "Input should" in line]


@pytest.mark.parametrize(("changes", "path", "text"), TENANTS, ids=ids(TENANTS))
def test_a_wrong_tenant_is_refused_by_its_one_line(changes: dict[str, Any], path: str, text: str) -> None:
    wrong = {**tenant(), **changes}
    place = wrong["name"] if isinstance(wrong["name"], str) else 0
    errors = errors_of(config(wrong))
    refused(errors, f"fleet:tenants[{place}].{path}: {text}")
    assert len(errors) == 1


@pytest.mark.parametrize(("changes", "path", "text"), CLUSTERS, ids=ids(CLUSTERS))
def test_a_wrong_cluster_is_refused_by_its_one_line(changes: dict[str, Any], path: str, text: str) -> None:
    errors = errors_of(config(regions={"eu": cluster(2), "na": cluster(1), "sea": {**cluster(3), **changes}}))
    refused(errors, f"fleet:regions.sea.{path}: {text}")
    assert len(errors) == 1


@pytest.mark.parametrize(("configuration", "path", "text"), FLEETS, ids=ids(FLEETS))
def test_a_wrong_fleet_is_refused(configuration: dict[str, Any], path: str, text: str) -> None:
    refused(errors_of(configuration), f"fleet:{path}: {text}")


def test_regions_and_manager_must_be_there() -> None:
    assert errors_of({}) == [
        "fleet:regions: is missing; it should be a mapping of region names to clusters",
        "fleet:manager: is missing; it should be a mapping with cloud, location and network",
    ]


def test_a_stack_whose_name_cannot_be_an_environment_must_name_one() -> None:
    errors = errors_of(config(), stack="my_stack")
    refused(errors, "fleet:environment: left out, it is the stack's name, and 'my_stack' is not a DNS label")


def test_all_errors_are_told_at_once_from_every_part() -> None:
    regions = {"na": cluster(1, location="?"), "eu": cluster(2), "sea": cluster(2)}
    errors = errors_of(config(tenant("default"), tenant("b", regions=["nowhere"]), regions=regions, manager=3, more=1))
    for start in (
        "fleet:more:",
        "fleet:manager:",
        "fleet:regions.na.location:",
        "fleet:regions.sea.network.pods: 10.2.0.0/16 overlaps fleet:regions.eu.network.pods",
        "fleet:regions.sea.network.services: 10.102.0.0/16 overlaps",
        "fleet:tenants[default].name:",
        "fleet:tenants[b].regions[0]:",
    ):
        refused(errors, start)
    assert len(errors) == 7


def test_a_long_value_is_not_poured_out() -> None:
    (line,) = errors_of(config(tenant(podSecurity="x" * 10_000)))
    assert len(line) < 200
