"""What the settings say of the federation: usual when they say nothing, refused with a line for each error."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stacks.clusters import SyncMode
from stacks.federation import BackupPlacement, EvenPlacement, SinglePlacement, WeightedPlacement
from stacks.schema import json_schema
from tests.unit.settings_samples import cluster, config, errors_of, loaded


def placements(**named: object) -> dict[str, Any]:
    return {"placements": named}


WRONG: list[tuple[object, str, str]] = [
    ([], "", "should be a mapping with failover and placements, is empty"),
    ({"enabeld": True}, ".enabeld", "is not a known field; did you mean `enabled`?"),
    ({"enabled": "yes"}, ".enabled", "should be true or false, is 'yes'"),
    ({"enabled": 1}, ".enabled", "should be true or false, is 1"),
    ({"failover": {"enabled": None}}, ".failover.enabled", "should be true or false, is empty (Whether replicas move"),
    ({"failover": {"unreachable": 1}}, ".failover.unreachable", "is not a known field; did you mean `unreachableSec"),
    ({"failover": {"unreachableSeconds": 0}}, ".failover.unreachableSeconds", "should be 1 or more, is 0"),
    ({"failover": {"unreachableSeconds": "10s"}}, ".failover.unreachableSeconds", "should be a whole number, is '10s'"),
    ({"failover": {"toleranceSeconds": -1}}, ".failover.toleranceSeconds", "should be 0 or more, is -1"),
    ({"failover": {"evictionsPerSecond": 0.5}}, ".failover.evictionsPerSecond", "should be a whole number, is 0.5"),
    (
        {"failover": {"unreachableSeconds": 5, "clusterStatusIntervalSeconds": 6}},
        ".failover.clusterStatusIntervalSeconds",
        "6 is more than unreachableSeconds (5), so a failure is seen too late; lower it",
    ),
    (
        {"failover": {"unreachableSeconds": 9}},
        ".failover.clusterStatusIntervalSeconds",
        "10 is more than unreachableSeconds (9)",
    ),
    ({"rates": {"parallelSyncs": 201}}, ".rates.parallelSyncs", "should be 200 or less, is 201"),
    ({"placements": {}}, ".placements", "should be left out, or a mapping of names to placements, is empty"),
    ({"placements": ["even"]}, ".placements", "should be left out, or a mapping of names to placements, is a list"),
    (placements(all="even"), ".placements.all", "should be a mapping with strategy, is 'even'"),
    (placements(all={}), ".placements.all.strategy", "is missing; known here: backup, even, local, single, weighted"),
    (placements(all={"strategy": "evne"}), ".placements.all.strategy", "'evne' is no strategy; did you mean `even`?"),
    (placements(all={"strategy": []}), ".placements.all.strategy", "empty is no strategy; known here: backup"),
    (placements(My_Even={"strategy": "even"}), ".placements.My_Even", "the placement's name 'My_Even' is not a DNS"),
    (placements(x={"strategy": "even", "region": "eu"}), ".placements.x.region", "is not a known field; did you mean"),
    (placements(x={"strategy": "even", "regions": []}), ".placements.x.regions", "should be left out, or name one"),
    (placements(x={"strategy": "even", "regions": ["ue"]}), ".placements.x.regions[0]", "'ue' is no region of this"),
    (
        placements(x={"strategy": "even", "regions": ["eu", "eu"]}),
        ".placements.x.regions",
        "names the region eu more than once; keep one",
    ),
    (placements(x={"strategy": "weighted"}), ".placements.x.weights", "is missing; add it (Weight of each region"),
    (placements(x={"strategy": "weighted", "weights": {}}), ".placements.x.weights", "names no region; name one or"),
    (
        placements(x={"strategy": "weighted", "weights": {"eu": 0}}),
        ".placements.x.weights.eu",
        "should be 1 or more, is 0",
    ),
    (
        placements(x={"strategy": "weighted", "weights": {"ue": 1}}),
        ".placements.x.weights.ue",
        "'ue' is no region of this fleet; did you mean `eu`?",
    ),
    (placements(x={"strategy": "single"}), ".placements.x.region", "is missing; add it (The region)"),
    (
        placements(x={"strategy": "single", "region": "manager"}),
        ".placements.x.region",
        "'manager' is no region of this fleet; known here: eu, na",
    ),
    (
        placements(x={"strategy": "backup", "primary": "eu", "backups": []}),
        ".placements.x.backups",
        "names no region; name one or more",
    ),
    (
        placements(x={"strategy": "backup", "primary": "eu", "backups": ["na", "eu"]}),
        ".placements.x.backups[1]",
        "'eu' is the primary; name another region",
    ),
    (
        placements(x={"strategy": "backup", "primary": "ue", "backups": ["na"]}),
        ".placements.x.primary",
        "'ue' is no region of this fleet; did you mean `eu`?",
    ),
    (placements(x={"strategy": "local", "region": "sea"}), ".placements.x.region", "'sea' is no region of this fleet"),
]


@pytest.mark.parametrize(("federation", "path", "text"), WRONG, ids=[f"{path}: {text}" for _, path, text in WRONG])
def test_a_wrong_federation_is_refused_by_its_one_line(federation: object, path: str, text: str) -> None:
    errors = errors_of(config(federation=federation))
    assert len(errors) == 1
    assert errors[0].startswith(f"fleet:federation{path}: {text}")
    assert "Input should" not in errors[0]


def test_all_errors_of_a_federation_are_told_at_once() -> None:
    wrong = {
        "enabled": "no",
        "failover": {"unreachableSeconds": 0},
        **placements(a={"strategy": "x"}, b={"strategy": "single", "region": "x"}),
    }
    assert [line.split(": ")[0].removeprefix("fleet:federation.") for line in errors_of(config(federation=wrong))] == [
        "enabled",
        "failover.unreachableSeconds",
        "placements.a.strategy",
        "placements.b.region",
    ]


def test_a_fleet_that_says_nothing_is_a_federation_that_places_evenly_or_in_one_region() -> None:
    federation = loaded().federation
    assert federation.enabled
    assert federation.failover.enabled
    assert dict(federation.placements) == {
        "even": EvenPlacement(strategy="even"),
        "na": SinglePlacement(strategy="single", region="na"),
        "eu": SinglePlacement(strategy="single", region="eu"),
    }


def test_written_placements_take_the_place_of_the_usual_ones() -> None:
    written = placements(
        wide={"strategy": "weighted", "weights": {"na": 2, "eu": 1}},
        safe={"strategy": "backup", "primary": "eu", "backups": ["na"]},
    )
    assert dict(loaded(federation=written).federation.placements) == {
        "wide": WeightedPlacement(strategy="weighted", weights={"na": 2, "eu": 1}),
        "safe": BackupPlacement(strategy="backup", primary="eu", backups=("na",)),
    }


def test_a_region_says_how_it_joins() -> None:
    regions = {"na": cluster(1), "eu": cluster(2, federation={"credential": 3})}
    settings = loaded(regions=regions)
    assert settings.regions["na"].federation.credential == 1
    assert settings.regions["eu"].federation.credential == 3
    assert settings.regions["eu"].federation.mode is SyncMode.PUSH


def test_a_region_whose_api_server_cannot_be_reached_pulls() -> None:
    eu = cluster(2, federation={"mode": "pull"})
    assert loaded(regions={"na": cluster(1), "eu": eu}).regions["eu"].federation.mode is SyncMode.PULL
    (error,) = errors_of(config(regions={"na": cluster(1), "eu": cluster(2, federation={"mode": "pul"})}))
    assert error.startswith("fleet:regions.eu.federation.mode: ")
    assert "pull" in error


def test_a_region_cannot_join_without_a_credential() -> None:
    wrong = {"credential": 0}
    assert errors_of(config(regions={"na": cluster(1), "eu": cluster(2, federation=wrong)})) == [
        "fleet:regions.eu.federation.credential: should be 1 or more, is 0",
    ]


def test_the_manager_is_no_member() -> None:
    assert errors_of(config(manager=cluster(9, federation={"credential": 1}))) == [
        "fleet:manager.federation: is for regions; the manager is no member of the federation, take it out"
    ]


def test_a_federation_needs_a_manager() -> None:
    configuration = config(federation={"enabled": True})
    del configuration["manager"]
    assert errors_of(configuration) == [
        "fleet:manager: is missing; it should be a mapping with cloud, location and network"
    ]


@pytest.mark.parametrize(
    ("federation", "right"),
    [
        ({"enabled": False}, True),
        ({"failover": {"toleranceSeconds": 0}, "rates": {"parallelSyncs": 30}}, True),
        (placements(a={"strategy": "even"}, b={"strategy": "weighted", "weights": {"eu": 1}}), True),
        (placements(a={"strategy": "backup", "primary": "eu", "backups": ["na"]}), True),
        ({"enabled": "no"}, False),
        ({"failover": {"toleranceSeconds": -1}}, False),
        (placements(a={"strategy": "evne"}), False),
        (placements(a={"strategy": "single"}), False),
        (placements(a={"strategy": "local", "region": "eu", "primary": "eu"}), False),
    ],
    ids=str,
)
def test_an_editor_knows_a_right_federation_from_a_wrong_one(federation: dict[str, Any], *, right: bool) -> None:
    document = {"config": {f"fleet:{key}": value for key, value in config(federation=federation).items()}}
    assert Draft202012Validator(json_schema()).is_valid(document) == right
