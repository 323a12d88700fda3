"""The real Karmada chart with the program's values is a control plane that lasts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from components.federation.chart import API_SERVER
from components.federation.etcd import client_urls
from tests.charts.conftest import Rendered, render
from tests.unit.pki_samples import START

_DEPLOYMENTS = {
    "karmada-aggregated-apiserver",
    "karmada-apiserver",
    "karmada-controller-manager",
    "karmada-kube-controller-manager",
    "karmada-metrics-adapter",
    "karmada-scheduler",
    "karmada-webhook",
}


def _containers(rendered: Rendered) -> Iterator[dict[str, Any]]:
    for each in rendered.all("Deployment", "StatefulSet", "Job", "DaemonSet", "CronJob", "Pod"):
        pod = each["spec"]["template"]["spec"]
        yield from [*pod["containers"], *pod.get("initContainers", [])]


def test_every_component_survives_the_loss_of_a_node_and_two_take_turns_at_a_drain(rendered: Rendered) -> None:
    deployments = rendered.all("Deployment")
    assert {each["metadata"]["name"] for each in deployments} == _DEPLOYMENTS
    for each in deployments:
        spec, labels = each["spec"], each["spec"]["template"]["metadata"]["labels"]
        assert spec["replicas"] == 3
        (term,) = spec["template"]["spec"]["affinity"]["podAntiAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        assert term["topologyKey"] == "kubernetes.io/hostname"
        assert term["labelSelector"]["matchLabels"].items() <= labels.items()
        assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
        budget = rendered.one("PodDisruptionBudget", each["metadata"]["name"])["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"].items() <= labels.items()


def test_every_image_is_of_one_version_for_ever(rendered: Rendered) -> None:
    images = {container["image"] for container in _containers(rendered)}
    assert len(images) == 8
    for image in images:
        assert re.fullmatch(r"[a-z.0-9]+/[-a-z0-9/]+:v?[0-9]+\.[0-9]+\.[0-9]+", image), image
    karmada = {image for image in images if "/karmada/" in image}
    assert len(karmada) == 5
    assert all(image.endswith(":v1.18.2") for image in karmada)


def test_all_images_come_from_the_registry_of_the_settings(chart: Path) -> None:
    images = {container["image"] for container in _containers(render(chart, registry="registry.example.com/mirror"))}
    assert all(image.startswith("registry.example.com/mirror/") for image in images)


def test_what_waits_for_a_version_waits_for_the_one_that_comes(rendered: Rendered) -> None:
    (job,) = rendered.all("Job")
    assert "karmadaVersion: v1.18.2" in job["spec"]["template"]["spec"]["containers"][0]["command"][2]
    wait = rendered.one("Deployment", "karmada-scheduler")["spec"]["template"]["spec"]["initContainers"][0]
    assert "!= v1.18.2 " in wait["command"][2]


def test_certificates_are_the_program_s_and_no_job_makes_any(rendered: Rendered) -> None:
    assert {job["metadata"]["name"] for job in rendered.all("Job")} == {"karmada-static-resource"}
    pem = rendered.secret("karmada-cert")
    server = x509.load_pem_x509_certificate(pem["karmada.crt"].encode())
    ca = x509.load_pem_x509_certificate(pem["server-ca.crt"].encode())
    assert rendered.secret("karmada-webhook-cert") == {"tls.crt": pem["karmada.crt"], "tls.key": pem["karmada.key"]}
    names = ["karmada.example.com", "kubernetes.default.svc", "localhost"]
    for service in ("apiserver", "aggregated-apiserver", "webhook", "metrics-adapter"):
        assert rendered.one("Service", f"karmada-{service}")
        names += [f"karmada-{service}.karmada-system.svc", f"karmada-{service}.karmada-system.svc.cluster.local"]
    policy = PolicyBuilder().store(Store([ca])).time(START)
    for name in names:
        policy.build_server_verifier(x509.DNSName(name)).verify(server, [])
    for address in ("127.0.0.1", "203.0.113.10"):
        policy.build_server_verifier(x509.IPAddress(ip_address(address))).verify(server, [])
    policy.build_client_verifier().verify(server, [])

    kubeconfig = yaml.safe_load(rendered.one("Secret", "karmada-kubeconfig")["stringData"]["kubeconfig"])
    url = kubeconfig["clusters"][0]["cluster"]["server"]
    assert url.removeprefix("https://").removesuffix(":5443") in names


def test_the_front_proxy_is_the_client_that_is_allowed(rendered: Rendered) -> None:
    pem = rendered.secret("karmada-cert")
    client = x509.load_pem_x509_certificate(pem["front-proxy-client.crt"].encode())
    ca = x509.load_pem_x509_certificate(pem["front-proxy-ca.crt"].encode())
    client.verify_directly_issued_by(ca)
    assert client.subject.rfc4514_string() == "CN=front-proxy-client"
    assert "--requestheader-allowed-names=front-proxy-client" in rendered.command("karmada-apiserver")


def test_etcd_is_the_one_with_three_members_and_their_own_authority(rendered: Rendered) -> None:
    assert rendered.all("StatefulSet") == []
    assert rendered.all("PersistentVolumeClaim") == []
    servers = f"--etcd-servers={client_urls('karmada-system', 'cluster.local')}"
    for deployment in ("karmada-apiserver", "karmada-aggregated-apiserver"):
        assert servers in rendered.command(deployment)
        assert "--etcd-cafile=/etc/etcd/pki/ca.crt" in rendered.command(deployment)
    pem = rendered.secret("karmada-external-etcd-cert")
    client, ca = (x509.load_pem_x509_certificate(pem[key].encode()) for key in ("tls.crt", "ca.crt"))
    client.verify_directly_issued_by(ca)
    assert pem["ca.crt"] != rendered.secret("karmada-cert")["server-ca.crt"]


def test_no_workload_is_reached_from_outside_but_by_the_program_s_own_service(rendered: Rendered) -> None:
    assert {each["spec"].get("type", "ClusterIP") for each in rendered.all("Service")} == {"ClusterIP"}
    labels = rendered.one("Deployment", "karmada-apiserver")["spec"]["template"]["metadata"]["labels"]
    assert labels["app"] == API_SERVER


def test_failover_is_on_with_its_thresholds(rendered: Rendered) -> None:
    command = rendered.command("karmada-controller-manager")
    assert [flag for flag in command if flag.startswith("--feature-gates=")] == [
        "--feature-gates=PropagateDeps=true",
        "--feature-gates=Failover=true",
    ]
    last = dict(flag.removeprefix("--").split("=", 1) for flag in command[1:])
    assert last["enable-no-execute-taint-eviction"] == "true"
    assert last["cluster-failure-threshold"] == "10s"
    # The chart has this one too, before it; the last one counts.
    assert last["cluster-status-update-frequency"] == "5s"


def test_webhook_and_scheduler_get_the_flags_that_the_chart_has_no_value_for(rendered: Rendered) -> None:
    webhook, scheduler = rendered.command("karmada-webhook"), rendered.command("karmada-scheduler")
    assert webhook[0] == "/bin/karmada-webhook"
    assert webhook[-1] == "--allow-no-execute-taint-policy=true"
    assert scheduler[-2:] == ["--kube-api-qps=1000", "--kube-api-burst=2000"]


def test_pods_start_anew_with_new_certificates(chart: Path, rendered: Rendered) -> None:
    def fingerprints(of: Rendered) -> set[str]:
        pods = [each["spec"]["template"] for each in of.all("Deployment")]
        return {pod["metadata"]["annotations"]["fleet/certificates"] for pod in pods}

    assert len(fingerprints(rendered)) == 1
    assert fingerprints(rendered) != fingerprints(render(chart))


@pytest.mark.parametrize("wrong", ["latest", "XXXX"])
def test_nothing_is_left_of_the_chart_s_placeholders(rendered: Rendered, wrong: str) -> None:
    assert wrong not in yaml.safe_dump([each for each in rendered.objects if each["kind"] != "ConfigMap"])


def test_metrics_of_the_members_are_served_for_autoscalers(rendered: Rendered) -> None:
    texts = (text for each in rendered.all("ConfigMap") for text in each["data"].values() if "kind: APIService" in text)
    services = [each for text in texts for each in yaml.safe_load_all(text.replace("{{ca_crt}}", "")) if each]
    adapter = {
        each["metadata"]["name"]
        for each in services
        if each["kind"] == "APIService" and each["spec"].get("service", {}).get("name") == "karmada-metrics-adapter"
    }
    assert {"v1beta1.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io"} <= adapter
