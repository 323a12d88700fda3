"""What the language host does with a program: runs it where and as it should, and shows its errors and no others'."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.conftest import REPOSITORY, Project

HOST = REPOSITORY / "lab" / "plugins" / "python" / "pulumi-language-python"


def _preview(project: Project, program: str, *, fails: bool = False) -> str:
    (project.root / "__main__.py").write_text(program)
    return project.run("preview", fails=fails)


def test_runs_with_the_project_to_import_from_and_as_working_directory(empty_project: Project) -> None:
    (empty_project.root / "part.py").write_text("def late():\n    import other\n    return other.VALUE\n")
    (empty_project.root / "other.py").write_text("VALUE = 'from a module of the project'\n")
    said = _preview(
        empty_project,
        "import pathlib, pulumi, sys, part\n"
        "pulumi.export('late', pulumi.Output.from_input(1).apply(lambda _: part.late()))\n"
        "pulumi.export('here', pathlib.Path('Pulumi.yaml').exists())\n"
        "pulumi.export('python', sys.prefix)\n"
        "pulumi.export('stack', f'{pulumi.get_project()}/{pulumi.get_stack()}')\n",
    )
    assert 'late  : "from a module of the project"' in said
    assert "here  : true" in said
    assert f'python: "{sys.prefix}"' in said
    assert 'stack : "test/test"' in said


def test_an_error_for_the_user_is_shown_once_and_without_a_traceback(empty_project: Project) -> None:
    said = _preview(empty_project, "import pulumi\nraise pulumi.RunError('tenants[0].name: no')\n", fails=True)
    diagnostics = said[said.index("Diagnostics:") :]
    assert diagnostics.count("tenants[0].name: no") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "program",
    [
        "import json, pulumi\n\ndef broken(_):\n    return json.loads('{')\n\npulumi.Output.format('').apply(broken)\n",
        "import json\n\ndef broken(_):\n    return json.loads('{')\n\nbroken(1)\n",
    ],
    ids=["in an apply", "in the program"],
)
def test_a_mistake_in_the_program_is_shown_with_the_programs_own_lines(empty_project: Project, program: str) -> None:
    said = _preview(empty_project, program, fails=True)
    diagnostics = said[said.index("Diagnostics:") :]
    assert f'{empty_project.root / "__main__.py"}", line 4, in broken' in diagnostics
    assert "JSONDecodeError" in diagnostics
    assert diagnostics.count("Traceback") == 1
    assert "site-packages" not in diagnostics
    assert "runpy" not in diagnostics


def test_a_project_with_an_environment_of_its_own_runs_in_that(empty_project: Project, tmp_path: Path) -> None:
    own = tmp_path / "project" / "own"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own)], check=True)
    packages = next(own.glob("lib/python*/site-packages"))
    shared = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    (packages / "shared.pth").write_text(f"{shared}\n")
    settings = empty_project.root / "Pulumi.yaml"
    settings.write_text(
        settings.read_text().replace("runtime: python", "runtime:\n  name: python\n  options:\n    virtualenv: own")
    )
    said = _preview(empty_project, "import pulumi, sys\npulumi.export('python', sys.prefix)\n")
    assert f'python: "{own}"' in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_without_a_word(number: signal.Signals) -> None:
    host = subprocess.Popen([HOST, "127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert host.stdout is not None
    assert host.stdout.readline().strip().isdigit()
    host.send_signal(number)
    said, complained = host.communicate(timeout=10)
    assert (host.returncode, said, complained) == (0, "", "")
