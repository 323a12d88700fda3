"""A client of Karmada's API server, kept small: one pool of connections, no discovery, JSON in and out."""

from __future__ import annotations

import base64
import binascii
import json
import ssl
import tempfile
from pathlib import Path
from typing import Any

import urllib3
import yaml

FIELD_MANAGER = "fleet"

_CONNECTIONS = 32
_SECONDS = urllib3.Timeout(connect=5, read=60)
# An API server that starts, is busy, or waits for its webhook. Whatever is asked here can be asked again.
_PASSING = (429, 500, 502, 503, 504)
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_NOT_FOUND = 404
_CREATED = 201
_REFUSED = 400


class ApiError(Exception):
    """Karmada's API server refused something, or cannot be reached; says which and why."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """Karmada's API as the user of a kubeconfig's current context.

    Raises `ApiError` for a kubeconfig that is none, and from every method for an answer that is an error.
    """

    def __init__(self, kubeconfig: str) -> None:
        try:
            cluster, user = _current(yaml.safe_load(kubeconfig))
            self._server: str = cluster["server"].rstrip("/")
            context = _tls(cluster, user) if self._server.startswith("https:") else None
        except (AttributeError, KeyError, StopIteration, TypeError, ValueError, yaml.YAMLError, ssl.SSLError) as error:
            raise ApiError(f"the provider's kubeconfig cannot be used: {error!r}") from None
        headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        retries = urllib3.Retry(
            5, status_forcelist=_PASSING, allowed_methods=None, backoff_factor=0.2, raise_on_status=False
        )
        tls: dict[str, Any] = {"ssl_context": context} if context else {}
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS, block=True, headers=headers, retries=retries, timeout=_SECONDS, **tls
        )

    def get(self, path: str) -> dict[str, Any] | None:
        """The object, or the list, at a path; None where there is none."""
        return self._ask("GET", path)[1]

    def look(self, path: str) -> tuple[int, dict[str, Any]]:
        """The status and the answer at a path, whatever they are, asked once."""
        return self._send("GET", path, retries=False)

    def apply(self, path: str, manifest: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        """Apply a manifest server-side, whoever owned its fields; whether that made the object, and the object."""
        whole = f"{path}?fieldManager={FIELD_MANAGER}&force=true"
        status, found = self._ask("PATCH", whole, manifest, _APPLY)
        if found is None:
            raise ApiError(f"{path}: {self._server} does not serve this; is it Karmada's API server?", _NOT_FOUND)
        return status == _CREATED, found

    def merge(self, path: str, patch: dict[str, Any]) -> None:
        """Merge a patch into the object, if it is there."""
        self._ask("PATCH", f"{path}?fieldManager={FIELD_MANAGER}", patch, _MERGE)

    def delete(self, path: str) -> None:
        """Delete the object, if it is there."""
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: object = None, kind: str = "") -> tuple[int, dict[str, Any] | None]:
        status, answer = self._send(method, path, body, kind)
        if status == _NOT_FOUND:
            return status, None
        if status >= _REFUSED:
            raise ApiError(f"{path.partition('?')[0]}: {answer.get('message', f'status {status}')}", status)
        return status, answer

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        kind: str = "",
        retries: bool | None = None,  # noqa: FBT001 - as urllib3 has it
    ) -> tuple[int, dict[str, Any]]:
        options: dict[str, Any] = {} if retries is None else {"retries": retries}
        if body is not None:
            options |= {"body": json.dumps(body), "headers": {**self._pool.headers, "Content-Type": kind}}
        try:
            answer = self._pool.request(method, self._server + path, **options)
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise ApiError(f"Karmada's API server {self._server} cannot be reached: {reason}") from None
        try:
            found = json.loads(answer.data)
        except ValueError:
            found = None
        text = answer.data.decode(errors="replace").strip()
        return answer.status, found if isinstance(found, dict) else {"message": text or f"status {answer.status}"}


def _current(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cluster and the user of a kubeconfig's current context."""
    context = _named(document, "context", document["current-context"])
    return _named(document, "cluster", context["cluster"]), _named(document, "user", context["user"])


def _named(document: dict[str, Any], what: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document[f"{what}s"] if each["name"] == name)[what]
    return found


def _tls(cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    authority = _decoded(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    if "client-certificate-data" in user:
        # OpenSSL takes a key only from a file.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "client.pem"
            path.touch(0o600)
            path.write_bytes(_decoded(user["client-certificate-data"]) + b"\n" + _decoded(user["client-key-data"]))
            context.load_cert_chain(path)
    return context


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise ValueError("what should be base64 is not") from None
