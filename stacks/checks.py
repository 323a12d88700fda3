"""What can only be wrong between parts of the settings that are each right: names, address ranges, namespaces.

Every check takes the valid parts with the places where they are written, and returns lines, so that all errors are told
at once.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from stacks.clusters import Cloud, ClusterSettings, LabClusterSettings
from stacks.errors import Place
from stacks.federation import FederationSettings
from stacks.names import LONGEST_CLUSTER_NAME, LONGEST_LABEL, MANAGER, RESERVED_REGIONS, namespace_names, why_not_label
from stacks.networks import IPNetwork
from stacks.tenants import Tenant


def region_names(places: Mapping[str, Place]) -> Iterator[str]:
    """Yield a line for each region whose name cannot be one."""
    for name, place in places.items():
        if problem := why_not_label(name):
            yield place.problem(f"the region's name {problem}")
        elif name in RESERVED_REGIONS:
            yield place.problem(f"`{name}` is reserved by the fleet; choose another name")


def members(clusters: Mapping[str, tuple[Place, object]]) -> Iterator[str]:
    """Yield a line for each thing of the regions that the manager, valid or not, is to be a member of."""
    place, raw = clusters.get(MANAGER, (Place(""), None))
    for whole in ("federation", "mesh"):
        if isinstance(raw, dict) and whole in raw:
            yield (place / whole).problem(f"is for regions; the manager is no member of the {whole}, take it out")


def control_plane(
    federation: FederationSettings, place: Place, clusters: Mapping[str, tuple[Place, ClusterSettings]]
) -> Iterator[str]:
    """Yield a line if Karmada's control plane is not described where the manager's cloud asks for it, or is in vain."""
    if MANAGER not in clusters:
        return
    cloud, here = clusters[MANAGER][1].cloud, place / "controlPlane"
    if cloud is Cloud.LAB and federation.control_plane is not None:
        yield here.problem("is for a manager in a cloud; the lab's Karmada needs no description, take it out")
    elif cloud is not Cloud.LAB and federation.enabled and federation.control_plane is None:
        text = f"is missing; Karmada runs in the manager's cluster ({cloud}), say by hostname, sourceRanges and"
        yield here.problem(f"{text} storageClass how")


def cluster_names(environment: str, clusters: Mapping[str, tuple[Place, ClusterSettings]]) -> Iterator[str]:
    """Yield a line for each cluster, or node of one, whose name ``<environment>-<region>...`` would be too long."""
    for region, (place, cluster) in clusters.items():
        name = f"{environment}-{region}"
        if len(name) > LONGEST_CLUSTER_NAME:
            text = f"the cluster's name {name} has {len(name)} characters; at most {LONGEST_CLUSTER_NAME} fit"
            yield place.problem(f"{text}, shorten the region's name or fleet:environment")
        elif isinstance(cluster, LabClusterSettings):
            for at, pool in enumerate(cluster.node_pools):
                node = f"{name}-{pool.name}-{pool.count}"
                if len(node) > LONGEST_LABEL:
                    text = f"the node name {node} has {len(node)} characters; at most {LONGEST_LABEL} fit, shorten it"
                    yield (place / "nodePools" / at / "name").problem(text)


def address_ranges(clusters: Mapping[str, tuple[Place, ClusterSettings]]) -> Iterator[str]:
    """Yield a line for each two ranges that overlap, and for each range of pods that is too small for the nodes."""
    ranges: list[tuple[Place, IPNetwork]] = []
    for place, cluster in clusters.values():
        ranges += [(place / "network" / name, network) for name, network in cluster.network.ranges.items()]
        pods, capacity = cluster.network.ranges["pods"], cluster.pod_capacity
        if capacity is not None and pods.num_addresses < capacity:
            text = f"{pods} has {pods.num_addresses} addresses, but the nodes may run {capacity} pods"
            yield (place / "network" / "pods").problem(f"{text}; give it a larger range")
    for (first_place, first), (place, network) in combinations(ranges, 2):
        if first.version == network.version and first.overlaps(network):
            yield place.problem(f"{network} overlaps {first_place} ({first}); give each a range of its own")


def tenant_names(entries: Sequence[tuple[Place, object]]) -> Iterator[str]:
    """Yield a line for each tenant, valid or not, whose name another one has, whatever the case of its letters."""
    first: dict[str, Place] = {}
    for place, raw in entries:
        name = raw.get("name") if isinstance(raw, dict) else None
        if isinstance(name, str) and (other := first.setdefault(name.casefold(), place)) is not place:
            yield (place / "name").problem(
                f"{name!r} is already the name of the tenant at {other}; choose another name"
            )


def shared_namespaces(entries: Sequence[tuple[Place, object]]) -> Iterator[str]:
    """Yield a line for each namespace that two tenants of different names, valid or not, would share."""
    first: dict[str, tuple[Place, str]] = {}
    for place, raw in entries:
        name = raw.get("name") if isinstance(raw, dict) else None
        suffixes = raw.get("namespaces", []) if isinstance(raw, dict) else []
        if not isinstance(name, str) or not isinstance(suffixes, list):
            continue
        for namespace in namespace_names(name, suffixes):
            other_place, other = first.setdefault(namespace, (place, name))
            if other != name:
                text = f"the namespace {namespace} is also that of tenant {other} at {other_place}; rename one"
                yield place.problem(text)


def egress_ranges(
    tenants: Sequence[tuple[Place, Tenant]], clusters: Mapping[str, tuple[Place, ClusterSettings]]
) -> Iterator[str]:
    """Yield a line for each egress rule whose addresses are all the fleet's own, or link-local."""
    ranges = [
        (f"inside {place / 'network' / name}", network)
        for place, cluster in clusters.values()
        for name, network in cluster.network.ranges.items()
    ]
    ranges += [("link-local", ipaddress.ip_network(network)) for network in ("169.254.0.0/16", "fe80::/10")]
    for place, tenant in tenants:
        for at, rule in enumerate(tenant.network.egress):
            cidr = ipaddress.ip_network(rule.cidr)
            for what, network in ranges:
                if cidr.version == network.version and cidr.subnet_of(network):  # type: ignore[arg-type]
                    text = f"{cidr} is {what}; name addresses outside the fleet"
                    yield (place / "network" / "egress" / at / "cidr").problem(text)
