"""Pulumi's plugins: the official ones where they can be downloaded, and those of this repository where they cannot."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from lab.tools.catalogue import KUBERNETES_PLUGIN, PLUGINS

_DOWNLOADS = "https://get.pulumi.com/releases/plugins/"
_PROBE_SECONDS = 5
_LANGUAGE_HOST = "pulumi-language-python"


def installed(pulumi_home: Path) -> bool:
    """Whether the Kubernetes plugin is there: the official one, or our own as it is built from today's source."""
    mark = _mark(pulumi_home)
    current = not mark.exists() or mark.read_text() == KUBERNETES_PLUGIN.digest
    return current and (pulumi_home / "plugins" / f"resource-kubernetes-{KUBERNETES_PLUGIN.version}").is_dir()


def official_is_reachable() -> bool:
    """Whether this machine reaches the place that Pulumi downloads its plugins from."""
    plugin = f"{_DOWNLOADS}pulumi-resource-kubernetes-{KUBERNETES_PLUGIN.version}-linux-amd64.tar.gz"
    try:
        with urllib.request.urlopen(urllib.request.Request(plugin, method="HEAD"), timeout=_PROBE_SECONDS):  # noqa: S310
            return True
    except OSError:
        return False


def install(pulumi: Path, environment: Mapping[str, str], *, stand_in: Path | None) -> None:
    """Install the Kubernetes plugin with the CLI `pulumi`: from the binary `stand_in`, or else by download.

    Raises `RuntimeError` with what the CLI said.
    """
    command = [str(pulumi), "plugin", "install", "resource", "kubernetes", KUBERNETES_PLUGIN.version.removeprefix("v")]
    mark = _mark(Path(environment["PULUMI_HOME"]))
    if stand_in is not None:
        command += ["--file", str(stand_in), "--reinstall"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        message = f"the Kubernetes plugin for Pulumi could not be installed: {answer.stderr.strip()}"
        raise RuntimeError(message)
    if stand_in is not None:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(KUBERNETES_PLUGIN.digest)


def place_language_host(pulumi: Path) -> None:
    """Put our Python language host beside the CLI `pulumi`, unless that is a link to an official one with its own."""
    place = pulumi.parent / _LANGUAGE_HOST
    if not pulumi.is_symlink() and not place.exists():
        place.unlink(missing_ok=True)
        place.symlink_to(PLUGINS / "python" / _LANGUAGE_HOST)


def _mark(pulumi_home: Path) -> Path:
    return pulumi_home / "stand-ins" / "resource-kubernetes"
