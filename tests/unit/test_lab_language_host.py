"""The parts of the language host that need no engine."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from lab.plugins.python.language_host import environment
from lab.plugins.python.language_host.program import describe


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
