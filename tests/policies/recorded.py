"""Stacks as the engine sent them to a policy pack in previews of the lab: with federation, and without."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from policies.objects import Resource, Stack

_DATA = Path(__file__).parent / "data"


class Recorded:
    """A recorded stack that a test may change; its resources are by name and the last part of their type."""

    def __init__(self, name: str) -> None:
        self._raw: list[dict[str, Any]] = json.loads((_DATA / f"{name}.json").read_text())

    def resource(self, kind: str, name: str) -> dict[str, Any]:
        """One resource, such as `Cluster` `lab-na`."""
        (found,) = [each for each in self._raw if each["name"] == name and each["type"].endswith(f":{kind}")]
        return found

    def props(self, kind: str, name: str) -> dict[str, Any]:
        """The properties of one resource."""
        properties: dict[str, Any] = self.resource(kind, name)["props"]
        return properties

    def manifest(self, key: str, of: str = "shop") -> dict[str, Any]:
        """One object that Karmada keeps for a tenant, such as `Role/shop/tenant-admin`."""
        found: dict[str, Any] = self.manifests(of)[key]
        return found

    def manifests(self, of: str = "shop") -> dict[str, Any]:
        """All objects that Karmada keeps for a tenant."""
        found: dict[str, Any] = self.props("ResourceTemplates", f"{of}-templates")["manifests"]
        return found

    def remove(self, kind: str, name: str) -> None:
        """Take one resource away."""
        self._raw.remove(self.resource(kind, name))

    def add(self, kind: str, name: str, props: dict[str, Any], *, provider: str = "lab-na-kubernetes") -> None:
        """Add a resource of a whole type."""
        urn = f"urn:pulumi:lab::fleet::{kind}::{name}"
        self._raw.append({"urn": urn, "type": kind, "name": name, "props": props, "provider": provider})

    def stack(self) -> Stack:
        """What the policies get."""
        return Stack([Resource(**each) for each in copy.deepcopy(self._raw)])
