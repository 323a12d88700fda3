"""The few calls of the Kubernetes API that the lab makes itself, over plain HTTPS: libraries load for seconds."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.cluster.ports import LOOPBACK

_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_NOT_FOUND = 404
_FIRST_ERROR = 400


class ApiError(Exception):
    """The API server refused a request; the message says which and why."""


class Api:
    """A connection to a cluster's API server as its administrator. Use it as a context manager.

    Every call raises `OSError` or `http.client.HTTPException` if the API server does not answer in `timeout` seconds.
    """

    def __init__(self, port: int, pki: Path, timeout: float = 10) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
        self._connection = http.client.HTTPSConnection(LOOPBACK, port, context=context, timeout=timeout)

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def is_ready(self) -> bool:
        """Whether the API server says that it is ready to be used."""
        status, _ = self._send("GET", "/readyz")
        return status < _FIRST_ERROR

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at `path`, or `None` if it is not there."""
        status, text = self._send("GET", path)
        return None if status == _NOT_FOUND else self._object("GET", path, status, text)

    def create(self, path: str, manifest: Mapping[str, Any]) -> None:
        """Create an object in the collection at `path`."""
        self._object("POST", path, *self._send("POST", path, manifest))

    def merge(self, path: str, patch: Mapping[str, Any]) -> None:
        """Change what `patch` names of the object at `path`."""
        self._object("PATCH", path, *self._send("PATCH", path, patch, _MERGE))

    def apply(self, path: str, manifest: Mapping[str, Any]) -> None:
        """Have the object at `path` be what `manifest` says, whoever has said something else of it before."""
        self._object("PATCH", path, *self._send("PATCH", f"{path}?fieldManager=fleet&force=true", manifest, _APPLY))

    def delete(self, path: str) -> None:
        """Delete the object at `path`, if it is there."""
        status, text = self._send("DELETE", path)
        if status != _NOT_FOUND:
            self._object("DELETE", path, status, text)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "application/json"
    ) -> tuple[int, str]:
        encoded = None if body is None else json.dumps(body)
        self._connection.request(method, path, body=encoded, headers={"Content-Type": kind})
        response = self._connection.getresponse()
        return response.status, response.read().decode()

    @staticmethod
    def _object(method: str, path: str, status: int, text: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(text)
        except ValueError:  # whoever answered for the API server, an aggregated one that is away for instance
            raise ApiError(f"{method} {path}: {status} {text.strip()}") from None
        if status >= _FIRST_ERROR:
            raise ApiError(f"{method} {path}: {answer.get('message', text)}")
        return answer
