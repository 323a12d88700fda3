"""The kind of resource `pki:index:Certificate`. All that there is of a certificate is in Pulumi's state."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from providers.kind import Found, Kind, Values, differing, is_known
from providers.patience import Patience
from providers.pki import request as requests
from providers.pki.authority import issuer_problems
from providers.pki.issuing import (
    Authority,
    PrivateKey,
    algorithm_of,
    certificate_pem,
    issue,
    key_pem,
    new_key,
    read_certificates,
    read_key,
    timestamp,
    validity,
)
from providers.pki.request import Request


class CertificateError(Exception):
    """A certificate cannot be had so."""


class CertificateKind(Kind):
    """A certificate and its key. `now` is the clock."""

    resource_type = "pki:index:Certificate"
    required = requests.REQUIRED
    secrets = frozenset({"privateKey"})
    deletes_first = False
    expected = (CertificateError,)

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now

    def problems(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Judge the inputs; the issuer only beside inputs that are right."""
        found = list(requests.problems(inputs))
        yield from found
        if "issuer" in inputs and not found:
            yield from issuer_problems(inputs, self._now())

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Renew what has changed, and what is due; never what a renewal would not make any longer."""
        del identity
        changes = dict.fromkeys(differing(requests.INPUTS, old, new), False)
        if not changes and is_known(new) and self._is_due(new, state):
            changes["notAfter"] = False
        return changes

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """Of a new certificate nothing is known before it is made; of a renewed one, its key if that stays."""
        key = _kept_key(inputs, state)
        return {} if key is None else {"privateKey": key_pem(key)}

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Make a key and a certificate for it."""
        del patience
        return str(uuid.uuid4()), self._issue(inputs, None)

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Give back what the state says."""
        del identity
        if not inputs:
            raise CertificateError("a certificate cannot be imported: its key is nowhere but in the state that made it")
        return Found(inputs=inputs, outputs=state)

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Renew the certificate, with the same key if its algorithm is still the one asked for."""
        del identity, patience
        return self._issue(inputs, state)

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Forget it: there is nothing of it outside the state."""

    def _is_due(self, inputs: Values, state: Values) -> bool:
        request, now = Request.of(inputs), self._now()
        end = datetime.fromisoformat(state["notAfter"])
        issuer = read_certificates(inputs["issuer"]["certificate"])[0] if "issuer" in inputs else None
        return now >= end - request.renew_before and validity(request, issuer, now)[1] > end

    def _issue(self, inputs: Values, state: Values | None) -> Values:
        request = Request.of(inputs)
        given = inputs.get("issuer")
        if given is None and not request.is_certificate_authority:
            raise CertificateError(f"the certificate {request.common_name} has no issuer; give it one")
        issuer = Authority.of(given["certificate"], given["privateKey"]) if given else None
        key = _kept_key(inputs, state) or new_key(request.key_algorithm)
        certificate = issue(request, key, issuer, self._now())
        return {"privateKey": key_pem(key), **_outputs(certificate, issuer)}


def _kept_key(inputs: Values, state: Values | None) -> PrivateKey | None:
    if state is None:
        return None
    key = read_key(state["privateKey"])
    return key if algorithm_of(key) == inputs["keyAlgorithm"] else None


def _outputs(certificate: x509.Certificate, issuer: Authority | None) -> Values:
    above = [each for each in issuer.certificates if each.subject != each.issuer] if issuer else []
    return {
        "certificate": certificate_pem(certificate),
        "chain": certificate_pem(certificate, *above),
        "notBefore": timestamp(certificate.not_valid_before_utc),
        "notAfter": timestamp(certificate.not_valid_after_utc),
        "serialNumber": f"{certificate.serial_number:x}",
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(),
    }
