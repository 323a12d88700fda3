"""Kubeconfigs with one context and all that it takes in them; pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping


def kubeconfig(name: str, *, server: str, ca_data: str, user: Mapping[str, str]) -> str:
    """Return a kubeconfig whose one context is called `name`; `ca_data` is PEM in base64, `user` what it proves by."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": ca_data}}],
            "users": [{"name": name, "user": dict(user)}],
        }
    )


def by_certificate(*, certificate: str, private_key: str) -> dict[str, str]:
    """Return a user who is known by a client certificate; both are PEM."""
    return {"client-certificate-data": encoded(certificate), "client-key-data": encoded(private_key)}


def encoded(text: str) -> str:
    """Return the text in base64."""
    return base64.b64encode(text.encode()).decode()
