"""Builds toolsets into the user's cache, once for every clone: `<cache>/tools/<toolset>-<digest>/<program>`.

A build writes beside its place and is renamed into it when it is whole, so a reader never sees half of one. One build
runs at a time; the others wait for it and then find its result. What the compiler needs on the way, several GB of
modules and objects, lies in `<cache>/build`: it survives a build that was killed, so that the next one goes on from
there, and is removed when everything asked for is built.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from lab.tools.catalogue import Program, Toolset
from lab.tools.go import find_go

GIB = 2**30
# A build of everything but Istio peaked at 11.2 GiB of modules, objects and binaries, and one of Istio alone at 3.4.
_DISK_NEEDED = 17 * GIB
_POLL_SECONDS = 0.5
# The linker would drop them: not making them saves a tenth of the time and a fifth of the objects.
_NO_DEBUG_DATA = "-gcflags=all=-dwarf=false"


class BuildError(Exception):
    """A tool could not be built; the text says which, why and what to do."""


class UnreachableError(BuildError):
    """A tool could not be built because what it is built from cannot be downloaded here."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a build stands: `toolset` is the `number`-th of `total` (from 1), `built` of its programs are linked."""

    toolset: Toolset
    number: int
    total: int
    built: tuple[str, ...]
    seconds: float


def default_cache() -> Path:
    """The user's cache of the fleet: `$XDG_CACHE_HOME/fleet`, by default `~/.cache/fleet`."""
    return user_cache_path("fleet")


def provide(
    toolsets: Iterable[Toolset],
    *,
    cache: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_wait: Callable[[], None] = lambda: None,
) -> dict[str, Path]:
    """Make every program of `toolsets` and the files that come with them available; where each is, by name.

    What the cache lacks and PATH has in the pinned version is used from there as it is; the rest is built.
    `on_progress` is called about twice a second during a build, `on_wait` once if another build has to end first.
    Raises `BuildError`.
    """
    places: dict[str, Path] = {}
    missing: list[Toolset] = []
    for toolset in toolsets:
        found = _in_cache(toolset, cache) or _on_path(toolset)
        places.update(found)
        if not found:
            missing.append(toolset)
    if not missing:
        return places

    cache.mkdir(parents=True, exist_ok=True)
    with _build_lock(cache, on_wait):
        for number, toolset in enumerate(missing, start=1):
            if not _in_cache(toolset, cache):
                _build(toolset, cache, number=number, total=len(missing), on_progress=on_progress)
            places.update(_in_cache(toolset, cache))
        shutil.rmtree(_workshop(cache), ignore_errors=True)
    return places


@contextmanager
def _build_lock(cache: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    lock = FileLock(cache / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _workshop(cache: Path) -> Path:
    return cache / "build"


def _in_cache(toolset: Toolset, cache: Path) -> dict[str, Path]:
    place = _place(toolset, cache)
    names = [program.name for program in toolset.programs] + [files.name for files in toolset.files]
    return {name: place / name for name in names} if place.is_dir() else {}


def _place(toolset: Toolset, cache: Path) -> Path:
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return cache / "tools" / f"{toolset.name}-{toolset.version}-{machine}-{toolset.digest}"


def _on_path(toolset: Toolset) -> dict[str, Path]:
    """The toolset's programs on PATH, if all are there in the pinned version.

    Never for a toolset of our own, or one with files: those are only had with its module.
    """
    if toolset.module is None or toolset.files:
        return {}
    found: dict[str, Path] = {}
    for program in toolset.programs:
        path = shutil.which(program.name)
        if path is None or not _is_version(path, program, toolset.version_of(program)):
            return {}
        found[program.name] = Path(path)
    return found


def _is_version(path: str, program: Program, version: str) -> bool:
    answer = subprocess.run([path, *program.version_arguments], capture_output=True, text=True, check=False)
    return version.removeprefix("v") in answer.stdout.replace("v", " ").split()


def _build(toolset: Toolset, cache: Path, *, number: int, total: int, on_progress: Callable[[Progress], None]) -> None:
    _require_disk(cache)
    try:
        go = find_go(toolset.go_version, cache)
    except RuntimeError as error:
        raise UnreachableError(str(error)) from error

    workshop = _workshop(cache)
    output = workshop / toolset.name
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        build = subprocess.Popen(
            [str(go), "build", "-trimpath", "-modcacherw", "-mod=readonly", _NO_DEBUG_DATA]
            + [f"-tags={','.join(toolset.tags)}", f"-ldflags={toolset.linker_flags}"]
            + ["-o", f"{output}/", *(program.package for program in toolset.programs)],
            cwd=toolset.folder,
            env=_environment(workshop),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while build.poll() is None:
                built = tuple(p.name for p in toolset.programs if (output / p.go_name).exists())
                seconds = time.monotonic() - started
                on_progress(Progress(toolset=toolset, number=number, total=total, built=built, seconds=seconds))
                time.sleep(_POLL_SECONDS)
        finally:
            build.terminate()
            build.wait()
        if build.returncode != 0:
            log.seek(0)
            raise _failure(toolset, log.read(), cache)
    for program in toolset.programs:
        (output / program.go_name).rename(output / program.name)
    for files in toolset.files:
        shutil.copytree(_module_folder(go, toolset, workshop) / files.path, output / files.name)
    place = _place(toolset, cache)
    place.parent.mkdir(parents=True, exist_ok=True)
    output.rename(place)


def _module_folder(go: Path, toolset: Toolset, workshop: Path) -> Path:
    """Where the build has put the source of the toolset's module."""
    answer = subprocess.run(
        [str(go), "list", "-m", "-mod=readonly", "-f={{.Dir}}", str(toolset.module)],
        cwd=toolset.folder,
        env=_environment(workshop),
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(answer.stdout.strip())


def _environment(workshop: Path) -> dict[str, str]:
    """The user's environment with the build's own caches, and nothing that would change what is built."""
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(workshop / "objects"),
        "GOMODCACHE": str(workshop / "modules"),
        "GOFLAGS": "-buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _require_disk(cache: Path) -> None:
    free = shutil.disk_usage(cache).free
    if free < _DISK_NEEDED:
        message = (
            f"building the tools needs {_DISK_NEEDED // GIB} GiB free in {cache}, and {free / GIB:.1f} GiB are: "
            "make room, or point XDG_CACHE_HOME to a larger disk"
        )
        raise BuildError(message)


_NETWORK_SIGNS = ("dial tcp", "no such host", "i/o timeout", "connection refused", "TLS handshake", "proxyconnect")


def _failure(toolset: Toolset, log: str, cache: Path) -> BuildError:
    last_lines = "\n".join(log.strip().splitlines()[-12:])
    if "no space left on device" in log:
        return BuildError(
            f"the disk of {cache} is full: make room and run it again; the build goes on where it stopped"
        )
    if any(sign in log for sign in _NETWORK_SIGNS):
        return UnreachableError(
            f"{toolset.name} cannot be built: its Go modules cannot be downloaded. Check the network, or GOPROXY if "
            f"modules come from a mirror.\n{last_lines}"
        )
    return BuildError(f"{toolset.name} {toolset.version} does not build:\n{last_lines}")
