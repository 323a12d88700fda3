"""The Pulumi resource `karmada:index:ResourceTemplates` and its provider, as a program sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from providers.karmada.objects import KINDS, Key, Manifest


class Provider(pulumi.ProviderResource):
    """The provider of one Karmada; `kubeconfig`, of an administrator of its API, is kept as a secret.

    `identifier` tells one Karmada from another: what is kept in it is put into a Karmada that was made anew, again.
    """

    def __init__(
        self,
        name: str,
        *,
        kubeconfig: pulumi.Input[str],
        identifier: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("karmada", name, {"kubeconfig": pulumi.Output.secret(kubeconfig)}, opts)
        self.identifier = identifier


@dataclass(frozen=True, kw_only=True)
class ResourceTemplatesArgs:
    """What Karmada is to keep.

    `members` are the names of the members that policies of the fleet place these objects in: every one of them must
    have every object for the resource to be there. Karmada's own objects, such as policies, stay in Karmada; of a
    FederatedResourceQuota, each member has its share; a Cluster, a member itself, is there when it is ready, or in
    pull mode when an agent can begin. `karmada` is the provider's `identifier`: when it changes, all is put in again.
    Of manifests all but kinds and names may be outputs.
    """

    manifests: Sequence[Manifest]
    members: Sequence[str]
    karmada: pulumi.Input[str]

    def __post_init__(self) -> None:
        keys = [Key.of(manifest) for manifest in self.manifests]
        for key in keys:
            if key.kind not in KINDS:
                raise ValueError(f"{key} is of a kind that cannot be kept; known are {', '.join(sorted(KINDS))}")
            if keys.count(key) > 1:
                raise ValueError(f"{key} is there more than once")

    def properties(self) -> dict[str, Any]:
        """The resource's inputs, named as the provider names them: manifests by `Kind/namespace/name`."""
        manifests = {str(Key.of(manifest)): manifest for manifest in self.manifests}
        return {"manifests": dict(sorted(manifests.items())), "members": sorted(self.members), "karmada": self.karmada}


class ResourceTemplates(pulumi.CustomResource):
    """Objects that Karmada keeps in members.

    One resource in Pulumi's state, however many objects and members there are. When its outputs are known every member
    has every object. An object that was there already is taken over.
    """

    objects: pulumi.Output[dict[str, str]]
    """A fingerprint of each object that every member has, by `Kind/namespace/name`."""

    def __init__(self, name: str, args: ResourceTemplatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("karmada:index:ResourceTemplates", name, {**args.properties(), "objects": None}, opts)
