"""What kwokctl is told: its configuration, its environment, and the binaries of a cluster."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from lab.cluster.ports import LOOPBACK, Ports
from lab.cluster.spec import Spec

STAGES = Path(__file__).with_name("stages.yaml")
BINARIES = {
    "etcd": "etcd",
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "kwok-controller": "kwok",
}
"""The program on PATH for each component."""

# The API server must advertise an address that is not loopback, and finds none on a machine without a network: these
# are set aside for documentation, and nothing in the lab connects to them.
ADVERTISED = {4: "192.0.2.1", 6: "2001:db8::1"}


class BinaryError(Exception):
    """A program that a cluster needs is not on PATH, or not in the right version."""


def find(program: str) -> Path:
    """The absolute path of a program on PATH. Raises `BinaryError`."""
    found = shutil.which(program)
    if found is None:
        raise BinaryError(f'{program} is not on PATH; `./fleet up` builds it, and eval "$(./fleet env)" puts it there')
    return Path(found).absolute()


def require_version(version: str) -> None:
    """Raise `BinaryError` unless the Kubernetes on PATH is `version`."""
    for program in ("kwokctl", "kubectl", *BINARIES.values()):
        find(program)
    answer = subprocess.run([find("kube-apiserver"), "--version"], capture_output=True, text=True, check=False)
    reported = answer.stdout.strip().rpartition(" ")[2]
    if reported != version:
        place = find("kube-apiserver")
        raise BinaryError(f"{place} is Kubernetes {reported or 'of no known version'}, and {version} is asked for")


def link_binaries(folder: Path) -> None:
    """Link what is on PATH into the cluster's `bin`, under each component's name: what it runs from now on."""
    (folder / "bin").mkdir(mode=0o700, parents=True, exist_ok=True)
    for component, program in BINARIES.items():
        link = folder / "bin" / component
        target = find(program)
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)


def environment(folder: Path) -> dict[str, str]:
    """The environment for kwokctl to work on the cluster in `folder`, whatever the user's own says of KWOK."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KWOK_")}
    return {**inherited, "KWOK_WORKDIR": str(folder.parent.parent), "KUBECONFIG": os.devnull}


def create_command(name: str, config: Path) -> list[str]:
    """The command that makes the cluster `name` as the file `config` says, and starts it."""
    # The kubeconfig that it would add a context to is the user's own, which is none of our business.
    return [str(find("kwokctl")), "create", "cluster", "--name", name, "--config", str(config), "--kubeconfig", ""]


def start_command(name: str) -> list[str]:
    """The command that starts those processes of the cluster `name` that do not run."""
    return [str(find("kwokctl")), "start", "cluster", "--name", name, "--config", os.devnull]


def configuration(spec: Spec, ports: Ports, folder: Path) -> str:
    """The kwokctl configuration of a cluster whose files are in `folder`, as YAML with the stages."""
    document = {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": {
            "runtime": "binary",
            "bindAddress": LOOPBACK,
            "kubeVersion": spec.version,
            "kubeApiserverPort": ports.api_server,
            "etcdPort": ports.etcd,
            "etcdPeerPort": ports.etcd_peer,
            "kubeControllerManagerPort": ports.controller_manager,
            "kubeSchedulerPort": ports.scheduler,
            "kwokControllerPort": ports.kwok,
            # Several clusters share one machine and one user: nobody is to be held back for the others' sake.
            "disableQPSLimits": True,
            **{f"{_camel(component)}Binary": str(find(program)) for component, program in BINARIES.items()},
        },
        "componentsPatches": [
            {
                "name": component,
                "extraArgs": [
                    {"key": key, "value": value, "override": key in _OVERRIDDEN} for key, value in arguments.items()
                ],
            }
            for component, arguments in _arguments(spec, ports, folder).items()
        ],
    }
    return f"{yaml.safe_dump(document, sort_keys=False)}---\n{STAGES.read_text()}"


_OVERRIDDEN = {
    "listen-client-urls",
    "advertise-client-urls",
    "listen-peer-urls",
    "initial-advertise-peer-urls",
    "initial-cluster",
    "etcd-servers",
    "node-lease-duration-seconds",
}


def _arguments(spec: Spec, ports: Ports, folder: Path) -> dict[str, dict[str, str]]:
    """What each component is told beyond kwokctl's own arguments, and instead of those in `_OVERRIDDEN`."""
    pki = folder / "pki"
    authority, certificate, key = (str(pki / name) for name in ("ca.crt", "admin.crt", "admin.key"))
    client, peer = f"https://{LOOPBACK}:{ports.etcd}", f"https://{LOOPBACK}:{ports.etcd_peer}"
    # A controller of which there is one has nobody to elect it, and is to work at once when it was killed.
    alone = {"leader-elect": "false"}
    return {
        # Everything in the cluster lies in etcd in plain text: other users of the machine must not reach it.
        "etcd": {
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"node0={peer}",
            "cert-file": certificate,
            "key-file": key,
            "trusted-ca-file": authority,
            "client-cert-auth": "true",
            "peer-cert-file": certificate,
            "peer-key-file": key,
            "peer-trusted-ca-file": authority,
            "peer-client-cert-auth": "true",
            "log-level": "warn",
        },
        "kube-apiserver": {
            "etcd-servers": client,
            "etcd-cafile": authority,
            "etcd-certfile": certificate,
            "etcd-keyfile": key,
            "service-cluster-ip-range": spec.service_cidr,
            # RBAC cannot keep who writes Services from naming another's address as their own.
            "enable-admission-plugins": "DenyServiceExternalIPs",
            "advertise-address": ADVERTISED[ipaddress.ip_network(spec.service_cidr).version],
        },
        "kube-controller-manager": {
            **alone,
            # Namespaces are deleted one after the other otherwise: `destroy` waits for hundreds of them.
            "concurrent-namespace-syncs": "50",
        },
        "kube-scheduler": alone,
        # Without node leases: one that was killed would leave its own behind, and its successor wait for minutes.
        "kwok-controller": {"cidr": spec.pod_cidr, "node-lease-duration-seconds": "0"},
    }


def nodes(spec: Spec) -> list[dict[str, Any]]:
    """The Node objects of a cluster: each pool's, spread over the zones in turn."""
    manifests = []
    for pool in spec.node_pools:
        size = {"cpu": pool.cpu, "memory": pool.memory, "pods": str(pool.pods)}
        for number in range(pool.count):
            name = f"{spec.name}-{pool.name}-{number}"
            labels = {
                "fleet/node-pool": pool.name,
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": spec.region,
                "topology.kubernetes.io/zone": spec.zones[number % len(spec.zones)],
            }
            manifests.append(
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
                    "status": {"capacity": size, "allocatable": size},
                }
            )
    return manifests


def _camel(component: str) -> str:
    first, *rest = component.split("-")
    return first + "".join(part.capitalize() for part in rest)
