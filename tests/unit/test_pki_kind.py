"""What the provider `pki` answers the engine: what it refuses, what it renews, and what stays secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto

from providers.kind import UNKNOWN, Values
from providers.pki import CertificateArgs, Issuer
from providers.pki.kind import CertificateKind
from providers.serving import Provider
from tests.unit.pki_samples import (
    DAY,
    START,
    Clock,
    at_start,
    authority,
    certificate,
    inputs,
    issuer,
    make,
    update,
    verify,
)

_URN = "urn:pulumi:lab::fleet::fleet:federation:Karmada$pki:index:Certificate::api"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
NAME = x509.DNSName("api.example.com")


class RefusedError(Exception):
    """The provider ended a call with an error."""


class Context:
    """The part of a gRPC context that the provider uses."""

    def abort(self, code: object, details: str) -> None:
        raise RefusedError(code, details)


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    properties = struct_pb2.Struct()
    properties.update(values)
    return properties


@pytest.fixture(scope="module")
def root() -> Values:
    return make(authority())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> Provider:
    return Provider(CertificateKind(clock))


def _refused(given: Values, at: Callable[[], datetime] = at_start) -> dict[str, str]:
    answer = Provider(CertificateKind(at)).Check(proto.CheckRequest(urn=_URN, news=_struct(given)), Context())
    return {failure.property: failure.reason for failure in answer.failures}


def _diff(provider: Provider, old: Values, new: Values, state: Values) -> list[str]:
    request = proto.DiffRequest(urn=_URN, id="1", old_inputs=_struct(old), news=_struct(new), olds=_struct(state))
    answer = provider.Diff(request, Context())
    assert not answer.replaces
    return list(answer.diffs)


def test_what_is_right_is_taken(root: Values) -> None:
    assert _refused(authority()) == {}
    assert _refused(inputs(issuer=issuer(root), dnsNames=["*.example.com", "localhost"], ipAddresses=["fd00::1"])) == {}


@pytest.mark.parametrize(
    ("change", "path", "right"),
    [
        ({"commonName": ""}, "commonName", "1 to 64 characters"),
        ({"commonName": "x" * 65}, "commonName", "1 to 64 characters"),
        ({"organizations": ["a\nb"]}, "organizations[0]", "one line"),
        ({"dnsNames": ["a", "API.example.com"]}, "dnsNames[1]", "lower case"),
        ({"dnsNames": ["a", "a"]}, "dnsNames[1]", "twice"),
        ({"dnsNames": ["*"]}, "dnsNames[0]", "*.example.com"),
        ({"dnsNames": ["a.*.example.com"]}, "dnsNames[0]", "*.example.com"),
        ({"dnsNames": ["10.0.0.0/8"]}, "dnsNames[0]", "DNS name"),
        ({"ipAddresses": ["10.0.0.0/8"]}, "ipAddresses[0]", "10.0.0.1"),
        ({"ipAddresses": ["fe80::1%eth0"]}, "ipAddresses[0]", "10.0.0.1"),
        ({"uris": ["example.com/fleet"]}, "uris[0]", "scheme"),
        ({"uris": ["spiffe://exa mple/fleet"]}, "uris[0]", "scheme"),
        ({"usages": ["signing"]}, "usages[0]", "server or client"),
        ({"usages": []}, "usages", "server or client"),
        ({"dnsNames": []}, "dnsNames", "dnsNames or ipAddresses"),
        ({"pathLength": 1.0}, "pathLength", "leave it out"),
        ({"keyAlgorithm": "RSA-1024"}, "keyAlgorithm", "RSA-2048"),
        ({"validityHours": 0.0}, "validityHours", "1 to"),
        ({"validityHours": 1.5}, "validityHours", "whole number"),
        ({"validityHours": 9e9}, "validityHours", "1 to 876000"),
        ({"renewBeforeHours": 2160.0}, "renewBeforeHours", "make it shorter"),
        ({"renewBeforeHours": -1.0}, "renewBeforeHours", "0 or more"),
        ({"colour": "red"}, "colour", "no property"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands_with_what_would_be_right(
    root: Values, change: dict[str, Any], path: str, right: str
) -> None:
    found = _refused(inputs(issuer=issuer(root)) | change)
    assert list(found) == [path]
    assert right in found[path]


@pytest.mark.parametrize(
    ("change", "path", "right"),
    [
        ({"usages": ["server"]}, "usages", "leave them out"),
        ({"pathLength": -1.0}, "pathLength", "0 or more"),
        ({"isCertificateAuthority": "yes"}, "isCertificateAuthority", "true or false"),
    ],
)
def test_what_is_wrong_of_an_authority_is_refused(change: dict[str, Any], path: str, right: str) -> None:
    found = _refused(authority() | change)
    assert list(found) == [path]
    assert right in found[path]


def test_an_issuer_that_cannot_sign_is_refused(root: Values) -> None:
    server = make(inputs(issuer=issuer(root)))
    last = make(authority(issuer=issuer(root), pathLength=0.0))
    middle = make(authority(issuer=issuer(root), pathLength=1.0))
    other = make(authority())
    wrong: list[tuple[dict[str, Any], str, str]] = [
        (inputs(issuer=issuer(server)), "issuer.certificate", "isCertificateAuthority"),
        (inputs(issuer={"certificate": "x", "privateKey": "y"}), "issuer.certificate", "in PEM"),
        (inputs(issuer={"certificate": root["chain"]}), "issuer", "certificate and privateKey"),
        (inputs(issuer=issuer(root) | {"privateKey": "y"}), "issuer.privateKey", "in PEM"),
        (inputs(issuer=issuer(root) | {"privateKey": other["privateKey"]}), "issuer.privateKey", "not the key"),
        (inputs(issuer=issuer(root), validityHours=87700.0), "validityHours", "make it 87600 or less"),
        (authority(issuer=issuer(last)), "issuer.certificate", "path length is 0"),
        (authority(issuer=issuer(middle), pathLength=1.0), "issuer.certificate", "make pathLength 0 or less"),
    ]
    for given, path, right in wrong:
        found = _refused(given)
        assert list(found) == [path], found
        assert right in found[path]


def test_an_issuer_without_the_right_to_sign_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = x509.KeyUsage(*[True, *[False] * 8])
    monkeypatch.setattr("providers.pki.issuing._key_usage", lambda *_: usage)
    found = _refused(inputs(issuer=issuer(make(authority()))))
    assert "keyCertSign" in found["issuer.certificate"]


def test_an_issuer_that_has_ended_is_refused(root: Values) -> None:
    found = _refused(inputs(issuer=issuer(root)), Clock(START + 3651 * DAY))
    assert "renew it first" in found["issuer.certificate"]


def test_an_issuer_s_key_is_in_no_message(root: Values) -> None:
    key = root["privateKey"][:120]
    (reason,) = _refused(inputs(issuer=issuer(root) | {"privateKey": key})).values()
    assert key[40:80] not in reason


def test_check_waits_with_what_is_not_known_yet() -> None:
    assert _refused(inputs(issuer={"certificate": UNKNOWN, "privateKey": UNKNOWN})) == {}
    assert _refused(inputs(dnsNames=[UNKNOWN])) == {}


def test_nothing_is_renewed_before_it_is_due(root: Values, provider: Provider, clock: Clock) -> None:
    given = inputs(issuer=issuer(root))
    state = make(given)
    assert _diff(provider, given, given, state) == []
    clock.now = START + 60 * DAY - DAY / 24
    assert _diff(provider, given, given, state) == []


def test_what_is_due_is_renewed_with_its_key(root: Values, provider: Provider, clock: Clock) -> None:
    given = inputs(issuer=issuer(root))
    state = make(given)
    clock.now = START + 60 * DAY
    assert _diff(provider, given, given, state) == ["notAfter"]
    renewed = update(given, state, clock)
    assert renewed["privateKey"] == state["privateKey"]
    assert renewed["notAfter"] == "2030-05-31T12:00:00Z"
    assert renewed["serialNumber"] != state["serialNumber"]
    verify(renewed, root, NAME, START + 140 * DAY)
    assert _diff(provider, given, given, renewed) == []


def test_a_renewal_that_its_issuer_s_end_would_cut_to_nothing_waits_for_the_issuer(
    clock: Clock, provider: Provider
) -> None:
    root = make(authority(validityHours=2400.0, renewBeforeHours=100.0))
    given = inputs(issuer=issuer(root))
    clock.now = START + 95 * DAY
    state = make(given, clock)
    assert state["notAfter"] == root["notAfter"]
    assert _diff(provider, given, given, state) == []


def test_a_renewed_issuer_keeps_what_it_signed_good_and_renews_it(
    root: Values, provider: Provider, clock: Clock
) -> None:
    given = inputs(issuer=issuer(root))
    state = make(given)
    clock.now = START + 30 * DAY
    renewed_root = update(authority(), root, clock)
    verify(state, renewed_root, NAME, clock.now)

    after = inputs(issuer=issuer(renewed_root))
    assert _diff(provider, given, after, state) == ["issuer"]
    verify(update(after, state, clock), renewed_root, NAME, clock.now)


@pytest.mark.parametrize(
    "change",
    [
        {"dnsNames": ["api.example.com", "b.example.com"]},
        {"organizations": ["fleet"]},
        {"validityHours": 2400.0},
        {"usages": ["server", "client"]},
    ],
)
def test_a_changed_input_renews_it_with_its_key(root: Values, provider: Provider, change: dict[str, Any]) -> None:
    given = inputs(issuer=issuer(root))
    state = make(given)
    assert _diff(provider, given, given | change, state) == list(change)
    assert update(given | change, state, at_start)["privateKey"] == state["privateKey"]


def test_another_key_algorithm_makes_another_key(root: Values, provider: Provider) -> None:
    given = inputs(issuer=issuer(root))
    state = make(given)
    changed = given | {"keyAlgorithm": "RSA-2048"}
    assert _diff(provider, given, changed, state) == ["keyAlgorithm"]
    renewed = update(changed, state, at_start)
    assert "BEGIN RSA PRIVATE KEY" in renewed["privateKey"]
    verify(renewed, root, NAME, START)


def test_an_issuer_that_is_not_known_yet_is_a_change(root: Values, provider: Provider) -> None:
    given = inputs(issuer=issuer(root))
    after = inputs(issuer={"certificate": UNKNOWN, "privateKey": UNKNOWN})
    assert _diff(provider, given, after, make(given)) == ["issuer"]


def test_the_key_is_secret_from_birth_and_no_other_output_has_it(root: Values, provider: Provider) -> None:
    request = proto.CreateRequest(urn=_URN, properties=_struct(inputs(issuer=issuer(root))))
    answer = provider.Create(request, Context())
    outputs = json_format.MessageToDict(answer.properties)
    secret = outputs.pop("privateKey")
    assert secret[_SIGNATURE]
    assert "PRIVATE KEY" in secret["value"]
    assert "PRIVATE KEY" not in str(outputs)
    assert answer.id

    refreshed = provider.Read(
        proto.ReadRequest(
            urn=_URN,
            id=answer.id,
            inputs=_struct(inputs(issuer=issuer(root))),
            properties=_struct({**outputs, "privateKey": secret["value"]}),
        ),
        Context(),
    )
    assert refreshed.properties == answer.properties


def test_a_preview_makes_nothing_and_knows_the_key_that_stays(root: Values, provider: Provider) -> None:
    given = inputs(issuer=issuer(root))
    create = proto.CreateRequest(urn=_URN, properties=_struct(given), preview=True)
    assert not provider.Create(create, Context()).properties.fields
    state = make(given)
    request = proto.UpdateRequest(urn=_URN, olds=_struct(state), news=_struct(given), preview=True)
    outputs = json_format.MessageToDict(provider.Update(request, Context()).properties)
    assert outputs == {"privateKey": {_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "value": state["privateKey"]}}


def test_an_import_is_refused(provider: Provider) -> None:
    with pytest.raises(RefusedError, match="cannot be imported"):
        provider.Read(proto.ReadRequest(urn=_URN, id="1"), Context())


def test_only_an_authority_may_do_without_an_issuer(provider: Provider) -> None:
    with pytest.raises(ValueError, match="api has no issuer"):
        CertificateArgs(common_name="api", validity_hours=2, renew_before_hours=1)
    with pytest.raises(RefusedError, match="api has no issuer"):
        provider.Create(proto.CreateRequest(urn=_URN, properties=_struct(inputs())), Context())


def test_a_program_s_arguments_are_the_provider_s_inputs(root: Values) -> None:
    args = CertificateArgs(
        common_name="ca",
        validity_hours=1000,
        renew_before_hours=10,
        is_certificate_authority=True,
        path_length=0,
        issuer=Issuer(certificate=root["chain"], private_key=root["privateKey"]),
    ).properties()
    assert args.pop("issuer")["certificate"] == root["chain"]
    made = make({**args, "issuer": issuer(root)})
    assert certificate(made).extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
