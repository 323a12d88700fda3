"""Keys and certificates, as RFC 5280 and Kubernetes want them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from providers.pki.request import Request
from providers.pki.resource import KeyAlgorithm, Usage

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

CLOCK_SKEW = timedelta(minutes=5)
"""How much earlier than now a certificate begins, for those whose clock is late."""

_EXTENDED = {Usage.SERVER: ExtendedKeyUsageOID.SERVER_AUTH, Usage.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, kw_only=True)
class Authority:
    """An issuer that can sign: its certificate first, those between it and the root after it, and its key."""

    certificates: tuple[x509.Certificate, ...]
    private_key: PrivateKey

    @property
    def certificate(self) -> x509.Certificate:
        """Its own certificate."""
        return self.certificates[0]

    @classmethod
    def of(cls, certificate: str, private_key: str) -> Authority:
        """Read an issuer from PEM; raises `ValueError` if it is none."""
        certificates = read_certificates(certificate)
        key = read_key(private_key)
        if key.public_key() != certificates[0].public_key():
            raise ValueError("is not the key of issuer.certificate")
        return cls(certificates=certificates, private_key=key)


def new_key(algorithm: KeyAlgorithm) -> PrivateKey:
    """Make a key."""
    if algorithm is KeyAlgorithm.ECDSA_P256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm is KeyAlgorithm.ECDSA_P384:
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(algorithm.removeprefix("RSA-")))


def algorithm_of(key: PrivateKey) -> str:
    """What `KeyAlgorithm` calls the key's algorithm, were it one of those."""
    return f"RSA-{key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else f"ECDSA-P{key.key_size}"


def key_pem(key: PrivateKey) -> str:
    """The key in the older PEM forms: Kubernetes reads ECDSA keys for service account tokens in no other."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def certificate_pem(*certificates: x509.Certificate) -> str:
    """Certificates in PEM, one after the other."""
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)


def read_key(pem: str) -> PrivateKey:
    """Read a private key; raises `ValueError`, which never has any of it."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("should be a private key in PEM, without a passphrase") from None
    if not isinstance(key, PrivateKey):
        raise ValueError("should be an ECDSA or RSA key")  # noqa: TRY004
    return key


def read_certificates(pem: str) -> tuple[x509.Certificate, ...]:
    """Read one certificate or several, each signed by the next; raises `ValueError`."""
    try:
        certificates = tuple(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        raise ValueError("should be a certificate in PEM, or several of which each is signed by the next") from None
    for number, (each, above) in enumerate(pairwise(certificates)):
        try:
            each.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            raise ValueError(f"its certificate {number + 1} is not signed by its certificate {number + 2}") from None
    return certificates


def validity(request: Request, issuer: x509.Certificate | None, now: datetime) -> tuple[datetime, datetime]:
    """When a certificate issued now begins and ends, in whole seconds; never outside its issuer's own time."""
    begin = (now - CLOCK_SKEW).replace(microsecond=0)
    end = now.replace(microsecond=0) + request.validity
    if issuer is None:
        return begin, end
    return max(begin, issuer.not_valid_before_utc), min(end, issuer.not_valid_after_utc)


def issue(request: Request, key: PrivateKey, issuer: Authority | None, now: datetime) -> x509.Certificate:
    """Sign what `request` says for `key`: by `issuer`, or by itself."""
    subject, public_key = _subject(request), key.public_key()
    begin, end = validity(request, issuer.certificate if issuer else None, now)
    authority = request.is_certificate_authority
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=request.path_length), critical=True)
        .add_extension(_key_usage(request, key), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if issuer is not None:
        # What verifiers look for is the identifier that the issuer's certificate has, however that was computed.
        identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
    if request.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage([_EXTENDED[u] for u in request.usages]), critical=False)
    if names := _alternative_names(request):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signer = issuer.private_key if issuer else key
    return builder.sign(signer, _hash(signer))


def timestamp(moment: datetime) -> str:
    """A moment as RFC 3339 writes it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _subject(request: Request) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in request.organizations]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, request.common_name)])


def _key_usage(request: Request, key: PrivateKey) -> x509.KeyUsage:
    authority = request.is_certificate_authority
    return x509.KeyUsage(
        digital_signature=not authority,
        key_encipherment=not authority and isinstance(key, rsa.RSAPrivateKey),
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(request: Request) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(name) for name in request.dns_names),
        *(x509.IPAddress(ip_address(address)) for address in request.ip_addresses),
        *(x509.UniformResourceIdentifier(uri) for uri in request.uris),
    ]


def _hash(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    return hashes.SHA384() if algorithm_of(key) == KeyAlgorithm.ECDSA_P384 else hashes.SHA256()
