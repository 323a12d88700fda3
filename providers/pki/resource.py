"""The Pulumi resource `pki:index:Certificate`, as a program sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi


class KeyAlgorithm(StrEnum):
    """Kinds of keys that every client and server of the fleet takes."""

    ECDSA_P256 = "ECDSA-P256"
    ECDSA_P384 = "ECDSA-P384"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"


class Usage(StrEnum):
    """What a certificate proves in TLS: that this is the server it is taken for, or who the client is."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Who signs: its certificate in PEM, followed by those between it and the root where there are any, and its key."""

    certificate: pulumi.Input[str]
    private_key: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """What a certificate is to say, for how long, and who signs it.

    `common_name` and `organizations` are its subject (to Kubernetes a user and its groups); `dns_names` (a whole first
    label may be `*`), `ip_addresses` and `uris` are the names that it is good for. It is valid for `validity_hours`, or
    until its issuer ends if that is sooner, and the first `up` in its last `renew_before_hours` renews it. An authority
    signs others, with `path_length` authorities below it at most (left out: any number), and has no `usages`; anything
    else has one at least. Only an authority may be without an `issuer`: it is a root.
    """

    common_name: str
    validity_hours: int
    renew_before_hours: int
    organizations: Sequence[str] = ()
    dns_names: Sequence[str] = ()
    ip_addresses: Sequence[str] = ()
    uris: Sequence[str] = ()
    is_certificate_authority: bool = False
    path_length: int | None = None
    usages: Sequence[Usage] = ()
    key_algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256
    issuer: Issuer | None = None

    def __post_init__(self) -> None:
        if self.issuer is None and not self.is_certificate_authority:
            raise ValueError(f"the certificate {self.common_name} has no issuer; only an authority can sign itself")

    def properties(self) -> dict[str, Any]:
        """The resource's inputs, named as the provider names them."""
        properties: dict[str, Any] = {
            "commonName": self.common_name,
            "organizations": list(self.organizations),
            "dnsNames": list(self.dns_names),
            "ipAddresses": list(self.ip_addresses),
            "uris": list(self.uris),
            "isCertificateAuthority": self.is_certificate_authority,
            "usages": [usage.value for usage in self.usages],
            "validityHours": self.validity_hours,
            "renewBeforeHours": self.renew_before_hours,
            "keyAlgorithm": self.key_algorithm.value,
        }
        if self.path_length is not None:
            properties["pathLength"] = self.path_length
        if self.issuer is not None:
            properties["issuer"] = {
                "certificate": self.issuer.certificate,
                "privateKey": pulumi.Output.secret(self.issuer.private_key),
            }
        return properties


class Certificate(pulumi.CustomResource):
    """A certificate and its key.

    It is renewed in place when it is due, when its issuer's certificate is another, and when an input has changed. The
    key stays through all of that for as long as `key_algorithm` does: what an authority has signed stays good, and so
    do tokens signed with the key. Another key takes another resource: `pulumi up --replace URN`.
    """

    private_key: pulumi.Output[str]
    """The key in PEM, as PKCS #1 or SEC 1, which all of Kubernetes reads; a secret."""
    certificate: pulumi.Output[str]
    """The certificate in PEM."""
    chain: pulumi.Output[str]
    """What a server presents: the certificate and those above it, without the root; of a root, itself. In PEM."""
    not_before: pulumi.Output[str]
    """When it begins to be valid (RFC 3339)."""
    not_after: pulumi.Output[str]
    """When it ends (RFC 3339)."""
    serial_number: pulumi.Output[str]
    """In hexadecimal digits; no two certificates have the same."""
    fingerprint: pulumi.Output[str]
    """SHA-256 of the certificate, in hexadecimal digits: another one means that it was renewed."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        outputs = ("private_key", "certificate", "chain", "not_before", "not_after", "serial_number", "fingerprint")
        inputs = {_snake_case(key): value for key, value in args.properties().items()}
        super().__init__("pki:index:Certificate", name, {**inputs, **dict.fromkeys(outputs)}, opts)

    @property
    def as_issuer(self) -> Issuer:
        """What makes it the issuer of another certificate, if it is an authority."""
        return Issuer(certificate=self.chain, private_key=self.private_key)

    def translate_input_property(self, prop: str) -> str:
        """The provider's name of a property: `private_key` is `privateKey`."""
        first, *rest = prop.split("_")
        return first + "".join(part.capitalize() for part in rest)

    def translate_output_property(self, prop: str) -> str:
        """The Python name of a property: `privateKey` is `private_key`."""
        return _snake_case(prop)


def _snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
