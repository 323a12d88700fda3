"""Authorities that somebody brings are held against each other and against the clock before anything is made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.patience import Patience
from providers.pki.kind import CertificateKind
from stacks.authorities import problems
from stacks.trust import ProvidedTrust
from tests.unit.pki_samples import START, at_start, authority, inputs, issuer, make
from tests.unit.settings_samples import config, errors_of, loaded

REGIONS = ("eu", "na")
ROOT = make(authority(commonName="root"))
OTHER = make(authority(commonName="other"))


def given(**changes: object) -> dict[str, Any]:
    """Return right authorities for two regions, `eu` changed."""
    made = {each: make(authority(commonName=each, issuer=issuer(ROOT), pathLength=0.0)) for each in REGIONS}
    found = {each: {"certificate": out["certificate"], "privateKey": out["privateKey"]} for each, out in made.items()}
    return {"roots": ROOT["certificate"], "regions": {**found, "eu": {**found["eu"], **changes}}}


def told(provided: dict[str, Any], *, days: int = 0) -> list[tuple[str, str]]:
    found = problems(ProvidedTrust.model_validate(provided), REGIONS, START + timedelta(days=days))
    return [(".".join(str(step) for step in steps), text) for steps, text in found]


def intermediate(**changes: object) -> dict[str, Any]:
    out = make(authority(commonName="eu") | {"issuer": issuer(ROOT)} | changes)
    return {"certificate": out["certificate"], "privateKey": out["privateKey"]}


def test_right_authorities_are_taken() -> None:
    assert told(given()) == []
    assert told({**given(), "roots": ROOT["certificate"] + OTHER["certificate"]}) == []


def test_an_expired_authority_is_refused_and_one_that_has_not_begun() -> None:
    expired = dict(told(given(), days=3660))
    assert expired["roots"] == "ended at 2039-12-30 12:00 UTC; have it renewed"
    assert expired["regions.na.certificate"] == "ended at 2039-12-30 12:00 UTC; have it renewed"
    assert "begins only at 2030-01-01 11:55 UTC" in dict(told(given(), days=-1))["roots"]


def test_an_intermediate_of_another_root_is_refused() -> None:
    strange = told(given(**intermediate(issuer=issuer(OTHER))))
    assert strange == [
        (
            "regions.eu.certificate",
            "none of `roots` has signed it; give the root that has, or the certificates between in `chain`",
        )
    ]


def test_a_key_of_another_certificate_is_refused_and_never_shown() -> None:
    (mismatch,) = told(given(privateKey=OTHER["privateKey"]))
    assert mismatch == ("regions.eu.privateKey", "is not the key of `certificate`; give the one that belongs to it")
    (broken,) = told(given(privateKey="-----BEGIN EC PRIVATE KEY-----\nsecret"))
    assert broken == ("regions.eu.privateKey", "should be a private key in PEM, without a passphrase")


def test_what_is_no_authority_is_refused() -> None:
    leaf = make(inputs(issuer=issuer(ROOT)))
    (error,) = told(given(certificate=leaf["certificate"], privateKey=leaf["privateKey"]))
    assert error[0] == "regions.eu.certificate"
    assert error[1].startswith("is not that of a certificate authority")


def test_one_intermediate_for_two_regions_is_refused() -> None:
    provided = given()
    provided["regions"]["na"] = provided["regions"]["eu"]
    assert told(provided) == [
        ("regions.na.certificate", "has the same key as that of eu; give each region an intermediate of its own")
    ]


def test_a_chain_is_followed_to_the_root() -> None:
    between = make(authority(commonName="between", issuer=issuer(ROOT)))
    below = intermediate(issuer=issuer(between), pathLength=0.0)
    assert told(given(**below, chain=between["certificate"])) == []
    (error,) = told(given(**below, chain=OTHER["certificate"]))
    assert error[0] == "regions.eu.chain"
    assert "certificate 1 has not signed the intermediate" in error[1]


def test_an_authority_that_allows_none_below_itself_has_none() -> None:
    above = make(authority(commonName="between", issuer=issuer(ROOT), pathLength=1.0))
    assert told(given(**intermediate(issuer=issuer(above)), chain=above["certificate"])) == []
    short = make(authority(commonName="between", issuer=issuer(ROOT), pathLength=0.0))
    # The provider refuses to sign such a one, so it is signed without asking.
    below = CertificateKind(at_start).create(authority(commonName="eu", issuer=issuer(short)), Patience(60))[1]
    wrong = {"certificate": below["certificate"], "privateKey": below["privateKey"], "chain": short["certificate"]}
    assert told(given(**wrong)) == [
        ("regions.eu.chain", "an authority above it allows 0 below itself, but there are 1; have it reissued")
    ]


def test_every_region_has_one_and_nobody_else() -> None:
    provided = given()
    provided["regions"]["ue"] = provided["regions"].pop("eu")
    assert told(provided) == [
        ("regions.ue", "'ue' is no region of this fleet; did you mean `eu`?"),
        ("regions", "says nothing of eu; give each region an intermediate"),
    ]


def test_settings_tell_it_all_with_the_path_and_without_a_key() -> None:
    provided = given(privateKey=OTHER["privateKey"])
    errors = errors_of(config(mesh={"trust": {"provided": provided}}))
    assert "fleet:mesh.trust.provided.regions.eu.privateKey: is not the key of `certificate`" in "\n".join(errors)
    assert OTHER["privateKey"].splitlines()[1] not in "\n".join(errors)


def test_a_key_that_pulumi_has_encrypted_can_be_read_by_whoever_cannot_decrypt_it() -> None:
    now = datetime.now(UTC)
    root = make(authority(commonName="root"), lambda: now)
    made = {each: make(authority(commonName=each, issuer=issuer(root)), lambda: now) for each in ("eu", "na")}
    provided = {
        "roots": root["certificate"],
        "regions": {
            each: {"certificate": out["certificate"], "privateKey": {"secure": "v1:abc"}} for each, out in made.items()
        },
    }
    trust = loaded(mesh={"trust": {"provided": provided}}).mesh.trust
    assert trust.provided is not None
    assert trust.provided.regions["eu"].private_key.text is None
    plain = {each: {"certificate": out["certificate"], "privateKey": out["privateKey"]} for each, out in made.items()}
    readable = loaded(mesh={"trust": {"provided": {**provided, "regions": plain}}})
    assert made["eu"]["privateKey"].splitlines()[1] not in repr(readable)


@pytest.mark.parametrize("wrong", [{"plain": "x"}, "", 7, None])
def test_a_key_is_text_or_encrypted(wrong: object) -> None:
    provided = given(privateKey=wrong)
    (error,) = errors_of(config(mesh={"trust": {"provided": provided}}))
    assert error.startswith("fleet:mesh.trust.provided.regions.eu.privateKey: should be text, encrypted by")
