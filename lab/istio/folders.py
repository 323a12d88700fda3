"""The folder of an istiod: where it is, who may change it, and how it goes away with all that is in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from lab.cluster import ports as claims
from lab.processes import Group

PORTS = "ports.json"
"""The file that outlives the process: the ports are there before it and after it."""


def of_identity(root: Path, identity: str) -> Path:
    """The folder of the istiod with the ID `<directory>/<name>`; the directory is relative to the project's `root`."""
    directory, _, name = identity.rpartition("/")
    return root.resolve() / directory / "istiod" / name


def empty(folder: Path) -> None:
    """End the process in `folder`, and remove all but its ports."""
    with lock(folder):
        Group(folder).stop()
        for path in folder.glob("*"):
            if path.name == PORTS:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def remove(folder: Path) -> None:
    """Remove `folder`, however it is found: no process, port or file is left."""
    with lock(folder):
        Group(folder).stop()
        if folder.exists():
            shutil.rmtree(folder)
        claims.release(folder)
        _lock_file(folder).unlink(missing_ok=True)
    with suppress(OSError):  # something else of the stack is in there still
        for parent in folder.parents[:2]:
            parent.rmdir()


def remove_all(directory: Path) -> None:
    """Remove every istiod in `directory`, also those that no state knows because their making was killed."""
    for folder in sorted((directory.resolve() / "istiod").glob("*/")):
        remove(folder)


def write(file: Path, text: str) -> bool:
    """Make `text` the whole content of `file`, which its owner alone can read; whether that is a change."""
    if file.exists() and file.read_text() == text:
        return False
    new = file.with_name(f"{file.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    new.replace(file)
    return True


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold `folder`: whoever else wants to change it waits."""
    for parent in reversed(folder.parents[:-1]):
        parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(_lock_file(folder)):
        yield


def _lock_file(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.lock"
