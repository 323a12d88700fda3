"""Who may do what in a tenant's namespaces."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from stacks.model import Model
from stacks.names import Line, unique


class Role(StrEnum):
    """What a person can be in a tenant."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


def _subject(value: str) -> str:
    if value.startswith("system:"):
        raise ValueError(f"{value!r} belongs to Kubernetes itself; name a group or user of your identity provider")
    return value


Subjects = Annotated[tuple[Annotated[Line, AfterValidator(_subject)], ...], unique("the subject")]


class Members(Model):
    """Who has a role: groups and users as the API server's authentication names them."""

    groups: Subjects = Field(default=(), min_length=1)
    """Groups that have the role."""

    users: Subjects = Field(default=(), min_length=1)
    """Users that have the role."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.groups or self.users):
            raise ValueError("names no groups and no users; name one, or leave the role out")
        return self


_NOBODY = Members.model_construct()


class Access(Model):
    """Who may do what in the tenant's namespaces. docs/tenancy.md says what each role may do."""

    admin: Members = _NOBODY
    """Developers who also handle service accounts, disruption budgets and evictions, and see who has which role."""

    developer: Members = _NOBODY
    """Those who run workloads: they write workloads, Services, ConfigMaps, Secrets, volume claims; they enter pods."""

    viewer: Members = _NOBODY
    """Those who look: everything of the tenant and its logs, but no Secrets."""

    def roles(self) -> dict[Role, Members]:
        """Return who has each role, without the roles that nobody has."""
        return {role: members for role in Role if (members := getattr(self, role.value)).groups or members.users}
