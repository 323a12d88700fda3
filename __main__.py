"""The fleet: regional clusters and their manager, and every tenant's namespaces, roles and quotas in its regions."""

import pulumi

from components.cluster import ClusterArgs, create_cluster
from components.tenancy import Tenant, TenantArgs
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

for tenant in settings.tenants:
    Tenant(tenant.name, TenantArgs(tenant=tenant, clusters=regions, address_ranges=settings.address_ranges))

pulumi.export("clusters", {c.name: {"region": c.region, "server": c.server} for c in clusters.values()})
pulumi.export("kubeconfigs", {c.name: c.kubeconfig for c in clusters.values()})
