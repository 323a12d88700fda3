"""The language host, asked without an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from lab.plugins.python.language_host import environment
from lab.plugins.python.language_host.program import describe

_HOST = Path(environment.__file__).parents[1] / "pulumi-language-python"


def _fail(folder: Path, code: str) -> str:
    file = folder / "__main__.py"
    file.write_text(code)
    with pytest.raises(ValueError, match="wrong") as raised:
        exec(compile(code, str(file), "exec"), {})  # noqa: S102
    return describe(raised.value, folder)


def test_a_traceback_is_cut_to_the_program(tmp_path: Path) -> None:
    said = _fail(
        tmp_path, "import json\njson.loads('1', parse_int=lambda _: (_ for _ in ()).throw(ValueError('wrong')))\n"
    )
    assert "__main__.py" in said
    assert "json/decoder.py" not in said
    assert __file__ not in said
    assert said.endswith("ValueError: wrong")


def test_the_cause_of_an_error_is_cut_too(tmp_path: Path) -> None:
    said = _fail(
        tmp_path,
        "import json\ntry:\n    json.loads('{')\nexcept ValueError as cause:\n    raise ValueError('wrong') from cause",
    )
    assert "line 3" in said
    assert "line 5" in said
    assert "decoder.py" not in said


def test_an_error_from_elsewhere_keeps_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="invalid") as raised:
        int("x")
    assert __file__ in describe(raised.value, tmp_path)


def test_the_interpreter_is_the_one_the_project_asks_for() -> None:
    assert environment.interpreter("/project", ".venv") == Path("/project/.venv/bin/python")
    assert environment.is_own(environment.interpreter("/project", ""))
    assert environment.is_own(Path(sys.prefix) / "bin" / "python")
    assert not environment.is_own(Path("/project/.venv/bin/python"))


def test_finds_the_plugins_that_installed_packages_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "pulumi_one": '{"resource": true, "name": "one", "version": "1.2.3", "server": "https://example.com"}',
        "pulumi_policy": '{"resource": false}',
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "pulumi-plugin.json").write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found = list(environment.plugins())
    assert [(plugin["name"], plugin["version"], plugin["server"]) for plugin in found] == [
        ("one", "1.2.3", "https://example.com")
    ]


def test_the_kubernetes_plugin_is_asked_for_in_the_installed_version() -> None:
    assert metadata.version("pulumi-kubernetes") in {
        plugin["version"] for plugin in environment.plugins() if plugin["name"] == "kubernetes"
    }


@pytest.fixture
def host() -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    """A language host that runs, and a connection to it."""
    environment_of_tests = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    with subprocess.Popen(
        [_HOST, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, env=environment_of_tests
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield language_pb2_grpc.LanguageRuntimeStub(channel)
        process.terminate()


def _info(folder: Path) -> language_pb2.ProgramInfo:
    return language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".")


@pytest.mark.parametrize("kind", ["analyzer", "resource"])
def test_runs_a_plugin_that_is_written_in_python(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "__main__.py").write_text(
        "import os, sys\n"
        "print(sys.prefix, os.environ['GREETING'], '127.0.0.1:1' in sys.argv)\n"
        "print('a warning', file=sys.stderr)\n"
        "sys.exit(3)\n"
    )
    request = language_pb2.RunPluginRequest(
        kind=kind, pwd=str(tmp_path), info=_info(tmp_path), args=["127.0.0.1:1"], env=["GREETING=hello"]
    )
    answers = list(host.RunPlugin(request))
    assert b"".join(answer.stdout for answer in answers).decode() == f"{sys.prefix} hello True\n"
    assert b"".join(answer.stderr for answer in answers) == b"a warning\n"
    assert answers[-1].exitcode == 3


def test_tells_the_engine_which_plugins_the_program_needs(
    host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    answer = host.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=_info(tmp_path)))
    found = {(package.name, package.kind, package.version) for package in answer.packages}
    assert ("kubernetes", "resource", f"v{metadata.version('pulumi-kubernetes')}") in found


def test_tells_what_it_is(host: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    about = host.About(language_pb2.AboutRequest(info=_info(tmp_path)))
    assert about.executable == sys.executable
    dependencies = host.GetProgramDependencies(language_pb2.GetProgramDependenciesRequest(info=_info(tmp_path)))
    assert ("pulumi", metadata.version("pulumi")) in {
        (found.name, found.version) for found in dependencies.dependencies
    }
    assert not host.RuntimeOptionsPrompts(language_pb2.RuntimeOptionsRequest(info=_info(tmp_path))).prompts
