"""The tools' pins: read from go.mod alone, and the cache's key changes with what is built and with nothing else."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from lab.tools.catalogue import (
    ISTIO,
    KUBERNETES,
    KUBERNETES_PLUGIN,
    PULUMI,
    TOOLSETS,
    Program,
    Toolset,
    parse_go_version,
)

_GO_MOD = (
    "module example.com/tools\n\ngo 1.25.3\n\nrequire (\n\texample.com/tool/v2 v2.3.4\n\texample.com/other v0.1.0\n)\n"
)


@pytest.fixture
def toolset(tmp_path: Path) -> Toolset:
    (tmp_path / "go.mod").write_text(_GO_MOD)
    (tmp_path / "go.sum").write_text("example.com/tool/v2 v2.3.4 h1:abc=\n")
    (tmp_path / "main.go").write_text("package main\n")
    return Toolset(
        name="tool",
        folder=tmp_path,
        module="example.com/tool/v2",
        programs=(Program(name="tool", package="example.com/tool/v2/cmd/tool"),),
        linker_values=(("main.version", "v{version}"), ("main.major", "{major}"), ("main.minor", "{minor}")),
    )


def test_versions_are_those_of_go_mod(toolset: Toolset) -> None:
    assert toolset.version == "v2.3.4"
    assert toolset.go_version == (1, 25, 3)
    assert toolset.linker_flags == "-s -w -X main.version=v2.3.4 -X main.major=2 -X main.minor=3"


def test_a_pin_on_a_line_of_its_own_is_found(toolset: Toolset) -> None:
    (toolset.folder / "go.mod").write_text("module m\n\nrequire example.com/tool/v2 v2.9.0\n")
    assert toolset.version == "v2.9.0"


def test_the_pin_of_a_module_whose_name_only_ends_alike_is_not_taken(toolset: Toolset) -> None:
    (toolset.folder / "go.mod").write_text("module m\n\nrequire mirror/example.com/tool/v2 v1.0.0\n")
    with pytest.raises(LookupError, match=r"go\.mod does not pin example\.com/tool/v2"):
        _ = toolset.version


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("go.mod", "v2.3.4", "v2.3.5"),
        ("go.mod", "v0.1.0", "v0.1.1"),
        ("go.sum", "abc", "abd"),
        ("main.go", "main", "other"),
    ],
)
def test_the_digest_changes_with_a_pin_or_a_source_file(toolset: Toolset, file: str, old: str, new: str) -> None:
    before = toolset.digest
    path = toolset.folder / file
    path.write_text(path.read_text().replace(old, new))
    assert replace(toolset).digest != before


def test_the_digest_changes_with_a_file_that_comes_or_is_renamed(toolset: Toolset) -> None:
    before = toolset.digest
    (toolset.folder / "inner").mkdir()
    (toolset.folder / "inner" / "more.go").write_text("package inner\n")
    added = replace(toolset).digest
    (toolset.folder / "inner" / "more.go").rename(toolset.folder / "inner" / "renamed.go")
    assert len({before, added, replace(toolset).digest}) == 3


def test_the_digest_changes_with_a_build_flag(toolset: Toolset) -> None:
    assert replace(toolset, linker_values=()).digest != toolset.digest


def test_the_digest_changes_with_a_build_tag(toolset: Toolset) -> None:
    assert replace(toolset, tags=("small",)).digest != toolset.digest


def test_a_toolset_whose_module_has_no_releases_has_the_version_of_another(toolset: Toolset) -> None:
    assert replace(toolset, release="example.com/other").version == "v0.1.0"


def test_the_digest_does_not_change_with_anything_that_is_not_built(toolset: Toolset) -> None:
    before = toolset.digest
    (toolset.folder / "main_test.go").write_text("package main\n")
    (toolset.folder / "README.md").write_text("About it.\n")
    (toolset.folder / "main.go").touch()
    assert replace(toolset).digest == before


def test_the_digest_does_not_depend_on_where_the_clone_is(
    toolset: Toolset, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("another") / "clone"
    shutil.copytree(toolset.folder, elsewhere)
    assert replace(toolset, folder=elsewhere).digest == toolset.digest


@pytest.mark.parametrize("name", sorted(TOOLSETS))
def test_every_toolset_of_the_fleet_is_pinned_with_its_checksums(name: str) -> None:
    toolset = TOOLSETS[name]
    assert re.fullmatch(r"v\d+\.\d+\.\d+", toolset.version)
    assert (toolset.folder / "go.sum").stat().st_size > 0


def test_the_programs_of_all_toolsets_have_different_names() -> None:
    names = [program.name for toolset in TOOLSETS.values() for program in toolset.programs]
    assert len(set(names)) == len(names)


def test_the_engine_and_the_plugin_have_the_versions_of_their_python_packages() -> None:
    assert PULUMI.version == f"v{version('pulumi')}"
    assert KUBERNETES_PLUGIN.version == f"v{version('pulumi-kubernetes')}"


def test_every_module_of_kubernetes_is_pinned_to_the_release_of_the_api_server() -> None:
    pins = re.findall(
        r"^\s*k8s\.io/\S+ => k8s\.io/\S+ v0\.(\S+)$", (KUBERNETES.folder / "go.mod").read_text(), re.MULTILINE
    )
    assert pins
    assert {f"v1.{pin}" for pin in pins} == {KUBERNETES.version}


def test_istio_and_its_client_are_of_the_release_of_its_api() -> None:
    pins = dict(
        re.findall(r"^\s*(istio\.io/\S+) v(\S+) // indirect$", (ISTIO.folder / "go.mod").read_text(), re.MULTILINE)
    )
    assert pins["istio.io/client-go"] == pins["istio.io/api"]
    assert ISTIO.version == f"v{pins['istio.io/api']}"
    assert parse_go_version(ISTIO.version) >= (1, 31, 1)


def test_versions_of_go_compare_as_numbers() -> None:
    assert parse_go_version("go1.9.7") < parse_go_version("1.10") < parse_go_version("go1.26.8") < (1, 27)
    assert parse_go_version("go1.26.8") == (1, 26, 8)


def test_what_the_compiler_calls_a_binary_is_known() -> None:
    assert Program(name="etcd", package="go.etcd.io/etcd/server/v3", module_name="server").go_name == "server"
    assert Program(name="kwok", package="sigs.k8s.io/kwok/cmd/kwok").go_name == "kwok"
