"""What kwokctl is told of a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.cluster import kwok
from lab.cluster.ports import Ports
from lab.cluster.resource import ClusterArgs, NodePool
from lab.cluster.spec import Spec

_PORTS = Ports(api_server=1, etcd=2, etcd_peer=3, controller_manager=4, scheduler=5, kwok=6)
_SPEC = Spec.of(ClusterArgs(name="lab-na", directory="d", version="v1.36.3", region="us-east-1").properties())


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all there is on PATH, with a stand-in for every program."""
    for program in ("kwokctl", "kubectl", *kwok.BINARIES.values()):
        (tmp_path / program).write_text('#!/bin/sh\necho "Kubernetes v1.36.3"\n')
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _documents(spec: Spec = _SPEC) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(kwok.configuration(spec, _PORTS, Path("/clusters/lab-na"))))


def _arguments(component: str, spec: Spec = _SPEC) -> dict[str, str]:
    patches = {patch["name"]: patch["extraArgs"] for patch in _documents(spec)[0]["componentsPatches"]}
    return {argument["key"]: argument["value"] for argument in patches[component]}


def test_everything_is_on_loopback_with_the_ports_of_the_cluster() -> None:
    options = _documents()[0]["options"]
    assert options["bindAddress"] == "127.0.0.1"
    assert {value for key, value in options.items() if key.endswith("Port")} == set(range(1, 7))


def test_etcd_asks_everyone_for_a_certificate() -> None:
    arguments = _arguments("etcd")
    assert (arguments["client-cert-auth"], arguments["peer-client-cert-auth"]) == ("true", "true")
    assert {arguments["listen-client-urls"], _arguments("kube-apiserver")["etcd-servers"]} == {"https://127.0.0.1:2"}
    assert arguments["listen-peer-urls"] == "https://127.0.0.1:3"


def test_networks_go_to_who_gives_addresses_from_them() -> None:
    assert _arguments("kwok-controller")["cidr"] == "10.1.0.0/16"
    assert _arguments("kube-apiserver")["service-cluster-ip-range"] == "10.101.0.0/16"


@pytest.mark.parametrize(("services", "advertised"), [("10.9.0.0/16", "192.0.2.1"), ("fd00::/112", "2001:db8::1")])
def test_the_advertised_address_is_of_the_services_ip_version(services: str, advertised: str) -> None:
    assert _arguments("kube-apiserver", replace(_SPEC, service_cidr=services))["advertise-address"] == advertised


def test_the_stages_come_with_it() -> None:
    stages = [document["spec"]["resourceRef"]["kind"] for document in _documents()[1:]]
    assert set(stages) == {"Node", "Pod", "Service"}


def test_the_users_own_settings_of_kwok_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KWOK_KUBE_VERSION", "v1.0.0")
    variables = kwok.environment(Path("/stack/clusters/lab-na"))
    assert {key: value for key, value in variables.items() if key.startswith("KWOK_")} == {"KWOK_WORKDIR": "/stack"}


def test_nodes_are_spread_over_the_zones_in_turn() -> None:
    pools = (NodePool(name="a", count=3, cpu="2", memory="4Gi", pods=9), NodePool(name="b", count=1))
    nodes = kwok.nodes(replace(_SPEC, zones=("x", "y"), node_pools=pools))
    zones = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}
    assert zones == {"lab-na-a-0": "x", "lab-na-a-1": "y", "lab-na-a-2": "x", "lab-na-b-0": "x"}
    assert nodes[0]["status"]["allocatable"] == {"cpu": "2", "memory": "4Gi", "pods": "9"}


def test_a_missing_program_is_named(programs: Path) -> None:
    (programs / "etcd").unlink()
    with pytest.raises(kwok.BinaryError, match="etcd is not on PATH"):
        kwok.require_version("v1.36.3")


def test_another_version_is_refused() -> None:
    kwok.require_version("v1.36.3")
    with pytest.raises(kwok.BinaryError, match=r"kube-apiserver is Kubernetes v1\.36\.3, and v1\.37\.0 is asked for"):
        kwok.require_version("v1.37.0")


def test_links_follow_the_programs_on_path(programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lab-na"
    kwok.link_binaries(folder)
    assert (folder / "bin" / "kwok-controller").readlink() == programs / "kwok"
    (folder / "bin" / "etcd").unlink()
    (folder / "bin" / "etcd").symlink_to("/gone")
    kwok.link_binaries(folder)
    assert (folder / "bin" / "etcd").readlink() == programs / "etcd"
