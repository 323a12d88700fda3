"""Settings of a cluster: its cloud, place, networks and nodes.

Each cloud has a class of its own. To add one: a member of ``Cloud``, a subclass of ``ClusterSettings`` and a line in
``CLOUDS``.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema

from stacks import quantities
from stacks.errors import Place, SettingsError, lines_of, shown
from stacks.model import Model
from stacks.names import Label, LabelValue, Whole, unique
from stacks.networks import Network
from stacks.regional_mesh import RegionalMeshSettings


class Cloud(StrEnum):
    """Where a cluster can run."""

    LAB = "lab"


class SyncMode(StrEnum):
    """Who brings what Karmada places in a cluster."""

    PUSH = "push"
    PULL = "pull"


class MemberSettings(Model):
    """How a region's cluster joins the federation."""

    mode: SyncMode = SyncMode.PUSH
    """Whether Karmada reaches the cluster's API server (`push`), or an agent beside it reaches Karmada (`pull`)."""

    credential: Whole = Field(default=1, ge=1, le=999)
    """Number of the credentials that Karmada and the cluster know each other by. Raise it to have new ones made."""


def _positive(quantity: str) -> str:
    if quantities.parse(quantity) <= 0:
        raise ValueError(f"should be more than 0, is {quantity}")
    return quantity


PositiveQuantity = Annotated[
    str,
    BeforeValidator(quantities.from_setting),
    AfterValidator(_positive),
    WithJsonSchema(quantities.JSON_SCHEMA),
]


class ClusterSettings(Model):
    """What the settings of a cluster have in common, whatever its cloud."""

    cloud: Cloud
    """Where the cluster runs; it decides which other fields there are."""

    location: LabelValue
    """The cloud's own name of the place, such as us-east-1: the nodes' topology.kubernetes.io/region label."""

    network: Network
    """The cluster's network and address ranges."""

    federation: MemberSettings = MemberSettings()
    """How the cluster joins the federation; the manager does not."""

    mesh: RegionalMeshSettings = RegionalMeshSettings()
    """How the cluster takes part in the mesh; the manager does not."""

    zones: tuple[LabelValue, ...] = ()
    """Zones of the nodes (topology.kubernetes.io/zone), as the cloud names them."""

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
