"""Whether the API server can call an istiod's webhooks: istiod itself tells it whom to believe, after its start."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from lab.cluster.api import Api, ApiError
from lab.istio import folders

_HTTPS = 443
_KINDS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
_COLLECTIONS = "/apis/admissionregistration.k8s.io/v1"
_PKI = {
    "ca.crt": ("cluster", "certificate-authority-data"),
    "admin.crt": ("user", "client-certificate-data"),
    "admin.key": ("user", "client-key-data"),
}


def api_port(kubeconfig: str, pki: Path) -> int:
    """The port of a lab cluster's API server; its administrator's certificates are put into the folder `pki`."""
    config = yaml.safe_load(kubeconfig)
    parts = {"cluster": config["clusters"][0]["cluster"], "user": config["users"][0]["user"]}
    pki.mkdir(mode=0o700, exist_ok=True)
    for name, (part, key) in _PKI.items():
        folders.write(pki / name, base64.b64decode(parts[part][key]).decode())
    server: str = parts["cluster"]["server"]
    return urlsplit(server).port or _HTTPS


def answer(api_server: int, pki: Path, port: int, roots: str | None) -> bool:
    """Whether the API server calls webhooks at `port` for pods and for Istio's objects, and can tell that it is istiod.

    With `roots`, in PEM, they have to be what it believes. istiod makes validation mandatory once it was seen to work.
    """
    try:
        with Api(api_server, pki) as api:
            found = [list(_webhooks(api, kind, port)) for kind in _KINDS]
    except (OSError, http.client.HTTPException, ApiError):
        return False
    return all(found) and all(_is_ready(webhook, roots) for webhooks in found for webhook in webhooks)


def _webhooks(api: Api, kind: str, port: int) -> Iterator[dict[str, Any]]:
    for configuration in (api.get(f"{_COLLECTIONS}/{kind}") or {})["items"]:
        for webhook in configuration.get("webhooks", ()):
            if urlsplit(webhook["clientConfig"].get("url", "")).port == port:
                yield webhook


def _is_ready(webhook: dict[str, Any], roots: str | None) -> bool:
    bundle = base64.b64decode(webhook["clientConfig"].get("caBundle", "")).decode().strip()
    believed = bool(bundle) if roots is None else bundle == roots.strip()
    return believed and webhook["failurePolicy"] == "Fail"
