"""istiod as it is started. Flags and variables are those of the chart's Deployment, but on loopback.

Source: manifests/charts/istio-control/istio-discovery/templates/deployment.yaml in the Istio repository.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.cluster.kwok import BinaryError, find
from lab.cluster.ports import LOOPBACK
from lab.istio.ports import HOST, Ports
from lab.istio.spec import Spec
from lab.processes import Program

ISTIOD = "pilot-discovery"
NAMESPACE = "istio-system"
KUBECONFIG = "kubeconfig"
CERTIFICATES = "cacerts"
"""The folder that istiod watches for what it signs with."""

# The lab's proxies are upstream's Envoy, which has none of Istio's own filters.
_WITHOUT_OWN_FILTERS = {"PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_ENABLE_METADATA_EXCHANGE": "false"}


def require_version(version: str) -> None:
    """Raise `BinaryError` unless the istiod on PATH is `version`."""
    place = find(ISTIOD)
    answer = subprocess.run([place, "version", "--short"], capture_output=True, text=True, check=False)
    reported = answer.stdout.strip().rpartition(" ")[2]
    if f"v{reported}" != version:
        raise BinaryError(f"{place} is Istio {reported or 'of no known version'}, and {version} is asked for")


def istiod(folder: Path, ports: Ports, spec: Spec) -> Program:
    """The program in `folder`."""
    flags = {
        "kubeconfig": folder / KUBECONFIG,
        "clusterID": spec.cluster,
        "namespace": NAMESPACE,
        "httpsAddr": f"{LOOPBACK}:{ports.webhooks}",
        "secureGRPCAddr": f"{LOOPBACK}:{ports.discovery}",
        "grpcAddr": f"{LOOPBACK}:{ports.plain_discovery}",
        "httpAddr": f"{LOOPBACK}:{ports.status}",
        "monitoringAddr": f"{LOOPBACK}:{ports.monitoring}",
        "ctrlz_address": LOOPBACK,
        "ctrlz_port": ports.introspection,
        # A file would go before the cluster's ConfigMap, and these are looked for where it happens to be started.
        "meshConfig": folder / "none",
        "networksConfig": folder / "none",
    }
    environment = {
        "CLUSTER_ID": spec.cluster,
        "REVISION": spec.revision,
        "POD_NAMESPACE": NAMESPACE,
        # One that was killed leads on at once: it is the same to whom the lease was given.
        "POD_NAME": f"istiod-{folder.name}",
        "ROOT_CA_DIR": str(folder / CERTIFICATES),
        "ISTIOD_CUSTOM_HOST": HOST,
        "INJECTION_WEBHOOK_CONFIG_NAME": _with_revision("istio-sidecar-injector", spec.revision),
        "VALIDATION_WEBHOOK_CONFIG_NAME": f"{_with_revision('istio-validator', spec.revision)}-{NAMESPACE}",
        **_WITHOUT_OWN_FILTERS,
    }
    return Program(
        name=ISTIOD,
        command=[str(find(ISTIOD)), "discovery", *(f"--{flag}={value}" for flag, value in flags.items())],
        environment={**environment, **spec.environment},
    )


def _with_revision(name: str, revision: str) -> str:
    return name if revision == "default" else f"{name}-{revision}"
