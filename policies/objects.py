"""One view of a stack's Kubernetes objects, whether Pulumi creates each of them or Karmada keeps them in sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from policies.values import Fields

TENANT_LABEL = "fleet/tenant"
KARMADA = "karmada"
TEMPLATES = "karmada:index:ResourceTemplates"
_KUBERNETES = "kubernetes:"
_NO_OBJECTS = ("kubernetes:helm.sh/", "kubernetes:yaml", "kubernetes:kustomize", "kubernetes:index:")
_PROVIDER_SUFFIX = "-kubernetes"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as the engine knows it; ``props`` are its inputs, ``provider`` is its provider's name."""

    urn: str
    type: str
    name: str
    props: Mapping[str, Any]
    provider: str = ""
    protect: bool = False

    @property
    def fields(self) -> Fields:
        """The properties; to read one that is not known yet raises."""
        return Fields(self.props)


@dataclass(frozen=True, kw_only=True)
class Object:
    """A Kubernetes object of a resource, in the cluster ``home``; `karmada` is home to what Karmada keeps."""

    resource: Resource
    home: str
    manifest: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.manifest["kind"])

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        return section(self.manifest, "metadata")

    @property
    def labels(self) -> Mapping[str, Any]:
        """Its labels."""
        return section(self.metadata, "labels")

    @property
    def name(self) -> str:
        """Its name; that of the resource where the provider chooses one."""
        return str(self.metadata.get("name", self.resource.name))

    @property
    def namespace(self) -> str:
        """Its namespace; empty if it has none."""
        return str(self.metadata.get("namespace", ""))

    def __str__(self) -> str:
        return "/".join(filter(None, (self.kind, self.namespace, self.name)))


def section(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a mapping within a mapping; an empty one where it is missing."""
    found: Mapping[str, Any] = fields.get(name) or {}
    return found


def objects(resource: Resource) -> Iterator[Object]:
    """Yield the Kubernetes objects that a resource stands for.

    Raises:
        UnknownValueError: it is not known yet which they are.

    """
    if resource.type == TEMPLATES:
        for manifest in resource.fields["manifests"].values():
            yield Object(resource=resource, home=KARMADA, manifest=manifest)
    elif resource.type.startswith(_KUBERNETES) and not resource.type.startswith(_NO_OBJECTS):
        home = resource.provider.removesuffix(_PROVIDER_SUFFIX)
        kind = resource.type.rpartition(":")[2]
        yield Object(resource=resource, home=home, manifest=Fields({"kind": kind, **resource.props}))


@dataclass(frozen=True)
class Stack:
    """All resources of a stack."""

    resources: Sequence[Resource]

    def of(self, *types: str) -> list[Resource]:
        """The resources of some types."""
        return [resource for resource in self.resources if resource.type in types]

    def objects(self, *kinds: str) -> list[Object]:
        """The Kubernetes objects of some kinds."""
        return [each for resource in self.resources for each in objects(resource) if each.kind in kinds]

    def tenant_namespaces(self, system: Sequence[str]) -> list[Object]:
        """The namespaces that are not the system's own; `system` has patterns of those."""
        return [each for each in self.objects("Namespace") if not matches(each.name, system)]


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is one of some patterns, such as `kube-*`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
