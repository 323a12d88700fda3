"""What the settings of the mesh say to istiod: values of its chart, the same in every region.

Nothing here changes when traffic is shifted: that is done by `traffic.py`, without touching a control plane.
"""

from __future__ import annotations

from typing import Any

from stacks.mesh import EgressMode, MeshSettings

_EGRESS = {EgressMode.REGISTERED: "REGISTRY_ONLY", EgressMode.ANY: "ALLOW_ANY"}

_SIDECAR = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
"""Of one proxy. It counts against its tenant's quota; Istio's own limit of 2 cores would leave room for few pods."""


def istiod_values(settings: MeshSettings) -> dict[str, Any]:
    """Return values of the chart `istiod`.

    Tenants' namespaces enforce the Pod Security Standard `restricted`, which refuses Istio's usual init container: it
    sets up a pod's network by itself. So that is left to Istio's CNI plugin, and sidecars get a seccomp profile.
    """
    values: dict[str, Any] = {
        "meshConfig": mesh_config(settings),
        "pilot": {"env": istiod_environment(settings), "cni": {"enabled": True}},
        "global": {"proxy": {"seccompProfile": {"type": "RuntimeDefault"}, "resources": _SIDECAR}},
    }
    if settings.trust.external:
        values["global"]["caAddress"] = settings.trust.external
    return values


def mesh_config(settings: MeshSettings) -> dict[str, Any]:
    """Return MeshConfig, but for what the chart fills in by itself from mesh ID, cluster and network."""
    return {
        "trustDomain": settings.trust_domain,
        "outboundTrafficPolicy": {"mode": _EGRESS[settings.egress]},
        "defaultConfig": {
            "proxyMetadata": {
                # A proxy hears of new roots at once, not with its next certificate.
                "PROXY_CONFIG_XDS_AGENT": "true",
                # A Service of another region has a name here, although no Service of this one has it.
                "ISTIO_META_DNS_CAPTURE": "true",
            }
        },
    }


def istiod_environment(settings: MeshSettings) -> dict[str, str]:
    """Return environment variables of istiod (Istio's pilot/pkg/features/pilot.go)."""
    environment = {"ISTIO_MULTIROOT_MESH": "true"}
    if settings.trust.external:
        environment["ENABLE_CA_SERVER"] = "false"
    return environment
