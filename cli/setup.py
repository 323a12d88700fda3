"""Sets up what `pulumi up` needs on a fresh machine: tools, plugins, state backend, passphrase and stack."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rich.console import Console

from cli.pulumi import Pulumi
from cli.workspace import Workspace
from lab.tools import plugins
from lab.tools.build import Progress, default_cache, provide
from lab.tools.catalogue import HELM, ISTIO, KARMADA, KUBERNETES, KUBERNETES_PLUGIN, PULUMI


def prepare(workspace: Workspace, console: Console) -> Pulumi:
    """Make the workspace ready and return its Pulumi; what is there already is left as it is.

    Raises `lab.tools.build.BuildError` or `RuntimeError`, with a text for the person at the terminal.
    """
    workspace.create()
    plugin_is_missing = not plugins.installed(workspace.pulumi_home)
    stand_in = plugin_is_missing and not plugins.official_is_reachable()

    toolsets = [PULUMI, KUBERNETES, KARMADA, HELM, ISTIO, *([KUBERNETES_PLUGIN] if stand_in else [])]
    with console.status("looking for the tools") as status:
        places = provide(
            toolsets,
            cache=default_cache(),
            on_progress=lambda progress: status.update(_describe(progress)),
            on_wait=lambda: console.print("Another build of the tools is running: waiting for it."),
        )
    plugin = places.pop(KUBERNETES_PLUGIN.name, None)
    for name, place in places.items():
        _link(place, workspace.bin / name)
    plugins.place_language_host(workspace.pulumi)
    if plugin_is_missing:
        plugins.install(workspace.pulumi, workspace.environment(), stand_in=plugin)
        if plugin:
            console.print(
                f"The official Kubernetes plugin {KUBERNETES_PLUGIN.version} cannot be downloaded here: "
                "the one in lab/plugins/kubernetes stands in."
            )

    pulumi = Pulumi(workspace)
    pulumi.select_stack()
    return pulumi


def _describe(progress: Progress) -> str:
    toolset = progress.toolset
    minutes, seconds = divmod(int(progress.seconds), 60)
    programs = f"{len(progress.built)} of {len(toolset.programs)} programs linked"
    return (
        f"building {toolset.name} {toolset.version} ({progress.number} of {progress.total} toolsets): "
        f"{programs}, {minutes}:{seconds:02d}"
    )


def _link(tool: Path, link: Path) -> None:
    """Make `link` the tool: a file of its own for a program built here, a symbolic link for anything else.

    Pulumi looks for its language host beside the file that it really is, so what was built may not be a symbolic link.
    """
    if link.exists() and (link.samefile(tool) or (not link.is_symlink() and _same_content(link, tool))):
        return
    link.unlink(missing_ok=True)
    if tool.is_dir() or not tool.is_relative_to(default_cache()):
        link.symlink_to(tool)
        return
    try:
        os.link(tool, link)
    except OSError:  # another file system
        shutil.copy2(tool, link)


def _same_content(one: Path, other: Path) -> bool:
    a, b = one.stat(), other.stat()
    return (a.st_size, int(a.st_mtime)) == (b.st_size, int(b.st_mtime))
