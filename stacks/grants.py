"""Settings of a tenant in the mesh: whether its pods are in it, and which other tenants may call its services."""

from typing import Annotated

from pydantic import Field, model_validator

from stacks.errors import InvalidFieldsError
from stacks.federation import Switch
from stacks.model import Model
from stacks.names import Label, unique


class Grant(Model):
    """Who of another tenant may call the tenant's services: all of it, a namespace, or a service account there."""

    tenant: Label
    """The other tenant."""

    namespace: Label | None = None
    """Full name of its namespace. Left out: all of them."""

    service_account: Label | None = None
    """A service account in that namespace. Left out: all of them."""

    @property
    def who(self) -> str:
        """Who it is in a word: `tenant`, `tenant/namespace` or `tenant/namespace/service account`."""
        return "/".join(filter(None, (self.tenant, self.namespace, self.service_account)))

    @model_validator(mode="after")
    def _whose_account(self) -> "Grant":
        if self.service_account and not self.namespace:
            raise InvalidFieldsError([(("namespace",), f"is missing; say where {self.service_account} is")])
        return self


class TenantMesh(Model):
    """The tenant in the mesh, where the fleet has one."""

    enabled: Switch = True
    """Whether its pods get a sidecar. Without one they reach no other region, and nobody in the mesh."""

    grants: Annotated[tuple[Grant, ...], unique("the grant", lambda grant: grant.who)] = Field(default=(), min_length=1)
    """Others that may call its services. Its own namespaces and the fleet's ingress always may."""

    @model_validator(mode="after")
    def _in_it(self) -> "TenantMesh":
        if self.grants and not self.enabled:
            raise InvalidFieldsError([(("grants",), "are for tenants in the mesh; enable it, or take them out")])
        return self
