"""The Python environment of a program, and what of Pulumi is installed in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any


def interpreter(root: str, virtualenv: str) -> Path:
    """The interpreter that a project in `root` asks for by its option `virtualenv`; without it, this process's own."""
    return Path(root, virtualenv, "bin", "python") if virtualenv else Path(sys.executable)


def is_own(python: Path) -> bool:
    """Whether `python` belongs to the environment that this process runs in."""
    return python.parent.parent.resolve() == Path(sys.prefix).resolve()


def plugins() -> Iterator[dict[str, Any]]:
    """What the installed packages say of the resource plugins that they need: `name`, `version`, perhaps `server`."""
    for folder in {Path(entry) for entry in sys.path if Path(entry).is_dir()}:
        for file in sorted(folder.glob("*/pulumi-plugin.json")):
            plugin = json.loads(file.read_text())
            if plugin.get("resource"):
                name = file.parent.name
                version = plugin.get("version") or metadata.version(name.replace("_", "-"))
                yield {"name": name.removeprefix("pulumi_"), **plugin, "version": version}


def distributions() -> Iterator[tuple[str, str]]:
    """Name and version of everything that is installed."""
    for distribution in metadata.distributions():
        yield distribution.metadata["Name"], distribution.version
