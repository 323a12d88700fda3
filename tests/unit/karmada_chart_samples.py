"""A Karmada control plane for tests of its chart: settings, real certificates, flags of its programs."""

from __future__ import annotations

from typing import Any

from components.federation.chart import ChartCertificates, Pem, server_names
from providers.kind import Values
from stacks.karmada_chart import KarmadaChart
from tests.unit.pki_samples import authority, inputs, issuer, make

ARGUMENTS = {
    "karmada-controller-manager": [
        "--feature-gates=Failover=true",
        "--enable-no-execute-taint-eviction=true",
        "--resource-eviction-rate=200",
        "--cluster-failure-threshold=10s",
        "--cluster-monitor-grace-period=20s",
        "--cluster-monitor-period=3s",
        "--cluster-status-update-frequency=5s",
    ],
    "karmada-scheduler": ["--kube-api-qps=1000", "--kube-api-burst=2000"],
    "karmada-webhook": ["--allow-no-execute-taint-policy=true"],
}


def settings(**changes: Any) -> KarmadaChart:  # noqa: ANN401
    """Settings as the stack file has them, with the changes."""
    fields = {
        "hostname": "karmada.example.com",
        "address": "203.0.113.10",
        "sourceRanges": ["198.51.100.0/24"],
        "storageClass": "ssd",
        "storageSize": "20Gi",
    }
    return KarmadaChart.model_validate(fields | changes)


def certificates() -> ChartCertificates:
    """Certificates with all that is said of them in the component, but made at a time of the tests."""
    ca, front_proxy_ca, etcd_ca = (make(authority(commonName=name)) for name in ("karmada", "front-proxy", "etcd"))
    server = inputs(
        commonName="system:admin",
        organizations=["system:masters"],
        dnsNames=server_names("karmada.example.com"),
        ipAddresses=["127.0.0.1", "203.0.113.10"],
        usages=["server", "client"],
        issuer=issuer(ca),
    )
    client = inputs(dnsNames=[], usages=["client"])
    return ChartCertificates(
        ca=_pem(ca),
        server=_pem(make(server)),
        front_proxy_ca=front_proxy_ca["certificate"],
        front_proxy_client=_pem(make(client | {"commonName": "front-proxy-client", "issuer": issuer(front_proxy_ca)})),
        etcd_ca=etcd_ca["certificate"],
        etcd_client=_pem(make(client | {"commonName": "karmada-apiserver", "issuer": issuer(etcd_ca)})),
    )


def _pem(outputs: Values) -> Pem:
    return Pem(certificate=outputs["certificate"], private_key=outputs["privateKey"])
