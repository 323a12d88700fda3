"""What a complete cluster has written down about itself in its folder: without it there are only leftovers."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.cluster import ports
from lab.cluster.ports import LOOPBACK, Ports

_NEEDED = ("etcd/member", "kwok.yaml", "pki/ca.crt", "pki/admin.crt", "pki/admin.key")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A cluster that was made: what cannot change of it, its ports, the UID of its kube-system, and its version."""

    identity: Mapping[str, str]
    ports: Ports
    identifier: str
    version: str

    @classmethod
    def read(cls, folder: Path) -> Record | None:
        """The record of the cluster in `folder`; `None` if it was never complete, or has lost its data or its keys."""
        if not all((folder / path).exists() for path in _NEEDED):
            return None
        try:
            raw = json.loads(_file(folder).read_text())
        except FileNotFoundError:
            return None
        return cls(**{**raw, "ports": ports.of_dict(raw["ports"])})

    def write(self, folder: Path) -> None:
        """Write the record, whole or not at all."""
        new = folder / "cluster.json.new"
        new.write_text(json.dumps({**vars(self), "ports": ports.as_dict(self.ports)}, indent=1))
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(_file(folder))

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.identity["name"]

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{LOOPBACK}:{self.ports.api_server}"

    def kubeconfig(self, folder: Path) -> str:
        """The administrator's kubeconfig, as YAML, with the certificates in it."""
        authority, certificate, key = (_encoded(folder / "pki" / name) for name in ("ca.crt", "admin.crt", "admin.key"))
        user = f"{self.name}-admin"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": user}}],
            "clusters": [
                {"name": self.name, "cluster": {"server": self.server, "certificate-authority-data": authority}}
            ],
            "users": [{"name": user, "user": {"client-certificate-data": certificate, "client-key-data": key}}],
        }
        return yaml.safe_dump(document, sort_keys=False)

    def ca_data(self, folder: Path) -> str:
        """Certificate of the API server's CA: PEM in base64."""
        return _encoded(folder / "pki" / "ca.crt")


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _file(folder: Path) -> Path:
    return folder / "cluster.json"
