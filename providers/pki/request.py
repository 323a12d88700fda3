"""What a certificate is to be: read and checked from the resource's inputs, all but the issuer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from providers.pki.resource import KeyAlgorithm, Usage

INPUTS = (
    "commonName",
    "organizations",
    "dnsNames",
    "ipAddresses",
    "uris",
    "isCertificateAuthority",
    "pathLength",
    "usages",
    "validityHours",
    "renewBeforeHours",
    "keyAlgorithm",
    "issuer",
)
REQUIRED = ("commonName", "validityHours", "renewBeforeHours", "keyAlgorithm")

LONGEST_NAME = 64
"""Of a common name and an organization (RFC 5280, appendix A.1: ub-common-name, ub-organization-name)."""
LONGEST_VALIDITY_HOURS = 100 * 365 * 24

_LONGEST_DNS_NAME = 253
_DNS_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"(\*\.(?=[^.]+\.))?{_DNS_LABEL}(\.{_DNS_LABEL})*")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A certificate as it is to be; see `CertificateArgs` for what each field means."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    uris: tuple[str, ...]
    is_certificate_authority: bool
    path_length: int | None
    usages: tuple[Usage, ...]
    validity: timedelta
    renew_before: timedelta
    key_algorithm: KeyAlgorithm

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Request:
        """Read inputs that `problems` finds nothing wrong with."""
        path_length = inputs.get("pathLength")
        return cls(
            common_name=inputs["commonName"],
            organizations=tuple(inputs.get("organizations", ())),
            dns_names=tuple(inputs.get("dnsNames", ())),
            ip_addresses=tuple(inputs.get("ipAddresses", ())),
            uris=tuple(inputs.get("uris", ())),
            is_certificate_authority=inputs.get("isCertificateAuthority", False),
            path_length=None if path_length is None else int(path_length),
            usages=tuple(Usage(usage) for usage in inputs.get("usages", ())),
            validity=timedelta(hours=int(inputs["validityHours"])),
            renew_before=timedelta(hours=int(inputs["renewBeforeHours"])),
            key_algorithm=KeyAlgorithm(inputs["keyAlgorithm"]),
        )


def problems(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the inputs: pairs of property path and reason. Inputs that are not there are not judged."""
    yield from ((key, "is no property of a certificate") for key in inputs if key not in INPUTS)
    if "commonName" in inputs and (reason := _not_name(inputs["commonName"])):
        yield "commonName", reason
    for key, wrong in _LISTS.items():
        yield from _list_problems(key, inputs.get(key, []), wrong)
    if "keyAlgorithm" in inputs and inputs["keyAlgorithm"] not in set(KeyAlgorithm):
        yield "keyAlgorithm", f"is {inputs['keyAlgorithm']!r}; should be one of {', '.join(KeyAlgorithm)}"
    yield from _time_problems(inputs)
    yield from _role_problems(inputs)


def is_count(value: object) -> bool:
    """Whether `value` is a whole number, 0 or more; numbers come from the engine as floats."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value)


def _time_problems(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    validity, before = inputs.get("validityHours"), inputs.get("renewBeforeHours")
    validity_is_right = is_count(validity) and 1 <= (validity or 0) <= LONGEST_VALIDITY_HOURS
    if validity is not None and not validity_is_right:
        yield (
            "validityHours",
            f"is {_shown(validity)}; should be a whole number of hours, 1 to {LONGEST_VALIDITY_HOURS}",
        )
    if before is None:
        return
    if not is_count(before):
        yield "renewBeforeHours", f"is {_shown(before)}; should be a whole number of hours, 0 or more"
    elif validity_is_right and before >= validity:
        hours = f"{_shown(before)} hours is no less than validityHours, {_shown(validity)}"
        yield "renewBeforeHours", f"{hours}: each `up` would renew it; make it shorter"


def _role_problems(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    authority = inputs.get("isCertificateAuthority", False)
    if not isinstance(authority, bool):
        yield "isCertificateAuthority", f"is {authority!r}; should be true or false"
        return
    if "pathLength" in inputs and not is_count(inputs["pathLength"]):
        yield "pathLength", f"is {_shown(inputs['pathLength'])}; should be a whole number, 0 or more"
    elif "pathLength" in inputs and not authority:
        yield "pathLength", "is only for a certificate authority; leave it out"
    usages = inputs.get("usages")
    if authority and usages:
        yield "usages", "are not for a certificate authority, which signs and does nothing else; leave them out"
    elif not authority and usages == []:
        yield "usages", f"is empty; name {' or '.join(Usage)}, or both"
    named = [key for key in ("dnsNames", "ipAddresses") if inputs.get(key, "unknown")]
    if not authority and isinstance(usages, list) and Usage.SERVER in usages and not named:
        yield "dnsNames", "a server needs dnsNames or ipAddresses: clients look at no common name (RFC 9525)"


def _list_problems(key: str, values: object, wrong: Callable[[object], str | None]) -> Iterator[tuple[str, str]]:
    if not isinstance(values, list):
        yield key, f"is {values!r}; should be a list"
        return
    for number, value in enumerate(values):
        if reason := wrong(value):
            yield f"{key}[{number}]", reason
        elif value in values[:number]:
            yield f"{key}[{number}]", f"{value!r} is there twice"


def _not_name(value: object) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable() and value == value.strip():
        return None
    return f"is {value!r}; should be one line of text, 1 to {LONGEST_NAME} characters"


def _not_dns_name(value: object) -> str | None:
    if isinstance(value, str) and len(value) <= _LONGEST_DNS_NAME and _DNS_NAME.fullmatch(value):
        return None
    return f"is {value!r}; should be a DNS name in lower case, such as api.example.com or *.example.com"


def _not_address(value: object) -> str | None:
    try:
        if isinstance(value, str) and ipaddress.ip_address(value) and "%" not in value:
            return None
    except ValueError:
        pass
    return f"is {value!r}; should be an IP address such as 10.0.0.1 or fd00::1"


def _not_uri(value: object) -> str | None:
    try:
        if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value:
            parts = urlsplit(value)
            if parts.scheme and parts.hostname:
                return None
    except ValueError:
        pass
    return f"is {value!r}; should be a URI with a scheme and a host, such as spiffe://example.com/fleet"


def _not_usage(value: object) -> str | None:
    return None if value in set(Usage) else f"is {value!r}; should be {' or '.join(Usage)}"


def _shown(number: object) -> str:
    return f"{number:g}" if isinstance(number, int | float) else repr(number)


_LISTS: Mapping[str, Callable[[object], str | None]] = {
    "organizations": _not_name,
    "dnsNames": _not_dns_name,
    "ipAddresses": _not_address,
    "uris": _not_uri,
    "usages": _not_usage,
}
