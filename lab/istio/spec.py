"""What an istiod is to be: read from the resource's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REPLACING = ("ports", "cluster", "revision")
UPDATING = ("kubeconfig", "version", "certificates", "environment")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """An istiod as it is to be; see `IstiodArgs` for what each field means."""

    cluster: str
    kubeconfig: str
    version: str
    revision: str
    certificates: Mapping[str, str]
    environment: Mapping[str, str]

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Spec:
        """Read inputs."""
        return cls(**{name: inputs[name] for name in REPLACING + UPDATING if name != "ports"})
