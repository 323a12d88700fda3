"""The registry of meshes: what makes a mesh of which kind."""

from __future__ import annotations

from typing import Any

import pulumi

from components.mesh.istio import IstioMesh
from components.mesh.karmada import kind_definitions
from components.mesh.mesh import Mesh, MeshArgs
from components.mesh.registry import installer
from stacks.fleet import Settings
from stacks.mesh import MeshKind


def create_mesh(name: str, args: MeshArgs, opts: pulumi.ResourceOptions | None = None) -> Mesh:
    """Create the mesh `name` of the kind that the settings name."""
    kind = args.settings.mesh.kind
    if kind is MeshKind.ISTIO:
        return IstioMesh(name, args, installer(args.settings), opts)
    raise ValueError(f"there is no way to make a mesh by {kind}")


def tenant_kinds(settings: Settings) -> list[dict[str, Any]]:
    """Return CustomResourceDefinitions of what tenants have for the sake of the mesh: none without one."""
    return kind_definitions() if settings.mesh.enabled else []
