"""Settings of the traffic between regions: where it goes when a region's own servers fail, and how it is shifted."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from stacks.errors import InvalidFieldsError, Problem, suggestion
from stacks.model import Model
from stacks.names import Label, Whole, unique

_HOST_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$"
_LONGEST_HOST = 253


def _host(value: str) -> str:
    if len(value) > _LONGEST_HOST or not re.fullmatch(_HOST_PATTERN, value):
        text = f"{value[:80]!r} is no full host name of a service"
        raise ValueError(f"{text}; write one such as web.shop.svc.cluster.local")
    return value


Host = Annotated[
    str, AfterValidator(_host), WithJsonSchema({"type": "string", "pattern": _HOST_PATTERN, "maxLength": _LONGEST_HOST})
]
Regions = Annotated[tuple[Label, ...], unique("the region")]


class OutlierDetection(Model):
    """When a proxy takes an endpoint for broken, and for how long it then leaves it alone. Failover rests on it."""

    consecutive_errors: Annotated[Whole, Field(ge=1, le=1000)] = 5
    """Errors in a row (5xx, or no connection) after which an endpoint is left alone."""

    interval_seconds: Annotated[Whole, Field(ge=1, le=3600)] = 5
    """How often a proxy looks at what it has counted."""

    ejection_seconds: Annotated[Whole, Field(ge=1, le=86400)] = 30
    """How long it leaves an endpoint alone; longer each time in a row."""

    max_ejected_percent: Annotated[Whole, Field(ge=1, le=100)] = 100
    """How many of a service's endpoints may be left alone. With less than 100 a region never fails as a whole."""


class Shift(Model):
    """Traffic that is not to go to the nearest region: one of the three, or none."""

    drained: Regions = Field(default=(), min_length=1)
    """Regions that get no requests while the others can answer, not even from their own workloads."""

    weights: Mapping[str, Annotated[Whole, Field(ge=0, le=1000)]] = Field(default={})
    """Weight of each region's endpoints, wherever a request comes from. Regions that are not named get nothing."""

    only: Label | None = None
    """The one region that answers; if it fails, nobody does."""

    @property
    def is_none(self) -> bool:
        """Whether everything goes to the nearest region, as usual."""
        return not (self.drained or self.weights or self.only)

    @model_validator(mode="after")
    def _one_way(self) -> "Shift":
        problems: list[Problem] = []
        written = [field for field in ("drained", "weights", "only") if getattr(self, field)]
        if len(written) > 1:
            problems.append(((written[1],), f"cannot be had together with `{written[0]}`; keep one"))
        if "weights" in self.model_fields_set and not any(self.weights.values()):
            problems.append((("weights",), "gives no region anything; let one weight be more than 0"))
        if problems:
            raise InvalidFieldsError(problems)
        return self

    def problems(self, regions: Sequence[str]) -> Iterator[Problem]:
        """Yield what is wrong with it in a fleet with these regions; paths are relative to it."""
        named: list[tuple[tuple[str | int, ...], str]]
        named = [(("drained", at), region) for at, region in enumerate(self.drained)]
        named += [(("weights", region), region) for region in self.weights]
        named += [(("only",), self.only)] if self.only else []
        for steps, region in named:
            if region not in regions:
                yield steps, f"{region!r} is no region of this fleet; {suggestion(region, regions)}"
        if regions and not set(regions) - set(self.drained):
            yield ("drained",), "names every region, so that nobody would answer; leave one out"


Failover = Mapping[str, Regions]


def failover_problems(failover: Failover, regions: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with an order of failover; paths are relative to it.

    Istio puts one region before the rest (`failover` in its LocalityLoadBalancerSetting), which is an order of three
    regions, but of no more.
    """
    for region, targets in failover.items():
        if region not in regions:
            yield (region,), f"{region!r} is no region of this fleet; {suggestion(region, regions)}"
        if not targets:
            yield (region,), "names no region; name the next one, or leave it out"
        for at, target in enumerate(targets):
            if target not in regions:
                yield (region, at), f"{target!r} is no region of this fleet; {suggestion(target, regions)}"
            elif target == region:
                yield (region, at), f"{target!r} is the region itself; name another"
        if len(targets) > 1 and len(regions) > 3:  # noqa: PLR2004
            text = "names several regions, but Istio can put only one before the rest"
            yield (region,), f"{text}; name the next one, all others share what it cannot take"


def next_regions(failover: Failover, regions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the other regions in the order in which each region's requests go to them.

    A region of which nothing is said goes on with the one after it by name, round in a circle: so a failure's load is
    not the same region's every time.
    """
    order = sorted(regions)
    found: dict[str, tuple[str, ...]] = {}
    for at, region in enumerate(order):
        circle = [*order[at + 1 :], *order[:at]]
        written = failover.get(region, ())
        found[region] = (*written, *(each for each in circle if each not in written))
    return found
