"""Settings of the mesh: its control planes, what it trusts, and how traffic flows between regions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema, model_validator

from stacks import authorities
from stacks.errors import InvalidFieldsError, Place, Problem, SettingsError, lines_of, shown, suggestion
from stacks.federation import Switch
from stacks.model import Model
from stacks.names import Label, LabelValue, unique
from stacks.traffic import Failover, Host, OutlierDetection, Shift, failover_problems, next_regions
from stacks.trust import TrustSettings

OLDEST_VERSION = (1, 31, 1)
"""Older ones lose a remote cluster's endpoints when its remote secret is rotated."""

_VERSION_PATTERN = r"^[0-9]+\.[0-9]+\.[0-9]+$"


class MeshKind(StrEnum):
    """Service meshes that the fleet can have."""

    ISTIO = "istio"


class EgressMode(StrEnum):
    """Where workloads may send requests by way of the mesh."""

    REGISTERED = "registered"
    ANY = "any"


def _version(value: str) -> str:
    if not re.fullmatch(_VERSION_PATTERN, value):
        raise ValueError(f"{value!r} is no version; write one such as 1.31.1")
    if tuple(int(part) for part in value.split(".")) < OLDEST_VERSION:
        oldest = ".".join(str(part) for part in OLDEST_VERSION)
        raise ValueError(f"{value} is too old for remote secrets that are rotated; use {oldest} or newer")
    return value


class Revision(Model):
    """A version of the control plane that runs in every region, beside others while one takes another's place."""

    name: Label
    """Its name in Istio (`istio.io/rev`); `default` where there is no other."""

    version: Annotated[str, AfterValidator(_version), WithJsonSchema({"type": "string", "pattern": _VERSION_PATTERN})]
    """Version of charts and images. The lab runs the version that it has built, whatever this says."""


class MeshSettings(Model):
    """One mesh over all regions: a control plane in each, which knows the endpoints of all."""

    enabled: Switch = True
    """Whether there is one. Without it regions know nothing of each other's services."""

    kind: MeshKind = MeshKind.ISTIO
    """Which mesh."""

    mesh_id: LabelValue | None = None
    """Name of the mesh in telemetry and in the trust between meshes. Left out: the environment."""

    trust_domain: Host = "cluster.local"
    """What workloads' identities begin with, `spiffe://<trust domain>/ns/...`. Another one makes them others."""

    revisions: Annotated[tuple[Revision, ...], unique("the revision", lambda each: each.name)] = Field(
        default=(Revision(name="default", version="1.31.1"),), min_length=1
    )
    """Control planes in each region. An upgrade adds one, makes it `current`, and takes the old one out."""

    current: Label | None = None
    """The revision that new pods get their sidecar from. Left out: the first."""

    trust: TrustSettings = TrustSettings()
    """Who signs the certificates of workloads."""

    egress: EgressMode = EgressMode.REGISTERED
    """Whether workloads reach `registered` hosts only (Services and ServiceEntries), or `any`."""

    failover: Failover = Field(default={})
    """Regions in the order in which a region's requests go to them when its own servers fail.
    Left out: the next one by name, round in a circle."""

    outlier_detection: OutlierDetection = OutlierDetection()
    """When an endpoint counts as broken."""

    traffic: Shift = Shift()
    """Requests of the whole fleet that are not to go to the nearest region."""

    services: Mapping[Host, Shift] = Field(default={})
    """The same for single services, by full host name, in place of `traffic`."""

    @property
    def current_revision(self) -> str:
        """Name of the revision that new pods get their sidecar from."""
        return self.current or self.revisions[0].name

    @model_validator(mode="after")
    def _known_revision(self) -> "MeshSettings":
        names = [revision.name for revision in self.revisions]
        if self.current is not None and self.current not in names:
            text = f"{self.current!r} is no revision; {suggestion(self.current, names)}"
            raise InvalidFieldsError([(("current",), text)])
        return self

    def next_regions(self, regions: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the other regions in the order in which each region's requests go to them."""
        return next_regions(self.failover, regions)


def read_mesh(raw: object, place: Place, regions: Sequence[str]) -> MeshSettings:
    """Return the mesh written at ``place``, of a fleet with these regions.

    Raises:
        SettingsError: with a line for each error found.

    """
    if not isinstance(raw, dict):
        raise SettingsError([place.problem(f"should be a mapping with trust, failover and traffic, is {shown(raw)}")])
    try:
        settings = MeshSettings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(lines_of(error, place, _schema())) from None
    if found := list(_problems(settings, regions)):
        raise SettingsError([place.within(steps).problem(text) for steps, text in found])
    return settings


def _problems(settings: MeshSettings, regions: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with a mesh in a fleet with these regions."""
    yield from _within("failover", failover_problems(settings.failover, regions))
    yield from _within("traffic", settings.traffic.problems(regions))
    for host, shift in settings.services.items():
        if shift.is_none:
            yield ("services", host), "says nothing; name drained, weights or only, or leave the service out"
        yield from _within("services", _within(host, shift.problems(regions)))
    if settings.trust.provided:
        found = authorities.problems(settings.trust.provided, regions)
        yield from _within("trust", _within("provided", found))


def _within(step: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    yield from (((step, *steps), text) for steps, text in problems)


@cache
def _schema() -> dict[str, Any]:
    return MeshSettings.model_json_schema()
