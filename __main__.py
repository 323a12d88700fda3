"""The fleet: regional clusters and their manager, one federation and one mesh of them, every tenant in its regions."""

import pulumi

from components.cluster import ClusterArgs, create_cluster
from components.federation import Federation, FederationArgs
from components.mesh import MeshArgs, create_mesh, tenant_kinds
from components.tenancy import deliver_tenants
from stacks.names import KARMADA
from stacks.settings import SettingsError, from_pulumi

try:
    settings = from_pulumi()
except SettingsError as error:
    raise pulumi.RunError("\n".join(["the settings are not right:", *error.errors])) from None

clusters = {
    region: create_cluster(settings.cluster_name(region), ClusterArgs(region=region, settings=cluster))
    for region, cluster in settings.clusters.items()
}
regions = {region: cluster for region, cluster in clusters.items() if region in settings.regions}

federation = (
    Federation(
        settings.cluster_name(KARMADA),
        FederationArgs(settings=settings, clusters=clusters, kinds=tenant_kinds(settings)),
    )
    if settings.federation.enabled
    else None
)

mesh = create_mesh(settings.mesh_id, MeshArgs(settings=settings, clusters=regions)) if settings.mesh.enabled else None

deliver_tenants(settings, regions, federation, mesh)

control_planes = [federation.control_plane] if federation else []
pulumi.export("clusters", {c.name: {"region": c.region, "server": c.server} for c in clusters.values()})
pulumi.export("federation", {c.name: {"server": c.server} for c in control_planes})
pulumi.export("mesh", mesh.status_urls if mesh else {})
pulumi.export("kubeconfigs", {c.name: c.kubeconfig for c in [*clusters.values(), *control_planes]})
