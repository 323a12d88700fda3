"""Settings of the mesh's trust: its roots, the intermediate of each region, or authorities that somebody brings."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from stacks.errors import InvalidFieldsError, Problem
from stacks.model import Model
from stacks.names import Whole, unique
from stacks.secrets import Secret

Number = Annotated[Whole, Field(ge=1, le=1_000_000)]
_PEM_START = "-----BEGIN CERTIFICATE-----"
_ADDRESS_PATTERN = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?:[1-9][0-9]{0,4}$"


def _certificates(value: str) -> str:
    if _PEM_START not in value:
        raise ValueError("should be one certificate or several in PEM (-----BEGIN CERTIFICATE-----)")
    return value.strip() + "\n"


def _address(value: str) -> str:
    if not re.fullmatch(_ADDRESS_PATTERN, value) or int(value.rpartition(":")[2]) > 65535:  # noqa: PLR2004
        example = "cert-manager-istio-csr.cert-manager.svc:443"
        raise ValueError(f"{value[:80]!r} is no host name with a port; write one such as {example}")
    return value


Certificates = Annotated[str, AfterValidator(_certificates), WithJsonSchema({"type": "string"})]


class ProvidedAuthority(Model):
    """The intermediate CA of one region, from an authority of your own."""

    certificate: Certificates
    """The intermediate's certificate in PEM."""

    private_key: Secret
    """Its private key in PEM, without a passphrase; encrypt it: docs/mesh.md tells how."""

    chain: Certificates | None = None
    """The certificates between it and the root in PEM, each signed by the next. Left out: the root has signed it."""


class ProvidedTrust(Model):
    """Authorities of your own: the roots that all trust, and an intermediate for each region."""

    roots: Certificates
    """The roots' certificates in PEM; several while one takes the place of another."""

    regions: Mapping[str, ProvidedAuthority]
    """The intermediate of each region."""


class TrustSettings(Model):
    """Who signs the certificates of workloads. Left out: roots and intermediates that the program makes and renews."""

    roots: Annotated[tuple[Number, ...], unique("the root")] = Field(default=(1,), min_length=1)
    """Numbers of the roots: the first signs, all are trusted. A new one comes by [1], [1, 2], [2, 1], [2]."""

    root_days: Annotated[Whole, Field(ge=30, le=36500)] = 3650
    """How many days a root is valid. It is not renewed: give it a successor in time, as `roots` says."""

    intermediate_days: Annotated[Whole, Field(ge=7, le=3650)] = 365
    """How many days a region's intermediate is valid; renewed, with the same key, in the last third."""

    intermediate: Number = 1
    """Number of all regions' intermediates. Raise it, or that of one region, to have them made with new keys."""

    provided: ProvidedTrust | None = None
    """Authorities of your own, in place of the program's."""

    external: Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string"})] | None = None
    """Host and port of cert-manager's istio-csr in each region, in place of the program's authorities."""

    @property
    def is_made_here(self) -> bool:
        """Whether the program makes roots and intermediates itself."""
        return self.provided is None and self.external is None

    @model_validator(mode="after")
    def _one_source(self) -> "TrustSettings":
        problems: list[Problem] = []
        if self.provided and self.external:
            problems.append((("external",), "cannot be had together with `provided`; keep one"))
        elif not self.is_made_here:
            source = "provided" if self.provided else "external"
            problems += [
                (
                    (written,),
                    f"is for authorities that the program makes, but there is `{source}`; take one of them out",
                )
                for field, written in _OWN.items()
                if field in self.model_fields_set
            ]
        if self.intermediate_days > self.root_days:
            text = f"{self.intermediate_days} is more than rootDays ({self.root_days}); lower it, or raise that"
            problems.append((("intermediateDays",), text))
        if problems:
            raise InvalidFieldsError(problems)
        return self


_OWN = {
    "roots": "roots",
    "root_days": "rootDays",
    "intermediate_days": "intermediateDays",
    "intermediate": "intermediate",
}
