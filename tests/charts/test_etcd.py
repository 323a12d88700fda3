"""Real etcd members, started by the command of the manifest, with ports of this machine for names in a cluster."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from components.federation.chart import DOMAIN, NAMESPACE
from components.federation.etcd import MEMBERS, etcd_manifests
from tests.plugins.conftest import skip_without
from tests.unit.karmada_chart_samples import settings
from tests.unit.pki_samples import authority, inputs, issuer, make

_SECONDS = 30


class Ports(NamedTuple):
    """Where a member listens."""

    client: int
    peer: int
    metrics: int


class Etcd:
    """Members that are not started yet, with files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = _free_ports()
        self.processes: list[subprocess.Popen[bytes]] = []
        ca = make(authority(commonName="etcd", pathLength=0.0), _now)
        both = inputs(commonName="etcd", ipAddresses=["127.0.0.1"], usages=["server", "client"], issuer=issuer(ca))
        client = inputs(commonName="karmada-apiserver", dnsNames=[], usages=["client"], issuer=issuer(ca))
        self._write("ca.crt", ca["certificate"])
        for name, given in {"tls": both, "client": client}.items():
            made = make(given, _now)
            self._write(f"{name}.crt", made["certificate"])
            self._write(f"{name}.key", made["privateKey"])

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).touch(mode=0o600)
        (self.folder / name).write_text(text)

    def start(self, number: int) -> None:
        """Start a member."""
        command = ["etcd", *(self._flag(number, flag) for flag in _command()[1:])]
        (self.folder / f"etcd-{number}").mkdir()
        with (self.folder / f"etcd-{number}.log").open("wb") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def _flag(self, number: int, flag: str) -> str:
        """A flag of the manifest for this machine: its ports for the cluster's names, its folder for the volumes."""
        for member, ports in enumerate(self.ports):
            host = f"etcd-{member}.etcd.{NAMESPACE}.svc.{DOMAIN}"
            flag = flag.replace("$(POD_NAME)", f"etcd-{number}").replace(f"{host}:2380", f"127.0.0.1:{ports.peer}")
            flag = flag.replace(f"{host}:2379", f"127.0.0.1:{ports.client}")
        for port, own in zip((2379, 2380, 2381), self.ports[number], strict=True):
            flag = flag.replace(f"0.0.0.0:{port}", f"127.0.0.1:{own}")
        folder = str(self.folder)
        return flag.replace("/etc/etcd/pki", folder).replace("/var/lib/etcd", f"{folder}/etcd-{number}")

    def probe(self, number: int, path: str) -> int:
        """What a probe of the member gets: an HTTP status, or 0."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[number].metrics}{path}", timeout=10) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def ask(self, number: int, certificate: str | None) -> int:
        """What a client with a certificate, or without, gets from the member."""
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        if certificate is not None:
            context.load_cert_chain(self.folder / f"{certificate}.crt", self.folder / f"{certificate}.key")
        url = f"https://127.0.0.1:{self.ports[number].client}/version"
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            status: int = answer.status
            return status


def _now() -> datetime:
    return datetime.now(UTC)


def _command() -> list[str]:
    manifests = etcd_manifests(settings(), namespace=NAMESPACE, domain=DOMAIN, certificates="")
    (members,) = [each for each in manifests if each["kind"] == "StatefulSet"]
    command: list[str] = members["spec"]["template"]["spec"]["containers"][0]["command"]
    return command


def _free_ports() -> list[Ports]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3 * MEMBERS)]
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return [Ports(*numbers[at : at + 3]) for at in range(0, len(numbers), 3)]


def _await(what: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Etcd]:
    skip_without("etcd")
    members = Etcd(tmp_path)
    yield members
    for process in members.processes:
        process.kill()
        process.wait()


def test_members_are_ready_together_and_none_alone_and_only_for_clients_of_their_authority(etcd: Etcd) -> None:
    etcd.start(0)
    _await(lambda: etcd.probe(0, "/livez") == 200)
    assert etcd.probe(0, "/readyz") == 503

    for number in range(1, MEMBERS):
        etcd.start(number)
    for number in range(MEMBERS):
        _await(lambda number=number: etcd.probe(number, "/readyz") == 200)  # type: ignore[misc]
    assert etcd.ask(0, "client") == 200
    with pytest.raises(OSError, match=r"(?i)certificate|reset|eof"):
        etcd.ask(0, None)

    etcd.processes[0].kill()
    etcd.processes[0].wait()
    _await(lambda: etcd.probe(1, "/readyz") == 200 and etcd.ask(1, "client") == 200)
