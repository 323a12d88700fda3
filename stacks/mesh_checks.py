"""What can only be wrong between the mesh and other parts of the settings: locations, grants, where it can run.

As in ``checks``: every check takes valid parts with the places where they are written, and returns lines.
"""

from collections.abc import Iterator, Mapping, Sequence

from stacks.clusters import Cloud, ClusterSettings
from stacks.errors import Place, suggestion
from stacks.grants import Grant
from stacks.mesh import MeshSettings
from stacks.names import MANAGER
from stacks.tenants import Tenant


def locations(mesh: MeshSettings, place: Place, clusters: Mapping[str, tuple[Place, ClusterSettings]]) -> Iterator[str]:
    """Yield a line for each setting that tells two regions apart that a proxy cannot: they are in one location."""
    names = [field for field in ("failover", "traffic", "services") if field in mesh.model_fields_set]
    first: dict[str, str] = {}
    for region, (_, cluster) in clusters.items():
        if region != MANAGER and (other := first.setdefault(cluster.location, region)) != region:
            text = f"tells regions apart by their location, but {other} and {region} are both in {cluster.location}"
            yield from ((place / name).problem(f"{text}; take it out, or change a location") for name in names)


def external_trust(
    mesh: MeshSettings, place: Place, clusters: Mapping[str, tuple[Place, ClusterSettings]]
) -> Iterator[str]:
    """Yield a line for each region whose pods are simulated, so that no istio-csr runs there."""
    for region, (_, cluster) in clusters.items():
        if mesh.trust.external and region != MANAGER and cluster.cloud is Cloud.LAB:
            text = f"{region} is in the lab, where no pod really runs and so no istio-csr; take it out"
            yield (place / "trust" / "external").problem(text)


def grants(mesh: MeshSettings, tenants: Sequence[tuple[Place, Tenant]]) -> Iterator[str]:
    """Yield a line for each grant to somebody who is not there, or has no identity in the mesh."""
    by_name = {tenant.name: tenant for _, tenant in tenants}
    for place, tenant in tenants:
        here = place / "mesh" / "grants"
        if tenant.mesh.grants and not mesh.enabled:
            yield here.problem("are for a fleet with a mesh, but fleet:mesh.enabled is false; take them out")
            continue
        for at, grant in enumerate(tenant.mesh.grants):
            yield from _grant(grant, here / at, tenant.name, by_name)


def _grant(grant: Grant, place: Place, owner: str, tenants: Mapping[str, Tenant]) -> Iterator[str]:
    caller = tenants.get(grant.tenant)
    if grant.tenant == owner:
        yield (place / "tenant").problem(f"{owner!r} is the tenant itself, which may call itself; take the grant out")
    elif caller is None:
        yield (place / "tenant").problem(f"{grant.tenant!r} is no tenant; {suggestion(grant.tenant, tenants)}")
    elif not caller.mesh.enabled:
        text = f"{grant.tenant!r} is not in the mesh, so nobody can tell that it calls; enable its mesh"
        yield (place / "tenant").problem(text)
    elif grant.namespace and grant.namespace not in caller.namespace_names:
        text = f"{grant.namespace!r} is no namespace of {grant.tenant}"
        yield (place / "namespace").problem(f"{text}; {suggestion(grant.namespace, caller.namespace_names)}")
