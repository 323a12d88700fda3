"""Whether the authorities that somebody brings can sign for the mesh: what RFC 5280 asks of them, and that they fit."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stacks.errors import Problem, suggestion
from stacks.trust import ProvidedAuthority, ProvidedTrust

_DER, _SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo


def problems(provided: ProvidedTrust, regions: Sequence[str], now: datetime | None = None) -> Iterator[Problem]:
    """Yield what is wrong with the authorities at a moment (now, if left out); paths are relative to ``provided``."""
    moment = now or datetime.now(UTC)
    try:
        roots = _read(provided.roots)
    except ValueError as error:
        yield ("roots",), str(error)
        return
    for number, root in enumerate(roots, start=1):
        which = f"its certificate {number} " if len(roots) > 1 else ""
        yield from ((("roots",), f"{which}{reason}") for reason in _why_no_authority(root, moment))
    for region in provided.regions:
        if region not in regions:
            yield ("regions", region), f"{region!r} is no region of this fleet; {suggestion(region, regions)}"
    if missing := [region for region in regions if region not in provided.regions]:
        yield ("regions",), f"says nothing of {', '.join(missing)}; give each region an intermediate"
    named = {region: provided.regions[region] for region in regions if region in provided.regions}
    for region, authority in named.items():
        yield from ((("regions", region, field), text) for field, text in _intermediate(authority, roots, moment))
    yield from _shared(named)


def _intermediate(
    authority: ProvidedAuthority, roots: Sequence[x509.Certificate], now: datetime
) -> Iterator[tuple[str, str]]:
    try:
        certificate, *more = _read(authority.certificate)
    except ValueError as error:
        yield "certificate", str(error)
        return
    if more:
        yield "certificate", "has several certificates; keep the intermediate's, and put those above it into `chain`"
        return
    yield from (("certificate", reason) for reason in _why_no_authority(certificate, now))
    yield from (("privateKey", reason) for reason in _why_not_its_key(authority, certificate))
    try:
        above = _read(authority.chain) if authority.chain else []
    except ValueError as error:
        yield "chain", str(error)
        return
    yield from (("chain", reason) for each in above for reason in _why_no_authority(each, now))
    yield from _unsigned([certificate, *above], roots)


def _unsigned(path: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> Iterator[tuple[str, str]]:
    """Yield why there is no path of signatures from the first certificate up to a root."""
    for number, (each, issuer) in enumerate(pairwise(path)):
        if not _signed(each, issuer):
            what = "the intermediate" if number == 0 else f"its certificate {number}"
            yield "chain", f"its certificate {number + 1} has not signed {what}; put each signer after what it signed"
            return
    issuers = [root for root in roots if _signed(path[-1], root)]
    if not issuers:
        field, what = ("chain", "its last certificate") if len(path) > 1 else ("certificate", "it")
        yield (
            field,
            f"none of `roots` has signed {what}; give the root that has, or the certificates between in `chain`",
        )
        return
    for depth, authority in enumerate([*path[1:], issuers[0]], start=1):
        length = _constraints(authority).path_length
        if length is not None and length < depth:
            field = "chain" if depth < len(path) else "certificate"
            yield field, f"an authority above it allows {length} below itself, but there are {depth}; have it reissued"


def _why_no_authority(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= end:
        yield f"ended at {end:%Y-%m-%d %H:%M} UTC; have it renewed"
    if now < begin:
        yield f"begins only at {begin:%Y-%m-%d %H:%M} UTC; use one that is valid now"
    if not _constraints(certificate).ca:
        yield "is not that of a certificate authority; use one whose basic constraints say CA"
        return
    try:
        signs = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    if not signs:
        yield "may not sign certificates: its key usage lacks keyCertSign; use one that has it"


def _why_not_its_key(authority: ProvidedAuthority, certificate: x509.Certificate) -> Iterator[str]:
    text = authority.private_key.text
    if text is None:
        return
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        yield "should be a private key in PEM, without a passphrase"
        return
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        yield "should be an ECDSA or RSA key"
    elif key.public_key().public_bytes(_DER, _SPKI) != certificate.public_key().public_bytes(_DER, _SPKI):
        yield "is not the key of `certificate`; give the one that belongs to it"


def _shared(authorities: Mapping[str, ProvidedAuthority]) -> Iterator[Problem]:
    first: dict[bytes, str] = {}
    for region, authority in authorities.items():
        try:
            key = _read(authority.certificate)[0].public_key().public_bytes(_DER, _SPKI)
        except ValueError:
            continue
        if (other := first.setdefault(key, region)) != region:
            text = f"has the same key as that of {other}; give each region an intermediate of its own"
            yield ("regions", region, "certificate"), text


def _read(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise ValueError("cannot be read; should be one certificate or several in PEM") from None


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return x509.BasicConstraints(ca=False, path_length=None)
