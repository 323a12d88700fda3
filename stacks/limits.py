"""The limits of a tenant's containers, fitted to the quota that its namespaces have in a region.

Whatever is left out is filled in with a usual value, or the nearest to it that what is written allows. So a tenant may
state one number, and only what somebody wrote can contradict the rest.
"""

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from stacks import quantities
from stacks.errors import InvalidFieldsError, Problem, shown, suggestion
from stacks.model import Model
from stacks.quota import RESOURCES, amount

USUAL_LIMITS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "min": {"cpu": "10m", "memory": "16Mi"},
        "default_request": {"cpu": "100m", "memory": "128Mi"},
        "default": {"cpu": "500m", "memory": "512Mi"},
        "max": {"cpu": "4", "memory": "8Gi"},
    }
)
_STEPS = tuple(USUAL_LIMITS)
_WRITTEN = {"min": "min", "default_request": "defaultRequest", "default": "default", "max": "max"}


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
            resources[key] = amount(key, value, may_be_zero=False)
        except ValueError as error:
            problems.append(((key,), str(error)))
    if problems:
        raise InvalidFieldsError(problems)
    return resources


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
    """The most a container may ask for. Usually cpu 4, memory 8Gi, and never more than the quota in any region."""


def fitted(limits: Limits, quota: Mapping[str, str]) -> Limits:
    """Return the limits with everything filled in that was left out, so that a pod that says nothing fits the quota.

    ``quota`` is the least that a namespace has of each resource in any region.

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
                text = f"{value} is more than the least share of quota.{key} that a region has ({quota[key]})"
                problems.append(((_WRITTEN[step], resource), f"{text}; lower it, or raise that"))
                break
    return problems


def _filled(resource: str, written: Mapping[str, str], quota: Mapping[str, str]) -> dict[str, str]:
    values = dict(written)
    for at, step in enumerate(_STEPS):
        usual = USUAL_LIMITS[step].get(resource)
        if step in written or usual is None:
            continue
        above = [written[later] for later in _STEPS[at + 1 :] if later in written]
        sides = ("requests", "limits") if step in {"min", "default_request"} else ("limits",)
        above += [quota[key] for side in sides if (key := f"{side}.{resource}") in quota]
        below = [written[earlier] for earlier in _STEPS[:at] if earlier in written]
        values[step] = max([min([usual, *above], key=quantities.parse), *below], key=quantities.parse)
    return values
