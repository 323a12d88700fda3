"""The kinds of clusters that rules can read: a new cloud is a line in ``TYPES``."""

from __future__ import annotations

from dataclasses import dataclass

from policies.objects import Resource, Stack

TYPES = frozenset({"lab:index:Cluster"})
_MANAGER = "-manager"


@dataclass(frozen=True)
class Cluster:
    """A cluster's resource; its name is the cluster's."""

    resource: Resource

    @property
    def name(self) -> str:
        """The cluster's name, `<environment>-<region>`."""
        return str(self.resource.fields["name"])

    @property
    def is_region(self) -> bool:
        """Whether it is a region's; the manager's runs no tenants."""
        return not self.name.endswith(_MANAGER)


def clusters(stack: Stack) -> list[Cluster]:
    """Return the clusters of a stack."""
    return [Cluster(resource) for resource in stack.of(*TYPES)]


def regions(stack: Stack) -> list[Cluster]:
    """Return the regions' clusters."""
    return [cluster for cluster in clusters(stack) if cluster.is_region]
