"""Whether an issuer can sign the certificate that is asked of it (RFC 5280, sections 4.2.1.3, 4.2.1.9 and 6.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from providers.pki.issuing import Authority, read_certificates, timestamp

_FIELDS = {"certificate", "privateKey"}


def issuer_problems(inputs: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    """What is wrong with `inputs["issuer"]` for a request that is right: pairs of property path and reason."""
    issuer = inputs["issuer"]
    if not isinstance(issuer, dict) or set(issuer) != _FIELDS or not all(isinstance(v, str) for v in issuer.values()):
        yield "issuer", "should have certificate and privateKey, both in PEM, and nothing else"
        return
    try:
        certificate = read_certificates(issuer["certificate"])[0]
    except ValueError as error:
        yield "issuer.certificate", str(error)
        return
    try:
        Authority.of(issuer["certificate"], issuer["privateKey"])
    except ValueError as error:
        yield "issuer.privateKey", str(error)
    yield from (("issuer.certificate", reason) for reason in _why_no_authority(certificate, inputs))
    yield from _time_problems(certificate, inputs, now)


def _why_no_authority(certificate: x509.Certificate, inputs: Mapping[str, Any]) -> Iterator[str]:
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        yield "is not that of a certificate authority; make its issuer one with isCertificateAuthority"
        return
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        yield "may not sign certificates: its key usage lacks keyCertSign; use one that has it"
    if _extension(certificate, x509.SubjectKeyIdentifier) is None:
        yield "has no subject key identifier, by which verifiers find it; use one that has it"
    length = constraints.path_length
    if not inputs.get("isCertificateAuthority") or length is None:
        return
    if length == 0:
        yield "may have no authority below it: its path length is 0; use one with a longer path"
    elif "pathLength" in inputs and inputs["pathLength"] >= length:
        yield f"has path length {length}, which one below it has to stay under; make pathLength {length - 1} or less"


def _time_problems(
    certificate: x509.Certificate, inputs: Mapping[str, Any], now: datetime
) -> Iterator[tuple[str, str]]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= end:
        yield "issuer.certificate", f"ended at {timestamp(end)}; renew it first"
    if "validityHours" in inputs and timedelta(hours=inputs["validityHours"]) > end - begin:
        hours = int((end - begin) / timedelta(hours=1))
        yield "validityHours", f"is longer than that of its issuer; make it {hours} or less, or the issuer's longer"


def _extension(certificate: x509.Certificate, kind: type[Any]) -> Any | None:  # noqa: ANN401
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
