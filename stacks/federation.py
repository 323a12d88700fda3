"""Settings of the federation: failover between regions, placements of workloads, and how fast Karmada works."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, Strict, ValidationError, model_validator

from stacks.errors import InvalidFieldsError, Place, Problem, SettingsError, lines_of, shown, suggestion
from stacks.karmada_chart import KarmadaChart
from stacks.model import Model
from stacks.names import Label, Whole, unique, why_not_label

Switch = Annotated[bool, Strict()]
_Seconds = Annotated[Whole, Field(ge=1, le=3600)]


class FailoverSettings(Model):
    """When a region counts as failed, and how fast its replicas then move to the others.

    They move `unreachableSeconds` and `toleranceSeconds` after the region's API server was last reached.
    """

    enabled: Switch = True
    """Whether replicas move at all. Without it they wait for their region."""

    unreachable_seconds: _Seconds = 30
    """How long a region's API server has to be unreachable, or unhealthy, until the region counts as failed."""

    tolerance_seconds: Annotated[Whole, Field(ge=0, le=86400)] = 120
    """How long replicas then stay, in case that it was only its API server: pods run on without one."""

    recovered_seconds: _Seconds = 60
    """How long a failed region has to be well until it gets work again, and replicas come home."""

    cluster_status_interval_seconds: _Seconds = 10
    """How often each region is looked at; at most `unreachableSeconds`."""

    evictions_per_second: Annotated[Whole, Field(ge=1, le=1000)] = 10
    """How many workloads a second leave a failed region; it keeps the others from being flooded."""

    replacement_seconds: _Seconds = 600
    """How long a region keeps what moves away while its replacement is not healthy; until then it gets none back."""

    @model_validator(mode="after")
    def _seen_in_time(self) -> "FailoverSettings":
        interval, limit = self.cluster_status_interval_seconds, self.unreachable_seconds
        if interval > limit:
            text = f"{interval} is more than unreachableSeconds ({limit}), so a failure is seen too late; lower it"
            raise InvalidFieldsError([(("clusterStatusIntervalSeconds",), text)])
        return self


class RateSettings(Model):
    """How fast Karmada works. The defaults suit some dozens of tenants; a large fleet wants more, and pays in CPU."""

    requests_per_second: Annotated[Whole, Field(ge=10, le=10000)] = 100
    """Requests of each of Karmada's programs to Karmada's API server; for a moment twice as many."""

    member_requests_per_second: Annotated[Whole, Field(ge=10, le=10000)] = 100
    """Requests to each region's API server; for a moment twice as many."""

    queued_per_second: Annotated[Whole, Field(ge=10, le=10000)] = 100
    """How many failed or repeated steps a second each controller takes on again."""

    parallel_syncs: Annotated[Whole, Field(ge=1, le=200)] = 10
    """How many objects of a kind are worked on at once."""


_Steps = tuple[str | int, ...]


def _not_empty(regions: Any) -> Any:  # noqa: ANN401 (a list or a mapping)
    if not regions:
        raise ValueError("names no region; name one or more")
    return regions


class EvenPlacement(Model):
    """The same number of replicas in each region, as near as can be."""

    strategy: Literal["even"]
    """How replicas are spread."""

    regions: Annotated[tuple[Label, ...], unique("the region")] = Field(default=(), min_length=1)
    """The regions. Left out: all of the tenant's."""

    def named_regions(self) -> Iterator[tuple[_Steps, str]]:
        """Yield each region that is named, with where."""
        yield from ((("regions", at), region) for at, region in enumerate(self.regions))


class WeightedPlacement(Model):
    """A share of the replicas in each region."""

    strategy: Literal["weighted"]
    """How replicas are spread."""

    weights: Annotated[dict[str, Annotated[Whole, Field(ge=1, le=1000)]], AfterValidator(_not_empty)]
    """Weight of each region: with 2 and 1 it gets two thirds. Regions that are not named get nothing."""

    def named_regions(self) -> Iterator[tuple[_Steps, str]]:
        """Yield each region that is named, with where."""
        yield from ((("weights", region), region) for region in self.weights)


class SinglePlacement(Model):
    """All replicas in one region. If it fails they wait for it."""

    strategy: Literal["single"]
    """How replicas are spread."""

    region: Label
    """The region."""

    def named_regions(self) -> Iterator[tuple[_Steps, str]]:
        """Yield each region that is named, with where."""
        yield ("region",), self.region


class BackupPlacement(Model):
    """All replicas in one region; in the next one when it fails, or for what it has no room for."""

    strategy: Literal["backup"]
    """How replicas are spread."""

    primary: Label
    """The region where all replicas run while it can take them."""

    backups: Annotated[tuple[Label, ...], unique("the region"), AfterValidator(_not_empty)]
    """Regions that take over, the first that can."""

    def named_regions(self) -> Iterator[tuple[_Steps, str]]:
        """Yield each region that is named, with where."""
        yield ("primary",), self.primary
        yield from ((("backups", at), region) for at, region in enumerate(self.backups))


class LocalPlacement(Model):
    """All replicas in the region where their data is. Nothing moves them: no failure, and nobody who empties it."""

    strategy: Literal["local"]
    """How replicas are spread."""

    region: Label
    """The region that has the data."""

    def named_regions(self) -> Iterator[tuple[_Steps, str]]:
        """Yield each region that is named, with where."""
        yield ("region",), self.region


Placement = EvenPlacement | WeightedPlacement | SinglePlacement | BackupPlacement | LocalPlacement

STRATEGIES: Mapping[str, type[Placement]] = MappingProxyType(
    {
        "even": EvenPlacement,
        "weighted": WeightedPlacement,
        "single": SinglePlacement,
        "backup": BackupPlacement,
        "local": LocalPlacement,
    }
)
"""The settings class of each strategy."""


class FederationSettings(Model):
    """The federation of the regions by Karmada."""

    enabled: Switch = True
    """Whether there is one. Without it Pulumi delivers the tenants to each region, and nothing is placed or moved."""

    control_plane: KarmadaChart | None = None
    """Karmada in the manager's cluster. Left out where the manager's cloud is `lab`, needed everywhere else."""

    failover: FailoverSettings = FailoverSettings()
    """What happens when a region fails."""

    placements: Mapping[str, Annotated[Placement, Field(discriminator="strategy")]] = Field(default={})
    """Placements by name: what workloads ask for by the label `fleet/placement`.
    Left out: `even`, and for each region a `single` one of its name."""

    rates: RateSettings = RateSettings()
    """How fast Karmada works."""


def usual_placements(regions: Sequence[str]) -> dict[str, Placement]:
    """Return the placements of a fleet whose settings name none, but for regions that cannot have their names."""
    named = [region for region in regions if not why_not_label(region)]
    singles = {region: SinglePlacement(strategy="single", region=region) for region in named}
    return {**singles, "even": EvenPlacement(strategy="even")}


def read_federation(raw: object, place: Place, regions: Sequence[str]) -> FederationSettings:
    """Return the federation written at ``place``, of a fleet with these regions.

    Raises:
        SettingsError: with a line for each error found.

    """
    if not isinstance(raw, dict):
        raise SettingsError([place.problem(f"should be a mapping with failover and placements, is {shown(raw)}")])
    errors: list[str] = []
    placements: dict[str, Placement] = usual_placements(regions)
    written = dict(raw)
    if "placements" in written:
        placements = _read_placements(written.pop("placements"), place / "placements", regions, errors)
    try:
        settings = FederationSettings.model_validate(written)
    except ValidationError as error:
        raise SettingsError([*lines_of(error, place, _schema(FederationSettings)), *errors]) from None
    if errors:
        raise SettingsError(errors)
    return settings.model_copy(update={"placements": placements})


def _read_placements(raw: object, place: Place, regions: Sequence[str], errors: list[str]) -> dict[str, Placement]:
    if not isinstance(raw, dict) or not raw:
        errors.append(place.problem(f"should be left out, or a mapping of names to placements, is {shown(raw)}"))
        return {}
    placements: dict[str, Placement] = {}
    for name, each in sorted(raw.items(), key=lambda item: str(item[0])):
        here = place / str(name)
        if problem := why_not_label(str(name)):
            errors.append(here.problem(f"the placement's name {problem}"))
        try:
            placements[str(name)] = _read_placement(each, here, regions)
        except SettingsError as error:
            errors += error.errors
    return placements


def _read_placement(raw: object, place: Place, regions: Sequence[str]) -> Placement:
    if not isinstance(raw, dict):
        raise SettingsError([place.problem(f"should be a mapping with strategy, is {shown(raw)}")])
    strategy = raw.get("strategy")
    model = STRATEGIES.get(strategy) if isinstance(strategy, str) else None
    if model is None:
        what = f"{shown(strategy)} is no strategy" if "strategy" in raw else "is missing"
        raise SettingsError([(place / "strategy").problem(f"{what}; {suggestion(strategy, STRATEGIES)}")])
    try:
        placement = model.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(lines_of(error, place, _schema(model))) from None
    problems = [*_unknown(placement, regions), *_own_backup(placement)]
    if problems:
        raise SettingsError([place.within(steps).problem(text) for steps, text in problems])
    return placement


def _unknown(placement: Placement, regions: Sequence[str]) -> Iterator[Problem]:
    for steps, region in placement.named_regions():
        if region not in regions:
            yield steps, f"{region!r} is no region of this fleet; {suggestion(region, regions)}"


def _own_backup(placement: Placement) -> Iterator[Problem]:
    if isinstance(placement, BackupPlacement) and placement.primary in placement.backups:
        at = placement.backups.index(placement.primary)
        yield ("backups", at), f"{placement.primary!r} is the primary; name another region"


@cache
def _schema(model: type[Model]) -> dict[str, Any]:
    return model.model_json_schema()
