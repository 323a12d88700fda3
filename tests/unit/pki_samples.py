"""Certificates for tests: the provider `pki` without an engine, at a time that the test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from providers.kind import Values
from providers.patience import Patience
from providers.pki.issuing import read_certificates
from providers.pki.kind import CertificateKind

START = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_PATIENCE = Patience(60)


def at_start() -> datetime:
    """A clock that stands still."""
    return START


@dataclass
class Clock:
    """A clock that only the test moves."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.now


def inputs(**changes: object) -> dict[str, Any]:
    """Inputs of a server's certificate for 90 days, as a program sends them, but for the issuer."""
    return {
        "commonName": "api",
        "organizations": [],
        "dnsNames": ["api.example.com"],
        "ipAddresses": [],
        "uris": [],
        "isCertificateAuthority": False,
        "usages": ["server"],
        "validityHours": 90 * 24.0,
        "renewBeforeHours": 30 * 24.0,
        "keyAlgorithm": "ECDSA-P256",
        **changes,
    }


def authority(**changes: object) -> dict[str, Any]:
    """Inputs of an authority for ten years, by default a root."""
    ten_years = {"validityHours": 87600.0, "renewBeforeHours": 17520.0}
    return inputs(commonName="root", dnsNames=[], usages=[], isCertificateAuthority=True) | ten_years | changes


def issuer(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The input `issuer` for what the authority with these outputs signs."""
    return {"certificate": outputs["chain"], "privateKey": outputs["privateKey"]}


def make(given: Values, now: Callable[[], datetime] = at_start) -> Values:
    """Make a certificate whose inputs are right; its outputs."""
    kind = CertificateKind(now)
    assert list(kind.problems(given)) == []
    return kind.create(given, _PATIENCE)[1]


def update(given: Values, state: Values, now: Callable[[], datetime]) -> Values:
    """Make an update; its outputs."""
    return CertificateKind(now).update("id", given, state, _PATIENCE)


def certificate(outputs: Mapping[str, Any]) -> x509.Certificate:
    """The certificate in outputs."""
    return read_certificates(outputs["certificate"])[0]


def verify(
    outputs: Mapping[str, Any], root: Mapping[str, Any], name: x509.DNSName | x509.IPAddress, at: datetime
) -> None:
    """Verify the chain that a server with these outputs presents, as a client that trusts `root` does."""
    leaf, *above = read_certificates(outputs["chain"])
    policy = PolicyBuilder().store(Store([certificate(root)])).time(at)
    policy.build_server_verifier(name).verify(leaf, above)
