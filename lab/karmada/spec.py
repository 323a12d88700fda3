"""What a control plane of Karmada is to be: read from the resource's inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.karmada.resource import Script

REPLACING = ("name", "directory")
UPDATING = ("version", "arguments", "scripts")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A control plane as it is to be; see `KarmadaArgs` for what each field means."""

    name: str
    version: str
    arguments: Mapping[str, Sequence[str]]
    scripts: Mapping[str, Script]

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Spec:
        """Read inputs."""
        return cls(
            name=inputs["name"],
            version=inputs["version"],
            arguments=inputs["arguments"],
            scripts={name: Script(**script) for name, script in inputs["scripts"].items()},
        )
