"""The settings of the mesh: what they are when they say nothing, refused with a line for each error."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stacks.mesh import EgressMode, MeshKind
from stacks.reading import ROOT
from stacks.schema import json_schema
from stacks.settings import from_file
from tests.unit.mesh_samples import regions
from tests.unit.settings_samples import cluster, config, errors_of, loaded, tenant

WRONG: list[tuple[object, str, str]] = [
    ([], "", "should be a mapping with trust, failover and traffic, is empty"),
    ({"enabeld": True}, ".enabeld", "is not a known field; did you mean `enabled`?"),
    ({"enabled": "yes"}, ".enabled", "should be true or false, is 'yes'"),
    ({"kind": "linkerd"}, ".kind", "should be one of 'istio', is 'linkerd'"),
    ({"meshId": "my mesh"}, ".meshId", "'my mesh' cannot be a node label"),
    ({"trustDomain": "Fleet"}, ".trustDomain", "'Fleet' is no full host name of a service"),
    ({"revisions": []}, ".revisions", "should be left out, or name one or more, is empty"),
    ({"revisions": [{"name": "a", "version": "1.30.9"}]}, ".revisions[0].version", "1.30.9 is too old for remote"),
    ({"revisions": [{"name": "a", "version": "latest"}]}, ".revisions[0].version", "'latest' is no version; write one"),
    (
        {"revisions": [{"name": "a", "version": "1.31.1"}, {"name": "a", "version": "1.32.0"}]},
        ".revisions",
        "names the revision a more than once; keep one",
    ),
    ({"current": "blue"}, ".current", "'blue' is no revision; known here: default"),
    ({"trust": {"roots": []}}, ".trust.roots", "should be left out, or name one or more, is empty"),
    ({"trust": {"roots": [1, 2, 1]}}, ".trust.roots", "names the root 1 more than once; keep one"),
    ({"trust": {"roots": [0]}}, ".trust.roots[0]", "should be 1 or more, is 0"),
    ({"trust": {"rootDays": 90, "intermediateDays": 91}}, ".trust.intermediateDays", "91 is more than rootDays (90)"),
    ({"trust": {"external": "istio-csr"}}, ".trust.external", "'istio-csr' is no host name with a port; write one"),
    ({"trust": {"external": "csr.svc:70000"}}, ".trust.external", "'csr.svc:70000' is no host name with a port"),
    ({"trust": {"external": "csr.svc:443", "roots": [2]}}, ".trust.roots", "is for authorities that the program makes"),
    ({"egress": "all"}, ".egress", "should be one of 'registered' or 'any', is 'all'"),
    ({"failover": {"ue": ["na"]}}, ".failover.ue", "'ue' is no region of this fleet; did you mean `eu`?"),
    ({"failover": {"eu": ["an"]}}, ".failover.eu[0]", "'an' is no region of this fleet; did you mean `na`?"),
    ({"failover": {"eu": ["eu"]}}, ".failover.eu[0]", "'eu' is the region itself; name another"),
    ({"failover": {"eu": []}}, ".failover.eu", "names no region; name the next one, or leave it out"),
    ({"failover": {"eu": ["na", "na"]}}, ".failover.eu", "names the region na more than once; keep one"),
    (
        {"outlierDetection": {"maxEjectedPercent": 0}},
        ".outlierDetection.maxEjectedPercent",
        "should be 1 or more, is 0",
    ),
    ({"traffic": {"drained": ["x"]}}, ".traffic.drained[0]", "'x' is no region of this fleet; known here: eu, na, sea"),
    ({"traffic": {"drained": ["sea", "eu", "na"]}}, ".traffic.drained", "names every region, so that nobody would"),
    ({"traffic": {"weights": {"eu": 0, "na": 0}}}, ".traffic.weights", "gives no region anything; let one weight be"),
    ({"traffic": {"weights": {}}}, ".traffic.weights", "gives no region anything; let one weight be more than 0"),
    ({"traffic": {"weights": {"eu": -1}}}, ".traffic.weights.eu", "should be 0 or more, is -1"),
    ({"traffic": {"weights": {"ue": 1}}}, ".traffic.weights.ue", "'ue' is no region of this fleet; did you mean `eu`?"),
    ({"traffic": {"only": "ue"}}, ".traffic.only", "'ue' is no region of this fleet; did you mean `eu`?"),
    (
        {"traffic": {"only": "eu", "drained": ["na"]}},
        ".traffic.only",
        "cannot be had together with `drained`; keep one",
    ),
    ({"services": {"web": {"only": "eu"}}}, ".services.web.[key]", "'web' is no full host name of a service; write"),
    ({"services": {"web.shop.svc.cluster.local": {}}}, ".services.web.shop.svc.cluster.local", "says nothing; name"),
    (
        {"services": {"web.shop.svc.cluster.local": {"only": "x"}}},
        ".services.web.shop.svc.cluster.local.only",
        "'x' is no region of this fleet",
    ),
]


@pytest.mark.parametrize(("mesh", "path", "text"), WRONG, ids=[f"{path}: {text}" for _, path, text in WRONG])
def test_a_wrong_mesh_is_refused_by_its_one_line(mesh: object, path: str, text: str) -> None:
    errors = errors_of(config(regions=regions(), mesh=mesh))
    assert len(errors) == 1
    assert errors[0].startswith(f"fleet:mesh{path}: {text}")


def test_a_fleet_that_says_nothing_is_one_mesh_that_trusts_what_the_program_makes() -> None:
    mesh = loaded().mesh
    assert mesh.enabled
    assert mesh.kind is MeshKind.ISTIO
    assert mesh.egress is EgressMode.REGISTERED
    assert mesh.trust.is_made_here
    assert mesh.current_revision == "default"
    assert (loaded().mesh_id, loaded(mesh={"meshId": "one"}).mesh_id) == ("lab", "one")


def test_an_upgrade_is_two_revisions_of_which_one_is_current() -> None:
    revisions = [{"name": "default", "version": "1.31.1"}, {"name": "1-32", "version": "1.32.0"}]
    assert loaded(mesh={"revisions": revisions}).mesh.current_revision == "default"
    assert loaded(mesh={"revisions": revisions, "current": "1-32"}).mesh.current_revision == "1-32"


def test_regions_that_share_a_location_can_be_told_apart_by_nothing_that_looks_at_it() -> None:
    alike = {"eu": cluster(1), "na": cluster(2)}
    text = "tells regions apart by their location, but eu and na are both in eu-west-1"
    assert errors_of(config(regions=alike, mesh={"traffic": {"only": "eu"}})) == [
        f"fleet:mesh.traffic: {text}; take it out, or change a location"
    ]
    assert loaded(regions=alike).mesh.enabled


def test_two_regions_of_one_network_with_overlapping_pods_are_refused() -> None:
    network = {"name": "one", "pods": "10.1.0.0/16", "services": "10.120.0.0/16"}
    given = {"eu": cluster(1, network={**network, "services": "10.121.0.0/16"}), "na": cluster(2, network=network)}
    (error,) = errors_of(config(regions=given))
    assert error.startswith("fleet:regions.na.network.pods: 10.1.0.0/16 overlaps fleet:regions.eu.network.pods")


def test_more_than_three_regions_have_one_that_is_next() -> None:
    four = regions() | {"au": cluster(4, location="ap-southeast-2")}
    text = "names several regions, but Istio can put only one before the rest"
    (error,) = errors_of(config(regions=four, mesh={"failover": {"au": ["sea", "eu"]}}))
    assert error.startswith(f"fleet:mesh.failover.au: {text}")
    assert loaded(regions=four, mesh={"failover": {"au": ["sea"]}}).mesh.failover == {"au": ("sea",)}


def test_the_lab_has_no_external_authority() -> None:
    errors = errors_of(config(regions=regions(), mesh={"trust": {"external": "csr.cert-manager.svc:443"}}))
    assert [line.split(" is in ")[0] for line in errors] == [
        f"fleet:mesh.trust.external: {region}" for region in ("eu", "na", "sea")
    ]


def test_the_manager_is_not_in_the_mesh() -> None:
    assert errors_of(config(manager=cluster(9, mesh={"credential": 2}))) == [
        "fleet:manager.mesh: is for regions; the manager is no member of the mesh, take it out"
    ]


GRANTS: list[tuple[dict[str, Any], str, str]] = [
    ({"tenant": "serach"}, "[0].tenant", "'serach' is no tenant; did you mean `search`?"),
    ({"tenant": "shop"}, "[0].tenant", "'shop' is the tenant itself, which may call itself; take the grant out"),
    ({"tenant": "aside"}, "[0].tenant", "'aside' is not in the mesh, so nobody can tell that it calls; enable its"),
    ({"tenant": "search", "namespace": "search"}, "[0].namespace", "'search' is no namespace of search; did you mean"),
    ({"tenant": "search", "serviceAccount": "web"}, "[0].namespace", "is missing; say where web is"),
]


@pytest.mark.parametrize(("grant", "path", "text"), GRANTS, ids=[text for *_, text in GRANTS])
def test_a_wrong_grant_is_refused_by_its_one_line(grant: dict[str, Any], path: str, text: str) -> None:
    others = (tenant("search", namespaces=["api"]), tenant("aside", mesh={"enabled": False}))
    errors = errors_of(config(tenant("shop", mesh={"grants": [grant]}), *others))
    assert len(errors) == 1
    assert errors[0].startswith(f"fleet:tenants[shop].mesh.grants{path}: {text}")


def test_grants_are_for_tenants_in_a_mesh() -> None:
    grants = {"grants": [{"tenant": "search"}, {"tenant": "search"}]}
    (twice,) = errors_of(config(tenant("shop", mesh=grants), tenant("search")))
    assert twice == "fleet:tenants[shop].mesh.grants: names the grant search more than once; keep one"
    one = {"grants": [{"tenant": "search"}]}
    (outside,) = errors_of(config(tenant("shop", mesh={"enabled": False, **one}), tenant("search")))
    assert outside.startswith("fleet:tenants[shop].mesh.grants: are for tenants in the mesh; enable it")
    (without,) = errors_of(config(tenant("shop", mesh=one), tenant("search"), mesh={"enabled": False}))
    assert without.startswith("fleet:tenants[shop].mesh.grants: are for a fleet with a mesh, but fleet:mesh.enabled")


@pytest.mark.parametrize(
    ("mesh", "right"),
    [
        ({"enabled": False}, True),
        ({"trust": {"roots": [2, 1], "intermediate": 4}}, True),
        ({"services": {"web.shop.svc.cluster.local": {"weights": {"eu": 3, "na": 0}}}}, True),
        (
            {
                "trust": {
                    "provided": {
                        "roots": "x",
                        "regions": {"eu": {"certificate": "x", "privateKey": {"secure": "v1:x"}}},
                    }
                }
            },
            True,
        ),
        ({"enabled": "no"}, False),
        ({"meshId": None}, False),
        ({"traffic": {"weights": {"eu": -1}}}, False),
        ({"trust": {"root": 1}}, False),
    ],
    ids=str,
)
def test_an_editor_knows_a_right_mesh_from_a_wrong_one(mesh: dict[str, Any], *, right: bool) -> None:
    document = {"config": {f"fleet:{key}": value for key, value in config(mesh=mesh).items()}}
    assert Draft202012Validator(json_schema()).is_valid(document) == right


def test_the_stack_file_of_the_lab_is_one_mesh() -> None:
    assert from_file(ROOT / "stacks" / "Pulumi.lab.yaml").mesh.enabled
