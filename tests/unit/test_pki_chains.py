"""Certificates of the provider `pki` are what X.509 verifiers and Kubernetes take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from providers.pki.issuing import algorithm_of, read_certificates, read_key
from providers.pki.resource import KeyAlgorithm
from tests.unit.pki_samples import DAY, START, Clock, authority, certificate, inputs, issuer, make, verify

NAME = x509.DNSName("api.example.com")


@dataclass(frozen=True)
class Chain:
    """A root, an authority below it, and a server below that."""

    root: dict[str, Any]
    intermediate: dict[str, Any]
    server: dict[str, Any]


@pytest.fixture(scope="module")
def chain() -> Chain:
    root = make(authority())
    intermediate = make(authority(commonName="eu", issuer=issuer(root), validityHours=43800.0, pathLength=0.0))
    server = inputs(organizations=["fleet"], ipAddresses=["10.0.0.1"], uris=["spiffe://example.com/api"])
    return Chain(root, intermediate, make(server | {"issuer": issuer(intermediate)}))


def test_a_server_is_verified_by_name_and_by_address_from_the_root_alone(chain: Chain) -> None:
    verify(chain.server, chain.root, NAME, START)
    verify(chain.server, chain.root, x509.IPAddress(ip_address("10.0.0.1")), START)


def test_a_server_is_not_taken_for_another_nor_after_its_time_nor_by_another_root(chain: Chain) -> None:
    with pytest.raises(VerificationError):
        verify(chain.server, chain.root, x509.DNSName("other.example.com"), START)
    with pytest.raises(VerificationError):
        verify(chain.server, chain.root, NAME, START + 91 * DAY)
    with pytest.raises(VerificationError):
        verify(chain.server, make(authority()), NAME, START)


def test_a_client_is_verified_and_is_who_the_subject_says(chain: Chain) -> None:
    given = inputs(commonName="system:admin", organizations=["system:masters"], dnsNames=["admin"], usages=["client"])
    client = certificate(make(given | {"issuer": issuer(chain.root)}))
    policy = PolicyBuilder().store(Store([certificate(chain.root)])).time(START)
    assert policy.build_client_verifier().verify(client, []).chain == [client, certificate(chain.root)]
    assert client.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "system:admin"
    assert client.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:masters"


def test_a_certificate_says_no_more_than_it_is_for(chain: Chain) -> None:
    extensions = certificate(chain.server).extensions
    usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://example.com/api"]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key_usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert key_usage.critical
    assert not key_usage.value.key_cert_sign
    intermediate = certificate(chain.intermediate).extensions
    assert intermediate.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(
        ca=True, path_length=0
    )
    assert intermediate.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_the_chain_ends_below_the_root(chain: Chain) -> None:
    assert chain.server["chain"] == chain.server["certificate"] + chain.intermediate["certificate"]
    assert chain.intermediate["chain"] == chain.intermediate["certificate"]
    assert chain.root["chain"] == chain.root["certificate"]


def test_outputs_tell_what_the_certificate_says(chain: Chain) -> None:
    server = certificate(chain.server)
    assert chain.server["notBefore"] == "2030-01-01T11:55:00Z"
    assert chain.server["notAfter"] == "2030-04-01T12:00:00Z"
    assert server.not_valid_after_utc == START + 90 * DAY
    assert int(chain.server["serialNumber"], 16) == server.serial_number
    assert chain.server["fingerprint"] == server.fingerprint(hashes.SHA256()).hex()
    assert certificate(chain.root).serial_number != server.serial_number


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_each_algorithm_is_verified_and_has_its_older_pem_form(algorithm: KeyAlgorithm) -> None:
    root = make(authority(keyAlgorithm=algorithm.value))
    server = make(inputs(keyAlgorithm=algorithm.value, issuer=issuer(root)))
    verify(server, root, NAME, START)
    key = read_key(server["privateKey"])
    assert key.public_key() == certificate(server).public_key()
    assert algorithm_of(key) == algorithm
    form = "EC" if algorithm.startswith("ECDSA") else "RSA"
    assert server["privateKey"].startswith(f"-----BEGIN {form} PRIVATE KEY-----")


def test_a_certificate_never_outlives_its_issuer() -> None:
    root = make(authority(validityHours=2400.0, renewBeforeHours=100.0))
    late = Clock(START + 80 * DAY)
    server = make(inputs(issuer=issuer(root)), late)
    assert server["notAfter"] == root["notAfter"]
    verify(server, root, NAME, late.now + timedelta(days=1))


def test_a_chain_out_of_order_is_no_issuer(chain: Chain) -> None:
    mixed = chain.root["certificate"] + chain.server["certificate"]
    with pytest.raises(ValueError, match="certificate 1 is not signed by its certificate 2"):
        read_certificates(mixed)
