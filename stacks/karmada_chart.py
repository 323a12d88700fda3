"""Settings of a Karmada control plane that runs in the manager's cluster, by the official Helm chart."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from stacks.clusters import PositiveQuantity
from stacks.model import Model
from stacks.names import Line, unique
from stacks.networks import Cidr

_HOSTNAME_PATTERN = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"


def _hostname(value: str) -> str:
    if len(value) > 253 or not re.fullmatch(_HOSTNAME_PATTERN, value):  # noqa: PLR2004
        raise ValueError(f"{value[:80]!r} is no host name in lower case with a domain, such as karmada.example.com")
    return value


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is no IP address; write one such as 203.0.113.10") from None


def _not_everybody(value: str) -> str:
    if ipaddress.ip_network(value).prefixlen == 0:
        raise ValueError(f"{value} lets everybody reach the fleet's control plane; name those who need to")
    return value


Hostname = Annotated[
    str, AfterValidator(_hostname), WithJsonSchema({"type": "string", "pattern": _HOSTNAME_PATTERN, "maxLength": 253})
]
Address = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string"})]
SourceRange = Annotated[Cidr, AfterValidator(_not_everybody)]


class KarmadaChart(Model):
    """Where the control plane is reached and by whom, what keeps its data, and where its chart and images come from."""

    hostname: Hostname
    """Name of Karmada's API server, in its certificate; in DNS it leads to the load balancer's address."""

    address: Address | None = None
    """The load balancer's static address, in the certificate too. Left out: the one that the cloud gives."""

    source_ranges: Annotated[tuple[SourceRange, ...], unique("the range")] = Field(min_length=1)
    """Ranges from which the API server is reached: those who run the fleet."""

    service_annotations: Mapping[str, str] = Field(default_factory=dict)
    """Annotations of the load balancer's Service, such as those by which a cloud is told of its static address."""

    storage_class: Line
    """StorageClass of etcd's volumes; one with low latency (SSD), in the zone of the pod."""

    storage_size: PositiveQuantity = "10Gi"
    """Size of each of etcd's three volumes, in bytes."""

    repository: Line = "https://raw.githubusercontent.com/karmada-io/karmada/master/charts"
    """Helm repository of the chart `karmada`; an inner one where the cluster's makers have no way out."""

    registry: Line | None = None
    """Registry that has all images under their own names. Left out: where their publishers keep them."""
