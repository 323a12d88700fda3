"""Pulumi's plugins: when the official ones serve, and when those of this repository do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lab.tools import plugins
from lab.tools.catalogue import KUBERNETES_PLUGIN, PLUGINS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "pulumi-home"


@pytest.fixture
def pulumi(tmp_path: Path, home: Path) -> Path:
    """A stand-in for the Pulumi CLI that notes its arguments, and makes the folder that an installation makes."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    folder = home / "plugins" / f"resource-kubernetes-{KUBERNETES_PLUGIN.version}"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/calls"\nmkdir -p "{folder}"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[BaseHTTPRequestHandler]]:
    """A server that stands for the place of the official plugins; its class's `status` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        status = 200

        def do_HEAD(self) -> None:
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setattr(plugins, "_DOWNLOADS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield Handler
        server.shutdown()
        thread.join()


def _environment(home: Path) -> dict[str, str]:
    return {"PULUMI_HOME": str(home), "PATH": "/usr/bin:/bin"}


@pytest.mark.usefixtures("downloads")
def test_the_official_plugin_is_reachable_where_its_server_answers() -> None:
    assert plugins.official_is_reachable()


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_is_no_download(downloads: type[BaseHTTPRequestHandler], status: int) -> None:
    downloads.status = status  # type: ignore[attr-defined]
    assert not plugins.official_is_reachable()


def test_nobody_at_the_address_is_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_DOWNLOADS", "http://127.0.0.1:1/")
    assert not plugins.official_is_reachable()


def test_a_stand_in_is_installed_from_its_binary_and_known_again(pulumi: Path, home: Path, tmp_path: Path) -> None:
    assert not plugins.installed(home)
    plugins.install(pulumi, _environment(home), stand_in=tmp_path / "our-plugin")
    assert plugins.installed(home)
    call = (tmp_path / "calls").read_text()
    version = KUBERNETES_PLUGIN.version.removeprefix("v")
    assert call.startswith(f"plugin install resource kubernetes {version}")
    assert f"--file {tmp_path / 'our-plugin'}" in call


def test_a_stand_in_of_yesterdays_source_is_not_current(
    pulumi: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.install(pulumi, _environment(home), stand_in=tmp_path / "our-plugin")
    monkeypatch.setitem(vars(KUBERNETES_PLUGIN), "digest", "tomorrow")
    assert not plugins.installed(home)


def test_an_official_plugin_is_not_replaced_when_our_source_changes(
    pulumi: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.install(pulumi, _environment(home), stand_in=None)
    monkeypatch.setitem(vars(KUBERNETES_PLUGIN), "digest", "tomorrow")
    assert plugins.installed(home)
    assert "--file" not in (tmp_path / "calls").read_text()


def test_a_failed_installation_says_what_pulumi_said(pulumi: Path, home: Path, tmp_path: Path) -> None:
    pulumi.write_text("#!/bin/sh\necho 'error: the archive is broken' >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match="could not be installed: error: the archive is broken"):
        plugins.install(pulumi, _environment(home), stand_in=tmp_path / "our-plugin")
    assert not plugins.installed(home)


def test_our_language_host_stands_beside_a_pulumi_that_was_built_here(pulumi: Path) -> None:
    for _ in range(2):
        plugins.place_language_host(pulumi)
        assert (pulumi.parent / "pulumi-language-python").readlink() == PLUGINS / "python" / "pulumi-language-python"


def test_a_language_host_of_a_clone_that_has_moved_is_replaced(pulumi: Path) -> None:
    (pulumi.parent / "pulumi-language-python").symlink_to("/nowhere/pulumi-language-python")
    plugins.place_language_host(pulumi)
    assert (pulumi.parent / "pulumi-language-python").readlink() == PLUGINS / "python" / "pulumi-language-python"


def test_an_official_pulumi_keeps_its_own_language_host(pulumi: Path, tmp_path: Path) -> None:
    link = tmp_path / "links" / "pulumi"
    link.parent.mkdir()
    link.symlink_to(pulumi)
    plugins.place_language_host(link)
    assert list(link.parent.iterdir()) == [link]
