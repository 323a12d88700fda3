"""The keys and certificates of a Karmada control plane, as files, and its administrator's kubeconfig."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import yaml

from lab.cluster.ports import LOOPBACK
from providers.pki.issuing import Authority, certificate_pem, issue, key_pem, new_key
from providers.pki.request import Request
from providers.pki.resource import KeyAlgorithm, Usage

AGGREGATED_SERVICE = "karmada-aggregated-apiserver"
SYSTEM_NAMESPACE = "karmada-system"

FRONT_PROXY = "front-proxy-client"

_VALIDITY_HOURS = 10 * 365 * 24  # a lab is made anew more often than that
_SERVER_NAMES = ("localhost", f"{AGGREGATED_SERVICE}.{SYSTEM_NAMESPACE}.svc")


def create(folder: Path) -> None:
    """Write all that the control plane needs into `folder`, which its owner alone can read.

    There is one authority for its servers and clients, and one for the front proxy, so that nobody else is believed to
    speak for others. `service-account.key` signs tokens.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    authority = _authority(folder, "ca")
    front_proxy = _authority(folder, "front-proxy-ca")
    both = [Usage.SERVER, Usage.CLIENT]  # etcd's peers and the webhook's probes are clients of themselves
    _leaf(folder, "server", authority, usages=both, dnsNames=_SERVER_NAMES, ipAddresses=[LOOPBACK])
    _leaf(folder, "admin", authority, commonName="system:admin", organizations=["system:masters"])
    _leaf(folder, FRONT_PROXY, front_proxy)
    (folder / "service-account.key").write_text(key_pem(new_key(KeyAlgorithm.RSA_2048)))


def kubeconfig(name: str, port: int, folder: Path) -> str:
    """The administrator's kubeconfig, as YAML, with one context called `name` and the certificates in it."""
    user = f"{name}-admin"
    certificate, key = (encoded(folder / f"admin.{kind}") for kind in ("crt", "key"))
    cluster = {"server": f"https://{LOOPBACK}:{port}", "certificate-authority-data": encoded(folder / "ca.crt")}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": {"client-certificate-data": certificate, "client-key-data": key}}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def encoded(file: Path) -> str:
    """The content of a file in base64."""
    return base64.b64encode(file.read_bytes()).decode()


def _authority(folder: Path, name: str) -> Authority:
    key = new_key(KeyAlgorithm.ECDSA_P256)
    certificate = issue(_request(name, isCertificateAuthority=True), key, None, datetime.now(UTC))
    _write(folder, name, certificate_pem(certificate), key_pem(key))
    return Authority(certificates=(certificate,), private_key=key)


def _leaf(folder: Path, name: str, authority: Authority, **inputs: object) -> None:
    key = new_key(KeyAlgorithm.ECDSA_P256)
    request = _request(name, **{"usages": [Usage.CLIENT], **inputs})
    _write(folder, name, certificate_pem(issue(request, key, authority, datetime.now(UTC))), key_pem(key))


def _request(name: str, **inputs: object) -> Request:
    times = {"validityHours": _VALIDITY_HOURS, "renewBeforeHours": 0}
    return Request.of({"commonName": name, "keyAlgorithm": KeyAlgorithm.ECDSA_P256, **times, **inputs})


def _write(folder: Path, name: str, certificate: str, key: str) -> None:
    (folder / f"{name}.crt").write_text(certificate)
    (folder / f"{name}.key").write_text(key)
