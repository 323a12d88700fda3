"""The settings of a fleet as one model."""

from pydantic import Field, SerializeAsAny

from stacks.clusters import ClusterSettings
from stacks.federation import FederationSettings
from stacks.mesh import MeshSettings
from stacks.model import Model
from stacks.names import MANAGER, Label
from stacks.tenants import Tenant


class Settings(Model):
    """A fleet: clusters in regions, one that manages them, and tenants.

    Made by ``stacks.settings.load`` and its callers, which check what no single field shows.
    """

    environment: Label
    """First part of every cluster's name, `<environment>-<region>`. Left out: the stack's name."""

    regions: dict[str, SerializeAsAny[ClusterSettings]] = Field(min_length=1)
    """The regional clusters, by the name of the region. `manager` and `karmada` are reserved."""

    manager: SerializeAsAny[ClusterSettings]
    """The cluster that manages the others. The same fields as a region's."""

    federation: FederationSettings = FederationSettings()
    """How workloads are spread over the regions, and what happens when one fails."""

    mesh: MeshSettings = MeshSettings()
    """How services of the regions call each other, and whom they trust."""

    tenants: tuple[Tenant, ...] = ()
    """Tenants written in the stack file."""

    tenants_folder: str = ""
    """Folder of tenants, one in each `*.yaml` file; relative to the project. They are added to those of `tenants`."""

    @property
    def clusters(self) -> dict[str, ClusterSettings]:
        """All clusters: the regions by name, then the manager as ``manager``."""
        return {**self.regions, MANAGER: self.manager}

    @property
    def address_ranges(self) -> tuple[str, ...]:
        """Every range of pod and Service addresses of the fleet, as CIDRs."""
        return tuple(str(each) for cluster in self.clusters.values() for each in cluster.network.ranges.values())

    @property
    def mesh_id(self) -> str:
        """Name of the mesh."""
        return self.mesh.mesh_id or self.environment

    def cluster_name(self, region: str) -> str:
        """Return the name of a region's cluster, or of the manager's; it is also its kubeconfig context."""
        return f"{self.environment}-{region}"
