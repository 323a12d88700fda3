"""A Karmada control plane in the manager's cluster, by Karmada's official Helm chart: for clouds, and for kind.

It is a `helm.v3.Release` and no `Chart`, because the chart has hooks. `chart.py` has the chart's values, and tells what
is done where the chart has no value for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.federation.certificates import KarmadaCertificates, KarmadaCertificatesArgs
from components.federation.chart import (
    API_SERVER,
    DOMAIN,
    KUBECONFIG,
    NAMESPACE,
    PORT,
    POST_RENDERER,
    PROGRAMS,
    RELEASE,
    TOOLS,
    VERSION,
    chart_values,
    image,
)
from components.federation.come_home import come_home_manifests
from components.federation.control_plane import ControlPlane
from components.federation.etcd import etcd_manifests
from components.federation.kubeconfig import by_certificate, encoded, kubeconfig
from providers.pki import Issuer
from stacks.federation import FailoverSettings
from stacks.karmada_chart import KarmadaChart

_SECONDS = 900
_ETCD_CLASSES = {
    "Service": kubernetes.core.v1.Service,
    "PodDisruptionBudget": kubernetes.policy.v1.PodDisruptionBudget,
    "StatefulSet": kubernetes.apps.v1.StatefulSet,
}
_COME_HOME_TYPES = {
    "ConfigMap": "kubernetes:core/v1:ConfigMap",
    "ServiceAccount": "kubernetes:core/v1:ServiceAccount",
    "Deployment": "kubernetes:apps/v1:Deployment",
}


@dataclass(frozen=True, kw_only=True)
class HelmKarmadaArgs:
    """The manager's cluster, what the settings say of the control plane in it and of failover, and more flags.

    `arguments` has lists of flags by program, such as `karmada-controller-manager`, beyond those of the chart.
    """

    cluster: Cluster
    chart: KarmadaChart
    failover: FailoverSettings
    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := set(self.arguments) - PROGRAMS:
            raise ValueError(
                f"the chart has no {', '.join(sorted(unknown))} to give flags to, but {', '.join(sorted(PROGRAMS))}"
            )


class HelmKarmada(ControlPlane):
    """Karmada's control plane with three replicas of everything, reached by its own load balancer and host name.

    The host name leads nowhere until DNS has the load balancer's address: a static one (`chart.address`) can be there
    before, otherwise `address` tells it, and the Service is annotated for those who run external-dns.
    """

    address: pulumi.Output[str | None]
    """Address, or host name, that the cloud gave the load balancer."""

    def __init__(self, name: str, args: HelmKarmadaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Helm", name, opts)
        self._cluster, self._chart = args.cluster, args.chart
        certificates = KarmadaCertificates(
            f"{name}-certificates", KarmadaCertificatesArgs(chart=args.chart), pulumi.ResourceOptions(parent=self)
        )
        namespace = kubernetes.core.v1.Namespace(f"{name}-namespace", metadata={"name": NAMESPACE}, opts=self._inside())
        etcd = self._etcd(certificates, namespace)
        release = kubernetes.helm.v3.Release(
            f"{name}-release",
            name=RELEASE,
            namespace=NAMESPACE,
            chart="karmada",
            version=VERSION,
            repository_opts={"repo": args.chart.repository},
            values=certificates.for_chart.apply(lambda pem: chart_values(args.chart, pem, args.arguments)),
            postrender=POST_RENDERER,
            timeout=_SECONDS,
            opts=self._inside(*etcd),
        )
        service = self._load_balancer(release)
        self.address = service.status.apply(_first_address)
        if args.failover.enabled:
            self._come_home(args.failover, release)
        ca, administrator = certificates.ca, certificates.administrator
        self._ca = ca
        ca_data = ca.certificate.apply(encoded)
        # Nobody has the way in before there is one.
        server = service.id.apply(lambda _: f"https://{args.chart.hostname}:{PORT}")
        self.finish(
            resource=release,
            kubeconfig=pulumi.Output.all(
                server=server, ca_data=ca_data, crt=administrator.certificate, key=administrator.private_key
            ).apply(
                lambda parts: kubeconfig(
                    name,
                    server=parts["server"],
                    ca_data=parts["ca_data"],
                    user=by_certificate(certificate=parts["crt"], private_key=parts["key"]),
                )
            ),
            server=server,
            ca_data=ca_data,
            identifier=ca.id,
        )

    @property
    def client_issuer(self) -> Issuer:
        """As every control plane."""
        return self._ca.as_issuer

    def take_up(self, credentials: Mapping[str, pulumi.Input[str]], after: Sequence[pulumi.Resource]) -> None:
        """As every control plane: an annotation of the controllers' pods changes, and they are rolled."""
        annotations = {"fleet/credentials": pulumi.Output.json_dumps(credentials)}
        kubernetes.apps.v1.DeploymentPatch(
            f"{self.name}-credentials",
            metadata={"name": f"{RELEASE}-controller-manager", "namespace": NAMESPACE},
            spec={"template": {"metadata": {"annotations": annotations}}},
            opts=self._inside(*after),
        )

    def _inside(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of what is in the manager's cluster: it goes with it."""
        return pulumi.ResourceOptions(
            parent=self, provider=self._cluster.provider, deleted_with=self._cluster.resource, depends_on=list(after)
        )

    def _etcd(self, certificates: KarmadaCertificates, namespace: pulumi.Resource) -> list[pulumi.Resource]:
        secret = kubernetes.core.v1.Secret(
            f"{self.name}-etcd-member",
            metadata={"name": "etcd-member", "namespace": NAMESPACE},
            type="kubernetes.io/tls",
            string_data={
                "ca.crt": certificates.etcd_ca.certificate,
                "tls.crt": certificates.etcd_member.certificate,
                "tls.key": certificates.etcd_member.private_key,
            },
            opts=self._inside(namespace),
        )
        manifests = etcd_manifests(
            self._chart, namespace=NAMESPACE, domain=DOMAIN, certificates=certificates.etcd_ca.fingerprint
        )
        return [
            _ETCD_CLASSES[manifest["kind"]](
                f"{self.name}-{manifest['metadata']['name']}",
                metadata=manifest["metadata"],
                spec=manifest["spec"],
                opts=self._inside(namespace, secret),
            )
            for manifest in manifests
        ]

    def _come_home(self, failover: FailoverSettings, release: pulumi.Resource) -> None:
        """What brings replicas home when a region is back."""
        manifests = come_home_manifests(
            failover,
            namespace=NAMESPACE,
            kubeconfig_secret=KUBECONFIG,
            kubeconfig_key="kubeconfig",
            image=image(self._chart.registry, TOOLS["repository"], TOOLS["tag"]),
        )
        made: list[pulumi.Resource] = [release]
        for manifest in manifests:
            kind = manifest["kind"]
            # A manifest is what the resource's inputs are; its class wants them by other names.
            made.append(
                pulumi.CustomResource(
                    _COME_HOME_TYPES[kind], f"{self.name}-come-home-{kind.lower()}", manifest, self._inside(*made)
                )
            )

    def _load_balancer(self, release: pulumi.Resource) -> kubernetes.core.v1.Service:
        annotations = {"external-dns.alpha.kubernetes.io/hostname": self._chart.hostname}
        return kubernetes.core.v1.Service(
            f"{self.name}-load-balancer",
            metadata={
                "name": f"{RELEASE}-load-balancer",
                "namespace": NAMESPACE,
                "annotations": {**annotations, **self._chart.service_annotations},
            },
            spec={
                "type": "LoadBalancer",
                "load_balancer_ip": self._chart.address,
                "load_balancer_source_ranges": list(self._chart.source_ranges),
                "selector": {"app": API_SERVER},
                "ports": [{"name": "https", "port": PORT, "target_port": PORT}],
            },
            opts=self._inside(release),
        )


def _first_address(status: object) -> str | None:
    balancer = getattr(status, "load_balancer", None)
    for ingress in getattr(balancer, "ingress", None) or ():
        address: str | None = ingress.ip or ingress.hostname
        return address
    return None
