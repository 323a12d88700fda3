"""The etcd of a Karmada control plane: its manifests come up, keep their data and let nobody in."""

from __future__ import annotations

from typing import Any

import pytest

from components.federation.etcd import MEMBERS, client_urls, etcd_manifests, host_names
from tests.unit.karmada_chart_samples import settings


def _made(**changes: Any) -> dict[tuple[str, str], dict[str, Any]]:  # noqa: ANN401
    made = etcd_manifests(settings(**changes), namespace="karmada-system", domain="cluster.local", certificates="abc")
    return {(each["kind"], each["metadata"]["name"]): each for each in made}


@pytest.fixture
def members() -> dict[str, Any]:
    spec: dict[str, Any] = _made()["StatefulSet", "etcd"]["spec"]
    return spec


def _flags(members: dict[str, Any]) -> dict[str, str]:
    command = members["template"]["spec"]["containers"][0]["command"]
    return dict(flag.removeprefix("--").split("=", 1) for flag in command[1:])


def test_three_members_each_on_a_volume_of_the_settings_storage(members: dict[str, Any]) -> None:
    assert members["replicas"] == MEMBERS == 3
    (claim,) = members["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "ssd"
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    container = members["template"]["spec"]["containers"][0]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert _flags(members)["data-dir"].startswith(f"{mounts[claim['metadata']['name']]}/")


def test_no_two_members_share_a_node_and_a_drain_takes_one_at_a_time(members: dict[str, Any]) -> None:
    labels = members["template"]["metadata"]["labels"]
    required = members["template"]["spec"]["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert required == [{"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}]
    budget = _made()["PodDisruptionBudget", "etcd"]["spec"]
    assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": labels}}


def test_members_start_together_and_find_each_other_before_one_is_ready(members: dict[str, Any]) -> None:
    headless = _made()["Service", "etcd"]["spec"]
    assert members["podManagementPolicy"] == "Parallel"
    assert headless["publishNotReadyAddresses"]
    assert headless["clusterIP"] == "None"
    assert members["serviceName"] == "etcd"
    urls = dict(part.split("=") for part in _flags(members)["initial-cluster"].split(","))
    hosts = host_names("karmada-system", "cluster.local")
    assert urls == {f"etcd-{number}": f"https://{host}:2380" for number, host in enumerate(hosts)}
    own = _flags(members)["initial-advertise-peer-urls"]
    assert [own.replace("$(POD_NAME)", name) for name in urls] == list(urls.values())
    assert client_urls("karmada-system", "cluster.local") == ",".join(f"https://{host}:2379" for host in hosts)


def test_clients_and_members_prove_who_they_are(members: dict[str, Any]) -> None:
    flags = _flags(members)
    assert flags["client-cert-auth"] == flags["peer-client-cert-auth"] == "true"
    assert flags["trusted-ca-file"] == flags["peer-trusted-ca-file"]
    for name in ("listen-peer-urls", "listen-client-urls", "advertise-client-urls"):
        assert flags[name].startswith("https://")


def test_the_chart_waits_for_the_service_it_looks_for() -> None:
    service = _made()["Service", "etcd-client"]["spec"]
    assert service["ports"] == [{"name": "client", "port": 2379}]
    assert "clusterIP" not in service


def test_it_runs_without_rights_and_from_the_settings_registry(members: dict[str, Any]) -> None:
    pod = members["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["image"] == "registry.k8s.io/etcd:3.6.6-0"
    mirrored = _made(registry="registry.example.com")["StatefulSet", "etcd"]["spec"]["template"]["spec"]
    assert mirrored["containers"][0]["image"] == "registry.example.com/etcd:3.6.6-0"


def test_another_authority_starts_the_members_anew(members: dict[str, Any]) -> None:
    assert members["template"]["metadata"]["annotations"] == {"fleet/certificates": "abc"}
