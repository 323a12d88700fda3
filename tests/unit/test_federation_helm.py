"""A Karmada control plane by its chart, with Pulumi's mocks in place of an engine, which make real certificates."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks

from components.federation.helm import HelmKarmada, HelmKarmadaArgs
from stacks.federation import FailoverSettings
from tests.unit.karmada_chart_samples import ARGUMENTS, settings
from tests.unit.pki_samples import START, make

FAILOVER = FailoverSettings()
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = {_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"}


def plain(value: Any) -> Any:  # noqa: ANN401
    """A value without the marks of what is secret in it."""
    if isinstance(value, dict):
        return plain(value["value"]) if _SIGNATURE in value else {key: plain(part) for key, part in value.items()}
    return value


@dataclass
class Recorder(Mocks):
    """Answers for the engine, with the provider `pki` itself, and keeps what it was asked to create."""

    created: list[MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.created.append(args)
        if args.typ != "pki:index:Certificate":
            return f"{args.name}-id", args.inputs
        outputs = make(plain(args.inputs))
        return f"{args.name}-id", {**outputs, "privateKey": {**_SECRET, "value": outputs["privateKey"]}}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"nothing is to be called, but {args.token} was")

    def inputs(self, kind: str, name: str) -> dict[str, Any]:
        """The inputs of the resource of a type with a name; what is secret in them is marked."""
        (found,) = [each for each in self.created if (each.typ, each.name) == (kind, f"lab-karmada-{name}")]
        inputs: dict[str, Any] = found.inputs
        return inputs


@dataclass
class StandIn:
    """A cluster as far as the control plane knows one."""

    provider: pulumi.ProviderResource
    resource: pulumi.Resource


@dataclass
class Made:
    """What came of it."""

    recorder: Recorder
    options: dict[str, pulumi.ResourceOptions]
    kubeconfig: dict[str, Any]
    kubeconfig_is_secret: bool
    server: str
    ca: bytes
    issuer_of_clients: str


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    recorder = Recorder()
    set_mocks(recorder, project="fleet", stack="lab")
    options: dict[str, pulumi.ResourceOptions] = {}
    found: list[Made] = []

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        options[args.name] = args.opts

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        manager = StandIn(
            pulumi.ProviderResource("kubernetes", "lab-manager-kubernetes", {}),
            pulumi.ComponentResource("t:m:C", "lab-manager"),
        )
        karmada = HelmKarmada(
            "lab-karmada",
            HelmKarmadaArgs(cluster=manager, chart=settings(), failover=FAILOVER, arguments=ARGUMENTS),  # type: ignore[arg-type]
            pulumi.ResourceOptions(transformations=[see]),
        )

        def keep(parts: list[Any]) -> None:
            text, server, ca, secret, issuer = parts
            found.append(Made(recorder, options, json.loads(text), secret, server, b64decode(ca), issuer))

        secret: pulumi.Output[bool] = pulumi.Output.from_input(karmada.kubeconfig.is_secret())
        plain = pulumi.Output.unsecret(karmada.kubeconfig)
        return pulumi.Output.all(
            plain, karmada.server, karmada.ca_data, secret, karmada.client_issuer.certificate
        ).apply(keep)

    run()
    (result,) = found
    yield result
    set_mocks(Recorder())


def test_the_kubeconfig_is_secret_and_its_client_is_the_server_authority_s(made: Made) -> None:
    assert made.kubeconfig_is_secret
    assert made.kubeconfig["current-context"] == "lab-karmada"
    (context,), (cluster,), (user,) = (made.kubeconfig[key] for key in ("contexts", "clusters", "users"))
    assert context == {"name": "lab-karmada", "context": {"cluster": cluster["name"], "user": user["name"]}}
    assert cluster["cluster"]["server"] == made.server == "https://karmada.example.com:5443"
    assert b64decode(cluster["cluster"]["certificate-authority-data"]) == made.ca
    ca = x509.load_pem_x509_certificate(made.ca)
    client = x509.load_pem_x509_certificate(b64decode(user["user"]["client-certificate-data"]))
    client.verify_directly_issued_by(ca)
    assert client.subject.rfc4514_string() == "CN=fleet:administrator,O=system:masters"
    assert b64decode(user["user"]["client-key-data"]).startswith(b"-----BEGIN EC PRIVATE KEY-----")


def test_the_release_is_the_pinned_chart_with_the_program_s_certificates(made: Made) -> None:
    release = plain(made.recorder.inputs("kubernetes:helm.sh/v3:Release", "release"))
    assert (release["name"], release["namespace"], release["chart"]) == ("karmada", "karmada-system", "karmada")
    assert release["version"] == "1.18.2"
    assert release["repositoryOpts"]["repo"].startswith("https://")
    assert release["postrender"] == "components/federation/post-renderer"
    certificates = release["values"]["certs"]["custom"]
    assert certificates["caCrt"].encode() == made.ca
    server = x509.load_pem_x509_certificate(certificates["crt"].encode())
    ca = x509.load_pem_x509_certificate(made.ca)
    verifier = PolicyBuilder().store(Store([ca])).time(START)
    verifier.build_server_verifier(x509.DNSName("karmada.example.com")).verify(server, [])


def test_what_has_keys_in_it_is_secret(made: Made) -> None:
    assert _SIGNATURE in made.recorder.inputs("kubernetes:helm.sh/v3:Release", "release")["values"]
    secret = made.recorder.inputs("kubernetes:core/v1:Secret", "etcd-member")["stringData"]
    assert _SIGNATURE in secret or _SIGNATURE in secret["tls.key"]


def test_the_load_balancer_lets_only_the_ranges_in_and_has_its_address(made: Made) -> None:
    spec = plain(made.recorder.inputs("kubernetes:core/v1:Service", "load-balancer"))["spec"]
    assert spec["type"] == "LoadBalancer"
    assert spec["loadBalancerSourceRanges"] == ["198.51.100.0/24"]
    assert spec["loadBalancerIP"] == "203.0.113.10"
    assert spec["selector"] == {"app": "kube-apiserver"}
    assert spec["ports"] == [{"name": "https", "port": 5443, "targetPort": 5443}]


def test_etcd_s_members_verify_each_other_by_an_authority_of_their_own(made: Made) -> None:
    secret = plain(made.recorder.inputs("kubernetes:core/v1:Secret", "etcd-member"))["stringData"]
    member, ca = (x509.load_pem_x509_certificate(secret[key].encode()) for key in ("tls.crt", "ca.crt"))
    verifier = PolicyBuilder().store(Store([ca])).time(START)
    for number in range(3):
        host = x509.DNSName(f"etcd-{number}.etcd.karmada-system.svc.cluster.local")
        verifier.build_server_verifier(host).verify(member, [])
    verifier.build_client_verifier().verify(member, [])
    values = plain(made.recorder.inputs("kubernetes:helm.sh/v3:Release", "release"))["values"]
    external = values["etcd"]["external"]["certs"]
    assert external["caCrt"] == secret["ca.crt"]
    x509.load_pem_x509_certificate(external["crt"].encode()).verify_directly_issued_by(ca)
    assert secret["ca.crt"].encode() != made.ca


def test_all_of_it_goes_with_the_manager_s_cluster(made: Made) -> None:
    inside = [each for each in made.recorder.created if each.typ.startswith("kubernetes:")]
    assert len(inside) == 11
    for each in inside:
        assert "::lab-manager-kubernetes::" in (each.provider or "")
        cluster = made.options[each.name].deleted_with
        assert isinstance(cluster, pulumi.ComponentResource)
        assert cluster._name == "lab-manager"


def test_replicas_come_home_by_a_pod_with_the_chart_s_kubeconfig(made: Made) -> None:
    config_map, account, deployment = (
        plain(made.recorder.inputs(f"kubernetes:{kind}", f"come-home-{name}"))
        for kind, name in (
            ("core/v1:ConfigMap", "configmap"),
            ("core/v1:ServiceAccount", "serviceaccount"),
            ("apps/v1:Deployment", "deployment"),
        )
    )
    assert {each["metadata"]["namespace"] for each in (config_map, account, deployment)} == {"karmada-system"}
    assert list(config_map["data"]) == ["come_home.sh"]
    pod = deployment["spec"]["template"]["spec"]
    assert [each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each] == ["karmada-kubeconfig"]
    assert pod["containers"][0]["image"] == "docker.io/alpine/k8s:1.35.4"


def test_agents_are_signed_by_the_authority_that_the_api_server_believes(made: Made) -> None:
    assert made.issuer_of_clients.encode() == made.ca


def test_no_certificate_is_renewed_only_when_it_is_too_late(made: Made) -> None:
    certificates = [plain(each.inputs) for each in made.recorder.created if each.typ == "pki:index:Certificate"]
    assert len(certificates) == 8
    for each in certificates:
        assert each["renewBeforeHours"] >= each["validityHours"] / 5
    authorities = [each for each in certificates if each["isCertificateAuthority"]]
    longest = max(each["validityHours"] for each in certificates if not each["isCertificateAuthority"])
    assert all(each["renewBeforeHours"] >= longest for each in authorities)


def test_flags_for_a_program_that_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="the chart has no karmada-search"):
        HelmKarmadaArgs(cluster=object(), chart=settings(), failover=FAILOVER, arguments={"karmada-search": ["--v=4"]})  # type: ignore[arg-type]
