"""Three regions in one mesh: who knows whom, what is trusted, who gets a sidecar; on real clusters and real istiods."""

from __future__ import annotations

import http.client
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from kubernetes import client

from lab.cluster import lifecycle
from lab.istio import folders
from lab.istio.ports import Ports
from tests.fleet.clone import Clone, eventually, fresh_clone
from tests.fleet.cluster import expected, reach
from tests.fleet.settings import region, tenant

_REGIONS = ("na", "eu", "sea")
_SYSTEM = "istio-system"
_SECONDS = 90


def _settings() -> dict[str, Any]:
    shop = tenant("shop", mesh={"grants": [{"tenant": "search"}]})
    return {
        "regions": {
            "na": region(1, "us-east-1"),
            "eu": region(2, "eu-west-1"),
            "sea": region(3, "ap-southeast-1"),
        },
        "manager": region(9),
        "federation": {"placements": {"even": {"strategy": "even"}}},
        "tenants": [shop, tenant("search"), tenant("plain", mesh={"enabled": False})],
    }


@dataclass(frozen=True)
class Mesh:
    """A clone whose fleet is up, and what tests ask of its mesh."""

    clone: Clone

    def ask(self, region: str, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What a region's istiod answers at its debug address; None while it does not."""
        ports = Ports.read(folders.of_identity(self.clone.root, f".fleet/stacks/lab/lab-{region}"))
        assert ports is not None
        try:
            connection = http.client.HTTPConnection("127.0.0.1", ports.monitoring, timeout=10)
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def peers(self, region: str) -> dict[str, str]:
        """The clusters that a region's istiod knows, each with how far it is with it."""
        return {each["id"]: each["syncStatus"] for each in self.ask(region, "/debug/clusterz") or []}

    def core(self, region: str) -> client.CoreV1Api:
        """The API of a region."""
        return reach(self.clone, region).core

    def cacerts(self, region: str) -> dict[str, list[x509.Certificate]]:
        """The certificates that a region's istiod signs with, by file."""
        data = self.core(region).read_namespaced_secret("cacerts", _SYSTEM).data
        return {
            name: x509.load_pem_x509_certificates(b64decode(text)) for name, text in data.items() if "key" not in name
        }

    def trusted(self, region: str, namespace: str) -> set[bytes]:
        """The roots that proxies of a namespace are told to trust."""
        told = self.core(region).read_namespaced_config_map("istio-ca-root-cert", namespace).data["root-cert.pem"]
        return {each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(told.encode())}

    def expect_all_synced(self) -> None:
        """Wait until every region's istiod knows all regions."""
        eventually(lambda: all(self.peers(each) == _ALL_SYNCED for each in _REGIONS), _SECONDS)

    def expect_trusted(self, roots: set[bytes]) -> None:
        """Wait until proxies in every region are told to trust these roots and no others."""
        eventually(lambda: all(self.trusted(each, "shop") == roots for each in _REGIONS), _SECONDS)

    def set(self, **mesh: object) -> None:
        """Give the stack file other settings of the mesh, and apply them."""
        settings = yaml.safe_load(self.clone.stack_file.read_text())
        settings["config"]["fleet:mesh"] = mesh
        self.clone.stack_file.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.clone.fleet("up").check()


_ALL_SYNCED = {f"lab-{region}": "synced" for region in _REGIONS}


@pytest.fixture(scope="module")
def mesh() -> Iterator[Mesh]:
    """Three regions of one node in a federation and a mesh, up; each test leaves it as it was."""
    with fresh_clone(_settings()) as clone:
        clone.fleet("up").check()
        yield Mesh(clone)


@pytest.mark.parametrize("region", _REGIONS)
def test_each_region_knows_all_the_others(mesh: Mesh, region: str) -> None:
    eventually(lambda: mesh.peers(region) == _ALL_SYNCED, _SECONDS)


def test_a_remote_secret_has_a_token_and_no_key_and_its_account_can_change_nothing(mesh: Mesh) -> None:
    secret = mesh.core("na").read_namespaced_secret("istio-remote-secret-lab-eu", _SYSTEM)
    assert list(secret.data) == ["lab-eu"]
    kubeconfig = yaml.safe_load(b64decode(secret.data["lab-eu"]))
    (user,), (cluster,) = kubeconfig["users"], kubeconfig["clusters"]
    assert set(user["user"]) == {"token"}
    assert set(cluster["cluster"]) == {"server", "certificate-authority-data"}
    account = {"user": f"system:serviceaccount:{_SYSTEM}:fleet-mesh-reader", "groups": ["system:serviceaccounts"]}
    eu = reach(mesh.clone, "eu")
    assert eu.allows(account, verb="list", group="discovery.k8s.io", resource="endpointslices")
    for verb in ("create", "update", "patch", "delete"):
        assert not eu.allows(account, verb=verb, resource="services", namespace="shop")
        assert not eu.allows(account, verb=verb, resource="secrets", namespace=_SYSTEM)


def test_regions_have_intermediates_of_their_own_under_one_root(mesh: Mesh) -> None:
    files = {region: mesh.cacerts(region) for region in _REGIONS}
    roots = {each.public_bytes(Encoding.DER) for found in files.values() for each in found["root-cert.pem"]}
    assert len(roots) == 1
    intermediates = {found["ca-cert.pem"][0].public_bytes(Encoding.DER) for found in files.values()}
    assert len(intermediates) == len(_REGIONS)
    for found in files.values():
        found["ca-cert.pem"][0].verify_directly_issued_by(found["root-cert.pem"][0])
    mesh.expect_trusted(roots)


@pytest.mark.parametrize(("namespace", "containers"), [("shop", {"web", "istio-proxy"}), ("plain", {"web"})])
def test_pods_of_tenants_in_the_mesh_get_a_sidecar_and_no_others(
    mesh: Mesh, namespace: str, containers: set[str]
) -> None:
    core = mesh.core("sea")
    try:
        core.create_namespaced_pod(namespace, _pod())
        spec = core.read_namespaced_pod("web", namespace).spec
        names = {each.name for each in [*spec.containers, *(spec.init_containers or [])]}
        assert names & {"web", "istio-proxy"} == containers
    finally:
        core.delete_namespaced_pod("web", namespace, grace_period_seconds=0)


def test_an_endpoint_of_one_region_is_known_in_all(mesh: Mesh) -> None:
    core, discovery = mesh.core("eu"), client.DiscoveryV1Api(reach(mesh.clone, "eu").api)
    port = {"name": "http", "port": 80}
    core.create_namespaced_service("shop", {"metadata": {"name": "far"}, "spec": {"ports": [port]}})
    try:
        discovery.create_namespaced_endpoint_slice(
            "shop",
            {
                "metadata": {"name": "far-1", "labels": {"kubernetes.io/service-name": "far"}},
                "addressType": "IPv4",
                "ports": [port],
                "endpoints": [{"addresses": ["10.2.0.77"], "conditions": {"ready": True}}],
            },
        )
        for each in _REGIONS:
            eventually(lambda name=each: _sources(mesh, name, "10.2.0.77") == ["Kubernetes/lab-eu"], _SECONDS)  # type: ignore[misc]
    finally:
        core.delete_namespaced_service("far", "shop")
        discovery.delete_namespaced_endpoint_slice("far-1", "shop")


def test_tenants_have_their_policies_in_every_region_and_karmada_puts_them_back(mesh: Mesh) -> None:
    for each in _REGIONS:
        assert set(reach(mesh.clone, each).owned()) == expected(mesh.clone, each)
    custom = client.CustomObjectsApi(reach(mesh.clone, "eu").api)
    place = ("security.istio.io", "v1", "shop", "authorizationpolicies")
    granted = json.dumps(custom.get_namespaced_custom_object(*place, "tenant")["spec"])
    assert "ns/search/" in granted
    assert "ns/plain/" not in granted
    custom.delete_namespaced_custom_object(*place, "tenant")
    eventually(lambda: custom.list_namespaced_custom_object(*place)["items"], _SECONDS)


def test_its_status_tells_of_peers_certificates_and_gateways(mesh: Mesh) -> None:
    mesh.expect_all_synced()
    status = mesh.clone.fleet("mesh", "status").check()
    for each in _REGIONS:
        (row,) = [line for line in status.output.splitlines() if line.startswith(f"lab-{each} ")]
        services = {item.metadata.name: item for item in mesh.core(each).list_namespaced_service(_SYSTEM).items}
        gateway = services["istio-eastwestgateway"].status.load_balancer.ingress[0].ip
        assert " 3/3 " in row
        assert f" {gateway} " in row
        assert row.count(" days ") == 2
        assert row.rstrip().endswith("ready")


@pytest.mark.parametrize("region", _REGIONS)
def test_nothing_is_accepted_in_plain(mesh: Mesh, region: str) -> None:
    custom = client.CustomObjectsApi(reach(mesh.clone, region).api)
    found = custom.list_cluster_custom_object("security.istio.io", "v1", "peerauthentications")["items"]
    assert [each["spec"]["mtls"]["mode"] for each in found if each["metadata"]["namespace"] == _SYSTEM] == ["STRICT"]


def test_an_istiod_that_is_killed_comes_back_and_knows_all(mesh: Mesh) -> None:
    mesh.clone.kill("pilot-discovery discovery --kubeconfig")
    mesh.expect_all_synced()


def test_a_region_that_is_back_is_known_again(mesh: Mesh) -> None:
    lifecycle.stop(mesh.clone.stack_folder / "clusters" / "lab-eu")
    status = mesh.clone.fleet("mesh", "status")
    assert status.status == 1
    assert "lab-eu: API server: " in status.output
    mesh.clone.fleet("up").check()
    mesh.expect_all_synced()


def test_a_new_root_takes_over_with_both_trusted_on_the_way(mesh: Mesh) -> None:
    (first,) = {each.public_bytes(Encoding.DER) for each in mesh.cacerts("na")["root-cert.pem"]}
    mesh.set(trust={"roots": [1, 2]})
    both = {each.public_bytes(Encoding.DER) for each in mesh.cacerts("na")["root-cert.pem"]}
    assert first in both
    assert len(both) == 2
    (second,) = both - {first}
    for roots, signer, trusted in (([1, 2], first, both), ([2, 1], second, both), ([2], second, {second})):
        mesh.set(trust={"roots": roots})
        for each in _REGIONS:
            intermediate = mesh.cacerts(each)["ca-cert.pem"][0]
            intermediate.verify_directly_issued_by(x509.load_der_x509_certificate(signer))
        mesh.expect_trusted(trusted)
    mesh.expect_all_synced()


def _sources(mesh: Mesh, region: str, address: str) -> list[str]:
    """The clusters from which a region's istiod knows this endpoint of the service `far`."""
    services = mesh.ask(region, "/debug/endpointShardz") or {}
    shards = services.get("far.shop.svc.cluster.local", {}).get("shop", {}).get("Shards", {})
    return [source for source, endpoints in shards.items() if address in json.dumps(endpoints)]


def _pod() -> dict[str, Any]:
    container = {
        "name": "web",
        "image": "example.com/web:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"metadata": {"name": "web"}, "spec": {"securityContext": security, "containers": [container]}}
