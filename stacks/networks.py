"""Address ranges, and the network of a cluster."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema, model_validator

from stacks.errors import InvalidFieldsError, Problem
from stacks.model import Model
from stacks.names import Label

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_SMALLEST_RANGE = 256
_LARGEST_IPV4_SERVICES = 12
_LARGEST_IPV6_SERVICES = 108


def _cidr(value: str) -> str:
    if "/" not in value:
        raise ValueError(f"{value!r} has no prefix length; write a CIDR, such as 10.1.0.0/16")
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is not a CIDR; write one such as 10.1.0.0/16 or fd00:1::/56") from None
    if ipaddress.ip_interface(value).ip != network.network_address:
        raise ValueError(f"{value} has bits set after its prefix; write {network}")
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"{value} is an IPv4 range in IPv6 form; write it as IPv4")
    return str(network)


Cidr = Annotated[
    str, AfterValidator(_cidr), WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$"})
]


class Network(Model):
    """The mesh network a cluster is in, and the addresses it uses: no two clusters of a fleet share any."""

    name: Label = ""
    """Mesh network. Clusters whose pods reach each other directly may share one. Left out: the name of the region."""

    pods: Cidr
    """Range of the pods' addresses, such as 10.1.0.0/16, with room for all that the nodes may run."""

    services: Cidr
    """Range of the Services' addresses, such as 10.101.0.0/16, of the same IP version: /12 to /24, or /108 to /120."""

    @property
    def ranges(self) -> dict[str, IPNetwork]:
        """The cluster's address ranges by field name."""
        return {name: ipaddress.ip_network(getattr(self, name)) for name in ("pods", "services")}

    @model_validator(mode="after")
    def _usable(self) -> "Network":
        problems: list[Problem] = []
        for name, network in self.ranges.items():
            if network.num_addresses < _SMALLEST_RANGE:
                problems.append(
                    ((name,), f"{network} has {network.num_addresses} addresses; give it {_SMALLEST_RANGE} or more")
                )
            if network.is_loopback or network.is_link_local or network.is_multicast or network.is_unspecified:
                problems.append(
                    ((name,), f"{network} cannot be routed between pods; use a private range, such as 10.1.0.0/16")
                )
            elif network.prefixlen == 0:
                problems.append(((name,), f"{network} is every address; use a private range, such as 10.1.0.0/16"))
        pods, services = self.ranges.values()
        largest = _LARGEST_IPV4_SERVICES if services.version == 4 else _LARGEST_IPV6_SERVICES  # noqa: PLR2004
        if services.prefixlen < largest:
            problems.append(
                (("services",), f"{services} is more than an API server takes; make it /{largest} or smaller")
            )
        if pods.version != services.version:
            problems.append(
                (("services",), f"is IPv{services.version}, but pods is IPv{pods.version}; use one for both")
            )
        if problems:
            raise InvalidFieldsError(problems)
        return self
