"""What holds for the whole mesh in a region: nobody talks without mutual TLS, and where requests go.

There is no mesh-wide policy that denies everything: it would close the gateways. What tenants' services deny, each
tenant's own policy denies (`tenant.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from components.mesh.names import MANAGED_BY, NAMESPACE
from components.mesh.traffic import Manifest, Place, destination_rules
from stacks.mesh import MeshSettings


def mesh_policies(settings: MeshSettings, region: str, places: Mapping[str, Place]) -> list[Manifest]:
    """Return the objects in the root namespace of one region; ``places`` has every region of the fleet."""
    return [strict_mutual_tls(), *destination_rules(settings, region, places)]


def strict_mutual_tls() -> Manifest:
    """Return the PeerAuthentication by which no workload of the mesh takes a plain request."""
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default", "namespace": NAMESPACE, "labels": MANAGED_BY},
        "spec": {"mtls": {"mode": "STRICT"}},
    }
