"""A group of processes is kept alive, known by its folder, and gone without a trace when it is stopped."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lab.processes import Group, Program, ending

_SECONDS = 20


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """A group with nothing in it yet; it is stopped after the test."""
    made = Group(tmp_path / "group with 100%")
    made.folder.mkdir()
    yield made
    made.stop()


def _program(group: Group, name: str, **changes: object) -> Program:
    """A program that writes the number of its process and waits."""
    script = group.folder / name
    script.write_text(
        "import os, signal\nprint('pid', os.getpid(), os.environ.get('COLOUR', ''), flush=True)\nsignal.pause()\n"
    )
    return Program(name=name, command=[sys.executable, str(script)], **changes)  # type: ignore[arg-type]


def _eventually(condition: Callable[[], object]) -> object:
    end = time.monotonic() + _SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, "still not so"
        time.sleep(0.02)
    return value


def _lines(group: Group, name: str) -> list[str]:
    """The whole lines of a program's log."""
    log = group.log(name)
    return log.read_text().split("\n")[:-1] if log.exists() else []


def _pid(group: Group, name: str) -> int:
    return int(str(_eventually(lambda: _lines(group, name))[-1]).split()[1])  # type: ignore[index]


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_it_runs_with_its_own_variables_and_nobody_else_can_read_it(group: Group) -> None:
    group.run([_program(group, "a", environment={"COLOUR": "green"})])
    pid = _pid(group, "a")
    assert _lines(group, "a") == [f"pid {pid} green"]
    assert group.missing() == []
    assert group.log("a").stat().st_mode & 0o077 == 0
    assert (group.folder / "supervisord.conf").stat().st_mode & 0o022 == 0


def test_what_dies_is_started_again(group: Group) -> None:
    group.run([_program(group, "a"), _program(group, "b")])
    first, other = _pid(group, "a"), _pid(group, "b")
    os.kill(first, 9)
    _eventually(lambda: _pid(group, "a") != first)
    assert _pid(group, "b") == other


def test_the_same_again_touches_nothing(group: Group) -> None:
    programs = [_program(group, "a")]
    group.run(programs)
    first = _pid(group, "a")
    group.run(programs)
    assert _pid(group, "a") == first
    assert _lives(first)


def test_something_else_takes_the_place_of_what_was(group: Group) -> None:
    group.run([_program(group, "a"), _program(group, "b")])
    first, other = _pid(group, "a"), _pid(group, "b")
    group.run([_program(group, "a", environment={"COLOUR": "red"})])
    _eventually(lambda: _lines(group, "a")[-1].endswith("red"))
    assert not _lives(first)
    assert not _lives(other)
    assert group.missing() == []


def test_a_program_waits_for_the_file_that_it_needs(group: Group) -> None:
    needed = group.folder / "there"
    group.run([_program(group, "a", after=str(needed)), _program(group, "b")])
    _pid(group, "b")
    assert group.missing() == ["a"]
    needed.touch()
    _pid(group, "a")
    assert group.missing() == []


def test_stopped_it_is_gone_also_when_its_supervisor_was_killed(group: Group) -> None:
    group.run([_program(group, "a")])
    pid = _pid(group, "a")
    supervisor = psutil.Process(int((group.folder / "supervisord.pid").read_text()))
    ending.kill([supervisor])
    assert not group.is_supervised()
    assert _lives(pid)
    group.stop()
    assert not _lives(pid)


def test_another_group_is_left_alone(group: Group, tmp_path: Path) -> None:
    other = Group(tmp_path / "group with 100%-2")
    other.folder.mkdir()
    try:
        group.run([_program(group, "a")])
        other.run([_program(other, "a")])
        pid = _pid(other, "a")
        group.stop()
        assert other.is_supervised()
        assert _lives(pid)
    finally:
        other.stop()
