"""A region's istiod for tests: its certificates, the real charts by the real Helm, and its process."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from components.mesh.charts import BuiltCharts, Values, base_values, control_plane_values, merged
from lab.cluster.lifecycle import Status
from lab.cluster.record import Record
from lab.istio import control_plane, folders
from lab.istio.ports import Ports
from lab.istio.programs import ISTIOD
from lab.istio.spec import Spec
from lab.tools.catalogue import ISTIO
from providers.patience import Patience
from providers.pki.issuing import Authority, certificate_pem, issue, key_pem, new_key
from providers.pki.request import Request
from providers.pki.resource import KeyAlgorithm
from tests.lab.conftest import Lab

VERSION = ISTIO.version.removeprefix("v")
_HOURS = {"validityHours": 24, "renewBeforeHours": 0, "keyAlgorithm": KeyAlgorithm.ECDSA_P256}


def authority(name: str, above: Authority | None = None) -> Authority:
    """A root, or an intermediate below one."""
    request = Request.of({"commonName": name, "isCertificateAuthority": True, **_HOURS})
    key = new_key(KeyAlgorithm.ECDSA_P256)
    certificate = issue(request, key, above, datetime.now(UTC))
    return Authority(certificates=(certificate, *(above.certificates if above else ())), private_key=key)


def files(signer: Authority, *roots: Authority) -> dict[str, str]:
    """What the Secret `cacerts` has."""
    certificate = certificate_pem(signer.certificates[0])
    return {
        "ca-cert.pem": certificate,
        "ca-key.pem": key_pem(signer.private_key),
        "cert-chain.pem": certificate,
        "root-cert.pem": "".join(certificate_pem(root.certificates[0]) for root in roots),
    }


@dataclass
class Istio:
    """An istiod of a cluster, below the same folder."""

    lab: Lab
    folder: Path
    certificates: dict[str, str]

    @classmethod
    def of(cls, lab: Lab, root: Path) -> Istio:
        """One with certificates of its own, which is not there yet."""
        top = authority("root")
        identity = f".fleet/stacks/test/{lab.spec.name}"
        return cls(lab, folders.of_identity(root, identity), files(authority("intermediate", top), top))

    def install(self) -> None:
        """Put the charts into the cluster, and with them what leads to the process."""
        ports = Ports.claim(self.folder)
        self.lab.kubectl("create", "namespace", "istio-system")
        self.lab.kubectl("label", "namespace", "istio-system", "topology.istio.io/network=na")
        inject, validate = ports.addresses["injectionUrl"], ports.addresses["validationUrl"]
        self.helm("istio-base", "base", base_values(version=VERSION, current="default", validation_url=validate))
        identity = control_plane_values(
            mesh_id="test",
            cluster=self.lab.spec.name,
            network="na",
            revision="default",
            current="default",
            version=VERSION,
        )
        where = {
            "autoscaleEnabled": False,
            "telemetry": {"enabled": False},
            "base": {"validationURL": validate},
            "istiodRemote": {"injectionURL": inject},
        }
        self.helm("istiod", "istiod", merged(identity, where))

    def helm(self, name: str, chart: str, values: Values) -> None:
        """Install a chart, or what is new of it."""
        command = ["helm", "--kubeconfig", str(self.lab.folder / "kubeconfig.test"), "upgrade", "--install", name]
        command += [BuiltCharts().named(chart, VERSION)["chart"], "--namespace", "istio-system", "--wait"]
        answer = subprocess.run(
            [*command, "--values", "-"], input=json.dumps(values), capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stderr

    def start(self, seconds: float = 120, **changes: object) -> None:
        """Have it run; its webhooks answer when this returns."""
        record = Record.read(self.lab.folder)
        assert record is not None
        spec: dict[str, Any] = {
            "cluster": self.lab.spec.name,
            "kubeconfig": record.kubeconfig(self.lab.folder),
            "version": ISTIO.version,
            "revision": "default",
            "certificates": self.certificates,
            "environment": {"ISTIO_MULTIROOT_MESH": "true"},
        }
        control_plane.create(Spec.of({**spec, **changes}), self.folder, Patience(seconds))

    @property
    def ports(self) -> Ports:
        """Its ports."""
        ports = Ports.read(self.folder)
        assert ports is not None
        return ports

    def status(self) -> Status:
        """How it is found."""
        return control_plane.status(self.folder)

    def process(self) -> psutil.Process | None:
        """The process, once it has become that."""
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            if words and Path(words[0]).name == ISTIOD and any(f"{self.folder}/" in word for word in words[1:]):
                return process
        return None
