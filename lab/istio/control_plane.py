"""What can be done with an istiod: make it, look at it, change it, remove it.

As with clusters, each can be killed at any moment and done again. Its ports are there before it (`ports.py`).
"""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from lab.cluster import ports as claims
from lab.cluster.lifecycle import Status
from lab.cluster.ports import LOOPBACK
from lab.istio import folders, webhooks
from lab.istio.ports import Ports
from lab.istio.programs import CERTIFICATES, ISTIOD, KUBECONFIG, istiod, require_version
from lab.istio.spec import Spec
from lab.processes import Group
from providers.patience import Patience

_ROOTS = "root-cert.pem"
_END = "-----END CERTIFICATE-----"
_LOG_LINES = 4


class IstioError(Exception):
    """An istiod could not be made or started; the message says what was in the way."""


def status(folder: Path) -> Status:
    """How the istiod in `folder` is: it runs if it is kept alive, lives, and says that it is ready."""
    ports = Ports.read(folder)
    if ports is None or not (folder / KUBECONFIG).exists():
        return Status.MISSING
    group = Group(folder)
    if group.missing() or not group.is_supervised():
        return Status.STOPPED
    return Status.RUNNING if _is_ready(ports.status) else Status.STOPPED


def create(spec: Spec, folder: Path, patience: Patience) -> None:
    """Have the istiod in `folder` be what `spec` says; its webhooks answer when this returns.

    Raises `IstioError`, `BinaryError`, `PortTakenError`, `TimeoutError` or `CancelledError`. One that could not be made
    leaves nothing behind but its ports.
    """
    require_version(spec.version)
    ports = Ports.read(folder)
    if ports is None:
        raise IstioError(f"{folder.name} has no ports: IstiodPorts comes before it")
    is_new = status(folder) is Status.MISSING
    try:
        with folders.lock(folder):
            _bring_up(spec, folder, ports, patience)
    except BaseException:
        if is_new:
            folders.empty(folder)
        raise


def _bring_up(spec: Spec, folder: Path, ports: Ports, patience: Patience) -> None:
    group = Group(folder)
    if _write(spec, folder) or not group.is_supervised():
        group.stop()  # also what somebody has left behind who was killed
        claims.require_free((f"{name} of {folder.name}", port) for name, port in asdict(ports).items())
    group.run([istiod(folder, ports, spec)])
    _await(partial(_is_ready, ports.status), ISTIOD, folder, patience)
    pki = folder / "pki"
    answer = partial(
        webhooks.answer, webhooks.api_port(spec.kubeconfig, pki), pki, ports.webhooks, spec.certificates.get(_ROOTS)
    )
    _await(answer, "what the charts say of the webhooks", folder, patience)


def _write(spec: Spec, folder: Path) -> bool:
    """Write what istiod reads; whether it has to be started anew for that."""
    changes = [
        folders.write(folder / KUBECONFIG, spec.kubeconfig),
        folders.write(folder / "version", spec.version),
        _write_certificates(spec.certificates, folder / CERTIFICATES),
    ]
    return any(changes)


def _write_certificates(certificates: Mapping[str, str], folder: Path) -> bool:
    """Write what istiod signs with; whether it does not see that by itself.

    It takes others at run time, but roots only where the old ones are among the new ones or the other way round
    (`handleEvent` in pilot/pkg/bootstrap/istio_ca.go); and it watches for nothing if there was nothing at its start.
    """
    before = (folder / _ROOTS).read_text() if (folder / _ROOTS).exists() else ""
    old, new = _certificates(before), _certificates(certificates.get(_ROOTS, ""))
    if not certificates:
        shutil.rmtree(folder, ignore_errors=True)
        return bool(old)
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in certificates.items():
        folders.write(folder / name, text)
    return not old or not (old <= new or new <= old)


def _certificates(pem: str) -> set[str]:
    return {part.strip() for part in pem.split(_END) if part.strip()}


def _await(condition: Callable[[], bool], what: str, folder: Path, patience: Patience) -> None:
    log = Group(folder).log(ISTIOD)
    while not condition():
        try:
            patience.pause(f"{what} of {folder.name} (its log is {log})")
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {_tail(log)}") from None


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)  # whatever proxy the user has for elsewhere
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(line[:500] for line in lines[-_LOG_LINES:]) or f"{log} is empty"
