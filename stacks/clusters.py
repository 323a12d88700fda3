"""Settings of a cluster: its cloud, place, networks and nodes.

Each cloud has a class of its own. To add one: a member of ``Cloud``, a subclass of ``ClusterSettings`` and a line in
``CLOUDS``.
"""

import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema, model_validator

from stacks import quantities
from stacks.errors import InvalidFieldsError, Place, SettingsError, lines_of, shown
from stacks.model import Model
from stacks.names import Label, LabelValue, Whole, unique

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_SMALLEST_RANGE = 256
_LARGEST_IPV4_SERVICES = 12
_LARGEST_IPV6_SERVICES = 108


class Cloud(StrEnum):
    """Where a cluster can run."""

    LAB = "lab"


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


def _positive(quantity: str) -> str:
    if quantities.parse(quantity) <= 0:
        raise ValueError(f"should be more than 0, is {quantity}")
    return quantity


Cidr = Annotated[
    str, AfterValidator(_cidr), WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$"})
]
PositiveQuantity = Annotated[
    str,
    BeforeValidator(quantities.from_setting),
    AfterValidator(_positive),
    WithJsonSchema(quantities.JSON_SCHEMA),
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
        problems: list[tuple[tuple[str | int, ...], str]] = []
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


class ClusterSettings(Model):
    """What the settings of a cluster have in common, whatever its cloud."""

    cloud: Cloud
    """Where the cluster runs; it decides which other fields there are."""

    location: LabelValue
    """The cloud's own name of the place, such as us-east-1: the nodes' topology.kubernetes.io/region label."""

    network: Network
    """The cluster's network and address ranges."""

    @property
    def pod_capacity(self) -> int | None:
        """How many pods all nodes can run at most; None where the settings do not say."""
        return None


class LabNodePool(Model):
    """Simulated nodes that are alike."""

    name: Label = "default"
    """Name of the pool, used in the names of its nodes."""

    count: Whole = Field(default=3, gt=0, le=1000)
    """Number of nodes, spread over the zones."""

    cpu: PositiveQuantity = "8"
    """CPU of one node, in cores."""

    memory: PositiveQuantity = "32Gi"
    """Memory of one node, in bytes."""

    pods: Whole = Field(default=110, gt=0, le=1000)
    """Pods that one node can run."""


def _three_zones(data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{data.get('location', '')}{letter}" for letter in "abc")


class LabClusterSettings(ClusterSettings):
    """A cluster of real control plane processes on this machine, with simulated nodes."""

    zones: Annotated[tuple[LabelValue, ...], unique("the zone")] = Field(default_factory=_three_zones, min_length=1)
    """Zones of the nodes (topology.kubernetes.io/zone). Left out: the location with a, b and c after it."""

    node_pools: Annotated[tuple[LabNodePool, ...], unique("the pool", lambda pool: pool.name)] = Field(
        default=(LabNodePool(),), min_length=1
    )
    """Groups of nodes. Left out: one pool of three nodes."""

    @property
    def pod_capacity(self) -> int:
        """How many pods all nodes can run at most."""
        return sum(pool.count * pool.pods for pool in self.node_pools)


CLOUDS: Mapping[Cloud, type[ClusterSettings]] = MappingProxyType({Cloud.LAB: LabClusterSettings})
"""The settings class of each cloud."""


def read_cluster(raw: object, place: Place, name: str) -> ClusterSettings:
    """Return the settings of the cluster called ``name`` in the settings, from what is written at ``place``.

    Raises:
        SettingsError: with a line for each error found.

    """
    if not isinstance(raw, dict):
        raise SettingsError([place.problem(f"should be a mapping with cloud, location and network, is {shown(raw)}")])
    cloud = raw.get("cloud")
    known = CLOUDS.get(Cloud(cloud)) if isinstance(cloud, str) and cloud in set(Cloud) else None
    model = known or ClusterSettings
    if isinstance(raw.get("network"), dict):
        raw = {**raw, "network": {"name": name, **raw["network"]}}
    try:
        # Of an unknown cloud only what all clouds share can be checked, so its own fields are not called unknown.
        return model.model_validate(raw, extra=None if known else "ignore")
    except ValidationError as error:
        raise SettingsError(lines_of(error, place, model.model_json_schema())) from None
