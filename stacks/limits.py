"""How much a tenant may use: the quota of its namespaces, and the limits of its containers.

Whatever is left out is filled in with a usual value, or the nearest to it that what is written allows. So a tenant may
state one number, and only what somebody wrote can contradict the rest.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from stacks import quantities
from stacks.errors import InvalidFieldsError, shown, suggestion
from stacks.model import Model

Problem = tuple[tuple[str | int, ...], str]

USUAL_QUOTA: Mapping[str, str] = MappingProxyType(
    {
        "requests.cpu": "4",
        "requests.memory": "8Gi",
        "limits.cpu": "8",
        "limits.memory": "16Gi",
        "requests.storage": "100Gi",
        "pods": "50",
        "services": "20",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "persistentvolumeclaims": "10",
        "configmaps": "100",
        "secrets": "100",
    }
)
"""Quota of a namespace where its tenant's settings say nothing else."""

_USUAL_LIMITS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "min": {"cpu": "10m", "memory": "16Mi"},
        "default_request": {"cpu": "100m", "memory": "128Mi"},
        "default": {"cpu": "500m", "memory": "512Mi"},
        "max": {"cpu": "4", "memory": "8Gi"},
    }
)
_STEPS = tuple(_USUAL_LIMITS)
_WRITTEN = {"min": "min", "default_request": "defaultRequest", "default": "default", "max": "max"}
RESOURCES = ("cpu", "memory", "ephemeral-storage")

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


def _amount(key: str, raw: object, *, may_be_zero: bool) -> str:
    """Return a quantity that can be an amount of ``key``'s resource; raises ValueError."""
    text = quantities.from_setting(raw)
    value = quantities.parse(text)
    if value < 0 or (value == 0 and not may_be_zero):
        raise ValueError(f"should be {'0 or more' if may_be_zero else 'more than 0'}, is {text}")
    if key in {"cpu", "requests.cpu", "limits.cpu"}:
        if (value * 1000).denominator != 1:
            raise ValueError(f"{text} is finer than a thousandth of a core; write whole millicores, such as 250m")
    elif value.denominator != 1:
        what = "a whole number" if _counts(key) else "whole bytes"
        hint = f", such as {text[:-1]}Mi" if text.endswith("m") and not _counts(key) else ""
        raise ValueError(f"{text} is not {what}; write one that is{hint}")
    return text


def _read_quota(raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise ValueError(f"should be a mapping of resources to quantities, is {shown(raw)}")  # noqa: TRY004
    quota: dict[str, str] = {}
    problems: list[Problem] = []
    for key, value in raw.items():
        try:
            quota[key] = _amount(key, value, may_be_zero=_counted_in_quota(str(key)) and key != "pods")
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


def _read_resources(raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise ValueError(f"should be a mapping of {', '.join(RESOURCES)} to quantities, is {shown(raw)}")  # noqa: TRY004
    resources: dict[str, str] = {}
    problems: list[Problem] = []
    for key, value in raw.items():
        if key not in RESOURCES:
            problems.append(((key,), f"is no resource of a container; {suggestion(key, RESOURCES)}"))
            continue
        try:
            resources[key] = _amount(key, value, may_be_zero=False)
        except ValueError as error:
            problems.append(((key,), str(error)))
    if problems:
        raise InvalidFieldsError(problems)
    return resources


Quota = Annotated[
    dict[str, str],
    BeforeValidator(_read_quota),
    WithJsonSchema(
        {
            "type": "object",
            "properties": dict.fromkeys(sorted(_AMOUNTS | _COUNTS), quantities.JSON_SCHEMA),
            "patternProperties": dict.fromkeys((*_COUNTED_PATTERNS, _CLASS_AMOUNT_PATTERN), quantities.JSON_SCHEMA),
            "additionalProperties": False,
        }
    ),
]

Resources = Annotated[
    dict[str, str],
    BeforeValidator(_read_resources),
    WithJsonSchema(
        {
            "type": "object",
            "properties": dict.fromkeys(RESOURCES, quantities.JSON_SCHEMA),
            "additionalProperties": False,
        }
    ),
]


class Limits(Model):
    """What one container may ask for. Everything left out is filled in, as near to the usual as the rest allows."""

    min: Resources = Field(default={})
    """The least a container may ask for. Usually cpu 10m, memory 16Mi."""

    default_request: Resources = Field(default={})
    """What a container that says nothing requests. Usually cpu 100m, memory 128Mi."""

    default: Resources = Field(default={})
    """The limit of a container that says nothing. Usually cpu 500m, memory 512Mi."""

    max: Resources = Field(default={})
    """The most a container may ask for. Usually cpu 4, memory 8Gi, and never more than the quota."""


def fitted(limits: Limits, quota: Mapping[str, str]) -> Limits:
    """Return the limits with everything filled in that was left out, so that a pod that says nothing fits the quota.

    Raises:
        InvalidFieldsError: what is written contradicts itself or the quota; paths are relative to ``limits``.

    """
    problems: list[Problem] = []
    filled: dict[str, dict[str, str]] = {step: {} for step in _STEPS}
    for resource in RESOURCES:
        written = {step: value for step in _STEPS if (value := getattr(limits, step).get(resource))}
        found = _contradictions(resource, written, quota)
        problems += found
        if not found:
            for step, value in _filled(resource, written, quota).items():
                filled[step][resource] = value
        for side, step in (("limits", "default"), ("requests", "default_request")):
            if f"{side}.{resource}" in quota and resource not in filled[step] and not found:
                text = (
                    f"is missing; the quota has {side}.{resource}, so a container that does not say it would be refused"
                )
                problems.append(((_WRITTEN[step], resource), text))
    if problems:
        raise InvalidFieldsError(problems)
    return limits.model_copy(update=filled)


def _contradictions(resource: str, written: Mapping[str, str], quota: Mapping[str, str]) -> list[Problem]:
    problems: list[Problem] = []
    for low, high in pairwise(written):
        if quantities.parse(written[low]) > quantities.parse(written[high]):
            text = f"{written[low]} is more than limits.{_WRITTEN[high]}.{resource} ({written[high]})"
            problems.append(((_WRITTEN[low], resource), f"{text}; lower it, or raise that"))
    for step, value in written.items():
        sides = ("requests", "limits") if step in {"min", "default_request"} else ("limits",)
        for key in (f"{side}.{resource}" for side in sides):
            if key in quota and quantities.parse(value) > quantities.parse(quota[key]):
                text = f"{value} is more than the whole quota of a namespace, quota.{key} ({quota[key]})"
                problems.append(((_WRITTEN[step], resource), f"{text}; lower it, or raise that"))
                break
    return problems


def _filled(resource: str, written: Mapping[str, str], quota: Mapping[str, str]) -> dict[str, str]:
    values = dict(written)
    for at, step in enumerate(_STEPS):
        usual = _USUAL_LIMITS[step].get(resource)
        if step in written or usual is None:
            continue
        above = [written[later] for later in _STEPS[at + 1 :] if later in written]
        sides = ("requests", "limits") if step in {"min", "default_request"} else ("limits",)
        above += [quota[key] for side in sides if (key := f"{side}.{resource}") in quota]
        below = [written[earlier] for earlier in _STEPS[:at] if earlier in written]
        values[step] = max([min([usual, *above], key=quantities.parse), *below], key=quantities.parse)
    return values
