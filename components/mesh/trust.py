"""The mesh's trust: a root CA, an intermediate CA of each region below it, and the Secret that istiod signs with.

istiod reads the Secret `cacerts` when it starts, and each time that it changes. A change of roots it takes at run time
only where one set of them contains the other, and with `ISTIO_MULTIROOT_MESH` (`handleEvent` in Istio's
pilot/pkg/bootstrap/istio_ca.go): hence the steps by which a root takes another's place, and that a root is never
renewed. docs/mesh.md tells the steps.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.mesh.names import NAMESPACE
from providers.pki import Certificate, CertificateArgs, KeyAlgorithm
from stacks.regional_mesh import RegionalMeshSettings
from stacks.trust import ProvidedAuthority, TrustSettings

SECRET = "cacerts"  # noqa: S105 - its name
_DAY_HOURS = 24


@dataclass(frozen=True)
class SigningAuthority:
    """What one istiod signs with, in PEM: `chain` is its certificate and those above it, without the root."""

    certificate: pulumi.Input[str]
    private_key: pulumi.Input[str]
    chain: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class TrustArgs:
    """The settings of the trust, and of each region its settings in the mesh, cluster, and namespace `istio-system`."""

    settings: TrustSettings
    regions: Mapping[str, RegionalMeshSettings]
    clusters: Mapping[str, Cluster]
    namespaces: Mapping[str, pulumi.Resource]

    def __post_init__(self) -> None:
        for what, given in (("cluster", self.clusters), ("namespace", self.namespaces)):
            if missing := self.regions.keys() - given.keys():
                raise ValueError(f"there is no {what} for {', '.join(sorted(missing))}")


class Trust(pulumi.ComponentResource):
    """Roots, intermediates, and `cacerts` in each region. With an external authority there is nothing to make."""

    roots: pulumi.Output[str]
    """Certificates of all roots that are trusted, in PEM, the one that signs first; empty for an external authority."""
    cacerts: Mapping[str, kubernetes.core.v1.Secret]
    """What istiod signs with, by region; it has to be there before istiod is."""
    files: Mapping[str, pulumi.Output[dict[str, str]]]
    """The same as files in PEM by name, by region; a secret."""

    def __init__(self, name: str, args: TrustArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:mesh:Trust", name, None, opts)
        self._name, self._args = name, args
        self.roots = pulumi.Output.from_input("")
        authorities: Mapping[str, SigningAuthority] = {}
        if provided := args.settings.provided:
            self.roots = pulumi.Output.from_input(provided.roots)
            authorities = {region: _signing(provided.regions[region]) for region in args.regions}
        elif args.settings.is_made_here:
            roots = [self._root(number) for number in args.settings.roots]
            self.roots = pulumi.Output.all(*(root.certificate for root in roots)).apply("".join)
            authorities = {region: self._intermediate(region, roots[0]) for region in args.regions}
        self.files = {region: self._files(authority) for region, authority in authorities.items()}
        self.cacerts = {region: self._secret(region, files) for region, files in self.files.items()}
        self.register_outputs({"roots": self.roots})

    def _root(self, number: int) -> Certificate:
        args = CertificateArgs(
            common_name=f"{self._name} root {number}",
            is_certificate_authority=True,
            path_length=1,
            key_algorithm=KeyAlgorithm.ECDSA_P384,
            validity_hours=self._args.settings.root_days * _DAY_HOURS,
            renew_before_hours=0,
        )
        return Certificate(f"{self._name}-root-{number}", args, pulumi.ResourceOptions(parent=self))

    def _intermediate(self, region: str, root: Certificate) -> SigningAuthority:
        settings = self._args.settings
        number = self._args.regions[region].intermediate or settings.intermediate
        hours = settings.intermediate_days * _DAY_HOURS
        args = CertificateArgs(
            common_name=f"{self._args.clusters[region].name} CA {number}",
            is_certificate_authority=True,
            path_length=0,
            validity_hours=hours,
            renew_before_hours=hours // 3,
            issuer=root.as_issuer,
        )
        name = f"{self._name}-{region}-intermediate-{number}"
        made = Certificate(name, args, pulumi.ResourceOptions(parent=self))
        return SigningAuthority(made.certificate, made.private_key, made.chain)

    def _files(self, authority: SigningAuthority) -> pulumi.Output[dict[str, str]]:
        files = pulumi.Output.all(authority.certificate, authority.private_key, self.roots, authority.chain).apply(
            lambda parts: dict(
                zip(("ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"), parts, strict=True)
            )
        )
        return pulumi.Output.secret(files)

    def _secret(self, region: str, files: pulumi.Output[dict[str, str]]) -> kubernetes.core.v1.Secret:
        cluster, namespace = self._args.clusters[region], self._args.namespaces[region]
        return kubernetes.core.v1.Secret(
            f"{self._name}-{region}-{SECRET}",
            metadata={"name": SECRET, "namespace": NAMESPACE},
            data=files.apply(_encoded),
            opts=pulumi.ResourceOptions(
                parent=self, provider=cluster.provider, deleted_with=cluster.resource, depends_on=[namespace]
            ),
        )


def _signing(authority: ProvidedAuthority) -> SigningAuthority:
    key = authority.private_key.text
    if key is None:
        raise ValueError("a provided private key is still encrypted; only a program that Pulumi runs can use it")
    chain = authority.certificate + (authority.chain or "")
    return SigningAuthority(authority.certificate, pulumi.Output.secret(key), chain)


def _encoded(files: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
