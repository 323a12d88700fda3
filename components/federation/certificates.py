"""The certificates of a Karmada control plane by its chart, and who signs them.

Three authorities, because each is believed for something else: Karmada's says who its servers and users are, the front
proxy's who may speak for any user (it must not be the former: Kubernetes' documentation, "Configure the aggregation
layer"), and etcd's who may read and write everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from components.federation.chart import DOMAIN, NAMESPACE, ChartCertificates, Pem, server_names
from components.federation.etcd import host_names
from providers.pki import Certificate, CertificateArgs, Usage
from stacks.karmada_chart import KarmadaChart

_YEAR_HOURS = 365 * 24
_ADMINISTRATORS = ("system:masters",)


@dataclass(frozen=True, kw_only=True)
class KarmadaCertificatesArgs:
    """The settings of the control plane that the certificates are for."""

    chart: KarmadaChart


class KarmadaCertificates(pulumi.ComponentResource):
    """Certificates for a year each, renewed by any `up` in the last quarter of it; their authorities' last ten."""

    ca: Certificate
    administrator: Certificate
    """What the fleet's kubeconfig has in it."""
    etcd_ca: Certificate
    etcd_member: Certificate
    """Of every member, as a server, and as a client of the others."""
    for_chart: pulumi.Output[ChartCertificates]
    """What the chart's values have in them; a secret."""

    def __init__(self, name: str, args: KarmadaCertificatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:federation:Certificates", name, None, opts)
        self.ca = self._authority(f"{name}-ca", "karmada")
        self.etcd_ca = self._authority(f"{name}-etcd-ca", "etcd")
        front_proxy_ca = self._authority(f"{name}-front-proxy-ca", "front-proxy")
        addresses = ["127.0.0.1", *filter(None, [args.chart.address])]
        server = self._leaf(
            f"{name}-server",
            self.ca,
            common_name="system:admin",
            organizations=_ADMINISTRATORS,
            dns_names=server_names(args.chart.hostname),
            ip_addresses=addresses,
            usages=(Usage.SERVER, Usage.CLIENT),
        )
        self.administrator = self._leaf(
            f"{name}-administrator", self.ca, common_name="fleet:administrator", organizations=_ADMINISTRATORS
        )
        front_proxy = self._leaf(f"{name}-front-proxy", front_proxy_ca, common_name="front-proxy-client")
        etcd_client = self._leaf(f"{name}-etcd-client", self.etcd_ca, common_name="karmada-apiserver")
        self.etcd_member = self._leaf(
            f"{name}-etcd-member",
            self.etcd_ca,
            common_name="etcd",
            dns_names=[*host_names(NAMESPACE, DOMAIN), f"etcd-client.{NAMESPACE}.svc.{DOMAIN}", "localhost"],
            ip_addresses=["127.0.0.1"],
            usages=(Usage.SERVER, Usage.CLIENT),
        )
        self.for_chart = pulumi.Output.all(
            ca=_pem(self.ca),
            server=_pem(server),
            front_proxy_ca=front_proxy_ca.certificate,
            front_proxy_client=_pem(front_proxy),
            etcd_ca=self.etcd_ca.certificate,
            etcd_client=_pem(etcd_client),
        ).apply(lambda parts: ChartCertificates(**parts))
        self.register_outputs({})

    def _authority(self, name: str, common_name: str) -> Certificate:
        args = CertificateArgs(
            common_name=common_name,
            is_certificate_authority=True,
            path_length=0,
            validity_hours=10 * _YEAR_HOURS,
            renew_before_hours=2 * _YEAR_HOURS,
        )
        return Certificate(name, args, pulumi.ResourceOptions(parent=self))

    def _leaf(self, name: str, issuer: Certificate, **what: Any) -> Certificate:  # noqa: ANN401
        args = CertificateArgs(
            issuer=issuer.as_issuer,
            validity_hours=_YEAR_HOURS,
            renew_before_hours=_YEAR_HOURS // 4,
            **{"usages": (Usage.CLIENT,), **what},
        )
        return Certificate(name, args, pulumi.ResourceOptions(parent=self))


def _pem(certificate: Certificate) -> pulumi.Output[Pem]:
    return pulumi.Output.all(certificate=certificate.certificate, private_key=certificate.private_key).apply(
        lambda parts: Pem(**parts)
    )
