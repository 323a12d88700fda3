"""The quota of a tenant's namespaces: which resources it can limit, and how much of each is usual.

It is a total over the tenant's regions; ``shares.py`` divides it.

A resource that is left out keeps its usual quota, or the nearest to it that what is written allows.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from stacks import quantities
from stacks.errors import InvalidFieldsError, Problem, shown, suggestion

USUAL_QUOTA: Mapping[str, str] = MappingProxyType(
    {
        "requests.cpu": "12",
        "requests.memory": "24Gi",
        "limits.cpu": "24",
        "limits.memory": "48Gi",
        "requests.storage": "300Gi",
        "pods": "150",
        "services": "60",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "persistentvolumeclaims": "30",
        "configmaps": "300",
        "secrets": "300",
    }
)
"""Quota of a namespace, over all its regions, where its tenant's settings say nothing else."""

RESOURCES = ("cpu", "memory", "ephemeral-storage")

_CPU = {"cpu", "requests.cpu", "limits.cpu"}
_AMOUNTS = {f"{side}.{resource}" for side in ("requests", "limits") for resource in RESOURCES} | {"requests.storage"}
_COUNTS = set(USUAL_QUOTA) - _AMOUNTS | {"replicationcontrollers", "resourcequotas"}
_ALIASES = {resource: f"requests.{resource}" for resource in RESOURCES} | {"storage": "requests.storage"}
_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_NAME}(\.{_NAME})*"
_COUNT_PATTERN = rf"^count/[a-z0-9]+(\.{_DOMAIN})?$"
_CLASS_AMOUNT_PATTERN = rf"^{_DOMAIN}\.storageclass\.storage\.k8s\.io/requests\.storage$"
_CLASS_COUNT_PATTERN = rf"^{_DOMAIN}\.storageclass\.storage\.k8s\.io/persistentvolumeclaims$"
_EXTENDED_PATTERN = rf"^requests\.{_DOMAIN}\.[a-z]+/[-A-Za-z0-9_.]+$"
_COUNTED_PATTERNS = (_COUNT_PATTERN, _CLASS_COUNT_PATTERN, _EXTENDED_PATTERN)


def _counts(key: str) -> bool | None:
    """Return whether a quota's key limits a number of things (True) or an amount (False); None for an unknown key."""
    if key in _COUNTS or any(re.fullmatch(pattern, key) for pattern in _COUNTED_PATTERNS):
        return True
    return False if key in _AMOUNTS or re.fullmatch(_CLASS_AMOUNT_PATTERN, key) else None


def _counted_in_quota(key: str) -> bool:
    """Return ``_counts`` of a key that must be known; raises ValueError for another."""
    counts = _counts(key)
    if counts is None:
        hint = f"write {_ALIASES[key]}" if key in _ALIASES else suggestion(key, _AMOUNTS | _COUNTS)
        raise ValueError(f"is no resource that a quota can limit; {hint}")
    return counts


def amount(key: str, raw: object, *, may_be_zero: bool) -> str:
    """Return a quantity that can be an amount of ``key``'s resource; raises ValueError."""
    text = quantities.from_setting(raw)
    value = quantities.parse(text)
    if value < 0 or (value == 0 and not may_be_zero):
        raise ValueError(f"should be {'0 or more' if may_be_zero else 'more than 0'}, is {text}")
    if key in _CPU:
        if (value * 1000).denominator != 1:
            raise ValueError(f"{text} is finer than a thousandth of a core; write whole millicores, such as 250m")
    elif value.denominator != 1:
        what = "a whole number" if _counts(key) else "whole bytes"
        hint = f", such as {text[:-1]}Mi" if text.endswith("m") and not _counts(key) else ""
        raise ValueError(f"{text} is not {what}; write one that is{hint}")
    return text


def quota_amount(key: str, raw: object) -> str:
    """Return a quantity that a quota can have for its key; raises ValueError, also for a key that is none."""
    return amount(key, raw, may_be_zero=_counted_in_quota(key) and key != "pods")


def smallest_unit(key: str) -> Fraction:
    """Return the least that a quota of this key can be divided into: a thousandth of a core, a byte, one thing."""
    return Fraction(1, 1000) if key in _CPU else Fraction(1)


def _read_quota(raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise ValueError(f"should be a mapping of resources to quantities, is {shown(raw)}")  # noqa: TRY004
    quota: dict[str, str] = {}
    problems: list[Problem] = []
    for key, value in raw.items():
        try:
            quota[key] = quota_amount(str(key), value)
        except ValueError as error:
            problems.append(((key,), str(error)))
    for resource in RESOURCES:
        requests, limits = f"requests.{resource}", f"limits.{resource}"
        if (
            requests in quota
            and limits in quota
            and quantities.parse(quota[requests]) > quantities.parse(quota[limits])
        ):
            problems.append(
                ((requests,), f"{quota[requests]} is more than {limits} ({quota[limits]}); lower it, or raise that")
            )
    if problems:
        raise InvalidFieldsError(problems)
    return _filled_quota(quota)


def _filled_quota(written: Mapping[str, str]) -> dict[str, str]:
    quota = {**USUAL_QUOTA, **written}
    for resource in ("cpu", "memory"):
        requests, limits = f"requests.{resource}", f"limits.{resource}"
        if requests not in written:
            quota[requests] = min(quota[requests], quota[limits], key=quantities.parse)
        if limits not in written:
            quota[limits] = max(quota[requests], quota[limits], key=quantities.parse)
    return quota


QUOTA_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": dict.fromkeys(sorted(_AMOUNTS | _COUNTS), quantities.JSON_SCHEMA),
    "patternProperties": dict.fromkeys((*_COUNTED_PATTERNS, _CLASS_AMOUNT_PATTERN), quantities.JSON_SCHEMA),
    "additionalProperties": False,
}
"""What a quota is in a stack file, for editors."""

Quota = Annotated[dict[str, str], BeforeValidator(_read_quota), WithJsonSchema(QUOTA_SCHEMA)]
