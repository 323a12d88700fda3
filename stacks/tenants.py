"""Settings of a tenant: who it is, where it runs, who may do what in its namespaces, and how much it may use."""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from stacks.access import Access
from stacks.errors import InvalidFieldsError, Place, Problem, SettingsError, lines_of, shown, suggestion
from stacks.grants import TenantMesh
from stacks.limits import Limits, fitted
from stacks.model import Model
from stacks.names import LONGEST_LABEL, Label, Line, Whole, namespace_names, unique, why_repeated, why_reserved
from stacks.networks import Cidr
from stacks.quantities import parse
from stacks.quota import USUAL_QUOTA, Quota
from stacks.shares import Division, QuotaShares, divided, problems, undividable


class PodSecurity(StrEnum):
    """Pod Security Standards that a tenant's pods can be held to."""

    RESTRICTED = "restricted"
    BASELINE = "baseline"


class Protocol(StrEnum):
    """Transport protocols that a rule can name."""

    TCP = "TCP"
    UDP = "UDP"


class Egress(Model):
    """Addresses outside the fleet that the tenant's pods may reach."""

    cidr: Cidr
    """Addresses, such as 203.0.113.0/24. Link-local ones (cloud metadata) and the fleet's own stay out of reach."""

    ports: Annotated[tuple[Annotated[Whole, Field(ge=1, le=65535)], ...], unique("the port")] = Field(
        default=(), min_length=1
    )
    """Ports. Left out: all ports, of every protocol."""

    protocol: Protocol = Protocol.TCP
    """Protocol of the ports."""


class TenantNetwork(Model):
    """What the tenant's pods may reach beyond its own namespaces, DNS and the mesh."""

    egress: tuple[Egress, ...] = Field(default=(), min_length=1)
    """Addresses outside the fleet."""


class Tenant(Model):
    """A team and its namespaces. Its name and owner are all that must be given."""

    name: Label
    """Name of the tenant, the same in every region. System names (kube-*, istio-*, ...) are refused."""

    owner: Line
    """Whom to talk to about it: a team, an address. It becomes an annotation of the namespaces."""

    regions: tuple[Label, ...] = Field(default=(), min_length=1)
    """Regions where the tenant runs. Left out: all."""

    namespaces: Annotated[tuple[Label, ...], unique("the namespace")] = Field(default=(), min_length=1)
    """Namespaces, each called `<tenant>-<entry>`. Left out: one, called like the tenant."""

    pod_security: PodSecurity = PodSecurity.RESTRICTED
    """Pod Security Standard that is enforced. `privileged` cannot be had."""

    access: Access = Access()
    """Groups and users of each role."""

    quota: Quota = Field(default=dict(USUAL_QUOTA), validate_default=True)
    """What each of its namespaces may use in all its regions together, laid over the usual quota."""

    quota_shares: QuotaShares = Field(default=Division.EQUAL, validate_default=True)
    """How the quota is divided over the regions: `equal`, weights, or quantities that add up to it."""

    limits: Limits = Field(default=Limits(), validate_default=True)
    """What one container gets by default, and may ask for."""

    network: TenantNetwork = TenantNetwork()
    """What pods may reach beyond the defaults."""

    mesh: TenantMesh = TenantMesh()
    """Its place in the mesh, and who else may call its services."""

    @field_validator("name", mode="after")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if problem := why_reserved(name):
            raise ValueError(problem)
        return name

    @field_validator("regions", mode="after")
    @classmethod
    def _known_regions(cls, regions: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = (info.context or {}).get("regions", regions)
        problems: list[Problem] = [
            ((at,), f"{region!r} is no region of this fleet; {suggestion(region, known)}")
            for at, region in enumerate(regions)
            if region not in known
        ]
        if repeated := why_repeated("the region", regions):
            problems.append(((), repeated))
        if problems:
            raise InvalidFieldsError(problems)
        return regions

    @field_validator("namespaces", mode="after")
    @classmethod
    def _usable_namespaces(cls, suffixes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        problems: list[Problem] = []
        for at, suffix in enumerate(suffixes):
            full = f"{info.data.get('name', '')}-{suffix}"
            if len(full) > LONGEST_LABEL:
                problems.append(
                    ((at,), f"`{full}` has {len(full)} characters; at most {LONGEST_LABEL} fit, shorten it")
                )
            elif problem := why_reserved(full):
                problems.append(((at,), problem))
        if problems:
            raise InvalidFieldsError(problems)
        return suffixes

    @field_validator("quota", mode="after")
    @classmethod
    def _dividable(cls, quota: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if "regions" in info.data and (found := list(undividable(quota, _regions(info)))):
            raise InvalidFieldsError(found)
        return quota

    # Without valid regions and a valid quota there is nothing to hold these against, and their own errors are told.
    @field_validator("quota_shares", mode="after")
    @classmethod
    def _add_up(cls, shares: QuotaShares, info: ValidationInfo) -> QuotaShares:
        if {"regions", "quota"} <= info.data.keys() and (
            found := list(problems(info.data["quota"], shares, _regions(info)))
        ):
            raise InvalidFieldsError(found)
        return shares

    @field_validator("limits", mode="after")
    @classmethod
    def _fit(cls, limits: Limits, info: ValidationInfo) -> Limits:
        if not {"regions", "quota", "quota_shares"} <= info.data.keys() or not _regions(info):
            return limits
        quotas = divided(info.data["quota"], info.data["quota_shares"], _regions(info)).values()
        return fitted(limits, {key: min((own[key] for own in quotas), key=parse) for key in info.data["quota"]})

    @property
    def regional_quotas(self) -> dict[str, dict[str, str]]:
        """What each of its namespaces may use in each region, by the region's name."""
        return divided(self.quota, self.quota_shares, self.regions)

    @property
    def namespace_names(self) -> tuple[str, ...]:
        """Full names of the tenant's namespaces."""
        return namespace_names(self.name, self.namespaces)


def _regions(info: ValidationInfo) -> tuple[str, ...]:
    """Return the regions of the tenant that is being read: those of the fleet, where it names none."""
    named: tuple[str, ...] = info.data.get("regions", ())
    return named or (info.context or {}).get("regions", ())


@cache
def _schema() -> dict[str, Any]:
    return Tenant.model_json_schema()


def read_tenant(raw: object, place: Place, all_regions: Sequence[str]) -> Tenant:
    """Return the tenant written at ``place``; one that names no regions gets all of them.

    Raises:
        SettingsError: with a line for each error found.

    """
    if not isinstance(raw, dict):
        raise SettingsError([place.problem(f"should be a mapping with name and owner, is {shown(raw)}")])
    try:
        tenant = Tenant.model_validate(raw, context={"regions": tuple(all_regions)})
    except ValidationError as error:
        raise SettingsError(lines_of(error, place, _schema())) from None
    return tenant if tenant.regions else tenant.model_copy(update={"regions": tuple(all_regions)})
