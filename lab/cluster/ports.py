"""Ports of the lab's processes: chosen here, so that no two of a user's ever get the same, started or stopped.

They lie below the range from which the kernel gives ports to clients, and are given in blocks, one to a folder. Who has
which is written down in one file of the user, under a lock; a folder that is gone has lost its claim.
"""

from __future__ import annotations

import errno
import json
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import psutil
from filelock import FileLock
from platformdirs import user_cache_path

LOOPBACK = "127.0.0.1"
_FIRST = 20000
_LAST_BUT_ONE = 32768
_BLOCK = 16
_DYING_SECONDS = 2
_OVERLOADED_SECONDS = 30
_POLL_SECONDS = 0.02
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of a cluster, all on loopback."""

    api_server: int
    etcd: int
    etcd_peer: int
    controller_manager: int
    scheduler: int
    kwok: int


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


_T = TypeVar("_T", bound=_Dataclass)


class PortTakenError(Exception):
    """A port of a cluster is held by another process; the message names both."""


def claim(folder: Path, kind: type[_T], registry: Path | None = None) -> _T:
    """Give what is in `folder` the ports that `kind` names, free and no other's; they stay its until `release`.

    `kind` is a dataclass of port numbers, such as `Ports`. Raises `PortTakenError` when none are left.
    """
    names = [field.name for field in fields(kind)]
    with _claims(registry) as claims:
        taken = set(claims.values())
        for base in range(_FIRST, _end() - _BLOCK, _BLOCK):
            if base not in taken and all(is_free(port) for port in range(base, base + _BLOCK)):
                claims[str(folder)] = base
                return kind(**{name: base + number for number, name in enumerate(names)})
    raise PortTakenError(f"there are no {_BLOCK} free ports in a row from {_FIRST} to {_end() - 1} on {LOOPBACK}")


def release(folder: Path, registry: Path | None = None) -> None:
    """Give up the ports of what is in `folder`, once its processes, which have been ended, have let go of them."""
    with _claims(registry) as claims:
        base = claims.pop(str(folder), None)
        if base is not None:
            _await_free(range(base, base + _BLOCK), _OVERLOADED_SECONDS)


def is_free(port: int) -> bool:
    """Whether nothing listens on `port`, on loopback or on every address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that just ended do not count
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True


def require_free(ports: Iterable[tuple[str, int]]) -> None:
    """Raise `PortTakenError` for the first of the (user, port) pairs that is held by someone.

    One who has just been killed is given a moment to let go of it.
    """
    users = {port: user for user, port in ports}
    for port in _await_free(users, _DYING_SECONDS):
        raise PortTakenError(f"port {port} of {users[port]} is taken by {_holder(port)}: end that, and run again")


def of_dict(numbers: dict[str, int]) -> Ports:
    """Read ports back from what `as_dict` gave."""
    return Ports(**numbers)


def as_dict(ports: Ports) -> dict[str, int]:
    """The ports by name, for JSON."""
    return asdict(ports)


def _end() -> int:
    try:
        first_ephemeral = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _LAST_BUT_ONE
    # Where the kernel's range begins low there is no room below it, and only the claims and the probes protect.
    return min(first_ephemeral, _LAST_BUT_ONE) if first_ephemeral > _FIRST + 1000 else _LAST_BUT_ONE


def _await_free(ports: Iterable[int], seconds: float) -> list[int]:
    """Wait until nothing listens on `ports`, for no longer than `seconds`; those that are taken still."""
    end = time.monotonic() + seconds
    taken = list(ports)
    while (taken := [port for port in taken if not is_free(port)]) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    return taken


def _holder(port: int) -> str:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return "a process of another user"


@contextmanager
def _claims(registry: Path | None) -> Iterator[dict[str, int]]:
    file = registry or user_cache_path("fleet") / "ports.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        claims = json.loads(file.read_text()) if file.exists() else {}
        before = dict(claims)
        for folder in [folder for folder in claims if not Path(folder).exists()]:
            del claims[folder]
        yield claims
        if claims != before:
            new = file.with_suffix(".new")
            new.write_text(json.dumps(claims, indent=1))
            new.replace(file)
