"""The mesh: one over all regions, in which their services call each other and nobody is believed without proof.

Another than Istio is a subclass of `Mesh`, and a line in `kinds.py`.
"""

from components.mesh.kinds import create_mesh, tenant_kinds
from components.mesh.mesh import Mesh, MeshArgs

__all__ = ["Mesh", "MeshArgs", "create_mesh", "tenant_kinds"]
