"""How a tenant's quota is divided over its regions: equally, by weights, or as somebody has written it down.

All arithmetic is exact, in the smallest unit that a quota can count: a thousandth of a core, a byte, one thing.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, TypeGuard

from pydantic import BeforeValidator, WithJsonSchema

from stacks import quantities
from stacks.errors import InvalidFieldsError, Problem, shown, suggestion
from stacks.names import LABEL_PATTERN
from stacks.quota import QUOTA_SCHEMA, RESOURCES, quota_amount, smallest_unit


class Division(StrEnum):
    """Ways to divide a quota that need no numbers."""

    EQUAL = "equal"


Weights = dict[str, int]
Quantities = dict[str, dict[str, str]]

_HINT = "write `equal`, or for each region a weight, or a mapping of resources to quantities"


def _read_shares(raw: object) -> Division | Weights | Quantities:
    if isinstance(raw, str) and raw in set(Division):
        return Division(raw)
    if not isinstance(raw, Mapping) or not raw:
        raise ValueError(f"should say how the quota is divided, is {shown(raw)}; {_HINT}")
    if all(isinstance(share, Mapping) for share in raw.values()):
        return _read_quantities(raw)
    problems: list[Problem] = []
    for region, weight in raw.items():
        if isinstance(weight, bool) or not isinstance(weight, int) or weight < 1:
            problems.append(((region,), f"should be a weight of 1 or more, is {shown(weight)}; {_HINT}"))
    if problems:
        raise InvalidFieldsError(problems)
    return {str(region): weight for region, weight in raw.items()}


def _read_quantities(raw: Mapping[Any, Mapping[Any, object]]) -> Quantities:
    found: Quantities = {}
    problems: list[Problem] = []
    for region, quota in raw.items():
        found[str(region)] = {}
        for resource, value in quota.items():
            try:
                found[str(region)][str(resource)] = quota_amount(str(resource), value)
            except ValueError as error:
                problems.append(((region, resource), str(error)))
    if problems:
        raise InvalidFieldsError(problems)
    return found


QuotaShares = Annotated[
    Division | Weights | Quantities,
    BeforeValidator(_read_shares),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [division.value for division in Division]},
                {
                    "type": "object",
                    "propertyNames": {"pattern": LABEL_PATTERN},
                    "additionalProperties": {"type": "integer", "minimum": 1},
                },
                {
                    "type": "object",
                    "propertyNames": {"pattern": LABEL_PATTERN},
                    "additionalProperties": QUOTA_SCHEMA,
                },
            ]
        }
    ),
]


def split(units: int, weights: Sequence[int]) -> list[int]:
    """Return ``units`` divided by weights, which are all more than 0.

    What is left over goes to the first ones, one unit each. Nobody gets nothing where there are as many units as
    weights: the largest share gives one up.
    """
    whole = sum(weights)
    shares = [units * weight // whole for weight in weights]
    for at in range(units - sum(shares)):
        shares[at] += 1
    if units >= len(weights):
        for at, share in enumerate(shares):
            if share == 0:
                shares[shares.index(max(shares))] -= 1
                shares[at] = 1
    return shares


def divided(
    quota: Mapping[str, str], shares: Division | Weights | Quantities, regions: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return the quota of each region; of each resource they add up to ``quota``.

    ``shares`` fit the quota and the regions, as ``problems`` has it. Resources that written shares leave out are
    divided equally.
    """
    weights = [shares[region] for region in regions] if _is_weights(shares) else [1] * len(regions)
    written = shares if _is_quantities(shares) else {}
    by_region: dict[str, dict[str, str]] = {region: {} for region in regions}
    for resource, total in quota.items():
        unit = smallest_unit(resource)
        parts = split(int(quantities.parse(total) / unit), weights)
        for region, part in zip(regions, parts, strict=True):
            own = written.get(region, {}).get(resource)
            by_region[region][resource] = own or quantities.written_like(part * unit, total)
    return by_region


def undividable(quota: Mapping[str, str], regions: Sequence[str]) -> Iterator[Problem]:
    """Yield what of a quota cannot be divided so that every region gets some; paths are relative to the quota."""
    for resource, total in quota.items():
        units = quantities.parse(total) / smallest_unit(resource)
        if 0 < units < len(regions):
            text = f"{total} cannot be divided over {len(regions)} regions ({', '.join(regions)}) so that each has some"
            yield (resource,), f"{text}; raise it, or name fewer regions"


def problems(
    quota: Mapping[str, str], shares: Division | Weights | Quantities, regions: Sequence[str]
) -> Iterator[Problem]:
    """Yield what is wrong with shares of a quota; paths are relative to the shares."""
    if isinstance(shares, Division):
        return
    for region in shares:
        if region not in regions:
            yield (region,), f"{region!r} is no region of this tenant; {suggestion(region, regions)}"
    if missing := [region for region in regions if region not in shares]:
        yield (), f"says nothing of {', '.join(missing)}; name each of the tenant's regions, or write `equal`"
    elif _is_quantities(shares):
        given = {region: shares[region] for region in regions}
        yield from _wrong_shares(quota, given)
        yield from _wrong_sums(quota, given)
        yield from _wrong_requests(given)


def _wrong_shares(quota: Mapping[str, str], shares: Quantities) -> Iterator[Problem]:
    for region, own in shares.items():
        for resource, share in own.items():
            if resource not in quota:
                yield (region, resource), f"is not in the quota; add {resource} there, or leave it out here"
            elif quantities.parse(share) == 0 != quantities.parse(quota[resource]):
                yield (region, resource), f"should be more than 0, as quota.{resource} ({quota[resource]}) is"


def _wrong_sums(quota: Mapping[str, str], shares: Quantities) -> Iterator[Problem]:
    for resource in sorted({resource for own in shares.values() for resource in own if resource in quota}):
        if without := [region for region, own in shares.items() if resource not in own]:
            yield (without[0],), f"says nothing of {resource}, as others do; add its share"
            continue
        given = sum((quantities.parse(own[resource]) for own in shares.values()), Fraction(0))
        if given != quantities.parse(quota[resource]):
            text = f"the shares of {resource} add up to {quantities.written_like(given, quota[resource])}"
            yield (), f"{text}, but quota.{resource} is {quota[resource]}; change one or the other"


def _wrong_requests(shares: Quantities) -> Iterator[Problem]:
    for region, own in shares.items():
        for resource in RESOURCES:
            requests, limits = own.get(f"requests.{resource}"), own.get(f"limits.{resource}")
            if requests and limits and quantities.parse(requests) > quantities.parse(limits):
                text = f"{requests} is more than limits.{resource} there ({limits}); lower it, or raise that"
                yield (region, f"requests.{resource}"), text


def _is_weights(shares: object) -> TypeGuard[Weights]:
    return isinstance(shares, dict) and all(isinstance(share, int) for share in shares.values())


def _is_quantities(shares: object) -> TypeGuard[Quantities]:
    return isinstance(shares, dict) and all(isinstance(share, dict) for share in shares.values())
