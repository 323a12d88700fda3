"""Settings of one region in the mesh: its credential, its intermediate, and the addresses that others know it by."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from stacks.model import Model
from stacks.names import Whole, unique
from stacks.networks import Cidr
from stacks.trust import Number


def _not_everybody(value: str) -> str:
    if ipaddress.ip_network(value).prefixlen == 0:
        raise ValueError(f"{value} is every address; name the region's own")
    return value


Ranges = Annotated[tuple[Annotated[Cidr, AfterValidator(_not_everybody)], ...], unique("the range")]


class RegionalMeshSettings(Model):
    """How the region's cluster takes part in the mesh."""

    credential: Whole = Field(default=1, ge=1)
    """Number of the credential by which the other regions read its endpoints. Raise it to have a new one made."""

    intermediate: Number | None = None
    """Number of the region's intermediate CA, in place of the fleet's `mesh.trust.intermediate`."""

    source_ranges: Ranges = Field(default=(), min_length=1)
    """Addresses that its requests to other regions come from: its NAT gateway's. Left out: its pods' own."""

    gateway_ranges: Ranges = Field(default=(), min_length=1)
    """Addresses of its east-west gateway, which other regions' pods have to reach. Left out: its Services' own."""
