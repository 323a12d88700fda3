"""Building the tools: once for everybody, whole or not at all, and with a clear word when it cannot be done.

Most of it is tried with a stand-in for `go` that takes no time; that a real Go understands what it is told, at the end.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from lab.tools import build
from lab.tools.build import BuildError, Progress, UnreachableError, provide
from lab.tools.catalogue import KUBERNETES, Program, Toolset

_ROOT = Path(build.__file__).parents[2]
_SECONDS_TO_WAIT = 30

# Writes a line to $FAKE/calls for each build, waits for $FAKE/gate if that is a pipe, and "builds" by its arguments.
_FAKE_GO = """\
#!/bin/sh
if [ "$1" = env ]; then echo go1.26.8; exit 0; fi
echo "$PWD" >> "$FAKE/calls"
if [ -f "$FAKE/failure" ]; then cat "$FAKE/failure" >&2; exit 1; fi
output=
for argument; do
  if [ "$output" = next ]; then output=$argument; fi
  if [ "$argument" = -o ]; then output=next; fi
done
mkdir -p "$GOCACHE" "$GOMODCACHE" && touch "$GOCACHE/object" "$GOMODCACHE/module"
for argument; do
  case $argument in example.com/*)
    echo half > "$output/${argument##*/}"
    if [ -p "$FAKE/gate" ]; then read -r _ < "$FAKE/gate"; fi
    printf '#!/bin/sh\\necho built\\n' > "$output/${argument##*/}"
  esac
done
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stand-in for `go`, which is the only one on PATH."""
    folder = tmp_path / "fake"
    folder.mkdir()
    _script(folder / "go", _FAKE_GO)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE", str(folder))
    monkeypatch.setattr(build, "_DISK_NEEDED", 0)
    return folder


@pytest.fixture
def toolset(tmp_path: Path) -> Toolset:
    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "go.mod").write_text("module m\n\ngo 1.21\n\nrequire example.com/tool v1.2.3\n")
    programs = (Program(name="tool", package="example.com/tool/cmd/tool"),)
    return Toolset(name="tool", folder=folder, module="example.com/tool", programs=programs)


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _await(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _calls(fake: Path) -> int:
    calls = fake / "calls"
    return len(calls.read_text().splitlines()) if calls.exists() else 0


def test_a_tool_is_built_once_and_then_found(fake: Path, toolset: Toolset, tmp_path: Path) -> None:
    first = provide([toolset], cache=tmp_path / "cache")
    assert first["tool"].read_text().endswith("echo built\n")
    assert provide([replace(toolset)], cache=tmp_path / "cache") == first
    assert _calls(fake) == 1


def test_a_changed_pin_is_built_beside_the_old_one(fake: Path, toolset: Toolset, tmp_path: Path) -> None:
    before = provide([toolset], cache=tmp_path / "cache")["tool"]
    go_mod = toolset.folder / "go.mod"
    go_mod.write_text(go_mod.read_text().replace("v1.2.3", "v1.2.4"))
    after = provide([replace(toolset)], cache=tmp_path / "cache")["tool"]
    assert before.exists()
    assert after.exists()
    assert "v1.2.4" in str(after)
    assert _calls(fake) == 2


@pytest.mark.usefixtures("fake")
def test_what_the_compiler_needed_is_gone_afterwards(toolset: Toolset, tmp_path: Path) -> None:
    place = provide([toolset], cache=tmp_path / "cache")["tool"]
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.name != "build.lock"]
    assert files == [place]


def test_two_builds_at_once_are_one_and_the_other_is_told_that_it_waits(
    fake: Path, toolset: Toolset, tmp_path: Path
) -> None:
    os.mkfifo(fake / "gate")
    waiting = threading.Event()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(provide, [toolset], cache=tmp_path / "cache")
        _await(lambda: _calls(fake) == 1)
        second = pool.submit(provide, [replace(toolset)], cache=tmp_path / "cache", on_wait=waiting.set)
        assert waiting.wait(_SECONDS_TO_WAIT)
        assert not second.done()
        (fake / "gate").write_text("go on\n")
        assert first.result(_SECONDS_TO_WAIT) == second.result(_SECONDS_TO_WAIT)
    assert _calls(fake) == 1


def test_a_killed_build_leaves_nothing_that_is_taken_for_a_tool(fake: Path, toolset: Toolset, tmp_path: Path) -> None:
    os.mkfifo(fake / "gate")
    program = (
        "import sys; from pathlib import Path; from lab.tools import build; from lab.tools.catalogue import *\n"
        "build._DISK_NEEDED = 0\n"
        "programs = (Program(name='tool', package='example.com/tool/cmd/tool'),)\n"
        "tool = Toolset(name='tool', folder=Path(sys.argv[1]), module='example.com/tool', programs=programs)\n"
        "build.provide([tool], cache=Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", program, str(toolset.folder), str(tmp_path / "cache")]
    victim = subprocess.Popen(command, cwd=_ROOT, start_new_session=True)
    try:
        half = tmp_path / "cache" / "build" / "tool" / "tool"
        _await(half.exists)
    finally:
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    assert _calls(fake) == 1
    (fake / "gate").unlink()

    place = provide([toolset], cache=tmp_path / "cache")["tool"]
    assert place.read_text().endswith("echo built\n")
    assert _calls(fake) == 2
    assert not (tmp_path / "cache" / "build").exists()


@pytest.mark.usefixtures("fake")
def test_progress_names_the_toolset_its_number_and_what_is_linked(toolset: Toolset, tmp_path: Path) -> None:
    other = replace(toolset, name="other")
    seen: list[Progress] = []
    provide([toolset, other], cache=tmp_path / "cache", on_progress=seen.append)
    assert {(p.toolset.name, p.number, p.total) for p in seen} == {("tool", 1, 2), ("other", 2, 2)}
    assert all(p.seconds >= 0 and set(p.built) <= {"tool"} for p in seen)


@pytest.mark.parametrize(
    "log",
    [
        'Get "https://proxy/m.zip": dial tcp: lookup proxy: no such host',
        "read tcp 10.0.0.1:1: i/o timeout",
        "dial tcp 127.0.0.1:1: connect: connection refused",
    ],
)
def test_no_network_is_told_from_a_source_that_does_not_build(
    fake: Path, toolset: Toolset, tmp_path: Path, log: str
) -> None:
    (fake / "failure").write_text(log)
    with pytest.raises(UnreachableError, match=r"(?s)tool cannot be built: .*GOPROXY") as caught:
        provide([toolset], cache=tmp_path / "cache")
    assert log in str(caught.value)


def test_a_source_that_does_not_build_is_shown_with_the_compilers_words(
    fake: Path, toolset: Toolset, tmp_path: Path
) -> None:
    (fake / "failure").write_text("./main.go:3: undefined: x\n")
    with pytest.raises(BuildError, match=r"(?s)tool v1\.2\.3 does not build:.*undefined: x") as caught:
        provide([toolset], cache=tmp_path / "cache")
    assert not isinstance(caught.value, UnreachableError)
    (fake / "failure").unlink()
    assert provide([toolset], cache=tmp_path / "cache")["tool"].exists(), "a failed build is no obstacle to the next"


def test_a_disk_that_fills_up_is_said_so(fake: Path, toolset: Toolset, tmp_path: Path) -> None:
    (fake / "failure").write_text("write /x: no space left on device\n")
    with pytest.raises(BuildError, match="is full: make room"):
        provide([toolset], cache=tmp_path / "cache")


def test_a_disk_that_is_too_small_is_refused_before_anything_is_built(
    fake: Path, toolset: Toolset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_DISK_NEEDED", 2**60)
    with pytest.raises(BuildError, match=r"needs \d+ GiB free in .*cache, and [\d.]+ GiB are: make room"):
        provide([toolset], cache=tmp_path / "cache")
    assert _calls(fake) == 0


def test_a_matching_program_on_path_is_used_as_it_is(fake: Path, toolset: Toolset, tmp_path: Path) -> None:
    _script(fake / "tool", "#!/bin/sh\necho tool version v1.2.3 linux/amd64\n")
    assert provide([toolset], cache=tmp_path / "cache") == {"tool": fake / "tool"}
    assert _calls(fake) == 0
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "answer", ["echo tool version v1.2.30", "echo tool version v11.2.3", "echo tool 1.2.3-dirty", "exit 1"]
)
def test_another_version_on_path_is_not_used(fake: Path, toolset: Toolset, tmp_path: Path, answer: str) -> None:
    _script(fake / "tool", f"#!/bin/sh\n{answer}\n")
    assert provide([toolset], cache=tmp_path / "cache")["tool"] != fake / "tool"


def test_a_toolset_of_which_path_has_only_a_part_is_built(fake: Path, toolset: Toolset, tmp_path: Path) -> None:
    _script(fake / "tool", "#!/bin/sh\necho v1.2.3\n")
    both = replace(toolset, programs=(Program(name="another", package="example.com/tool/another"), *toolset.programs))
    assert fake not in [place.parent for place in provide([both], cache=tmp_path / "cache").values()]


def test_a_program_of_this_repository_is_never_taken_from_path(fake: Path, toolset: Toolset, tmp_path: Path) -> None:
    _script(fake / "tool", "#!/bin/sh\necho v1.2.3\n")
    own = replace(toolset, module=None, own_version="1.2.3")
    assert provide([own], cache=tmp_path / "cache")["tool"] != fake / "tool"
    assert _calls(fake) == 1


def test_official_binaries_of_the_whole_control_plane_are_used(fake: Path, tmp_path: Path) -> None:
    """Its programs come from three projects, each with a version and a way to print it of its own."""
    kubernetes, etcd, kwok = (
        KUBERNETES.version,
        _pin("go.etcd.io/etcd/server/v3"),
        _pin("sigs.k8s.io/kwok"),
    )
    answers = {
        "kube-apiserver": f"Kubernetes {kubernetes}",
        "kube-controller-manager": f"Kubernetes {kubernetes}",
        "kube-scheduler": f"Kubernetes {kubernetes}",
        "kubectl": f"Client Version: {kubernetes}\nKustomize Version: v5.8.1",
        "etcd": f"etcd Version: {etcd.removeprefix('v')}\nGit SHA: 1234567\nGo Version: go1.26.8",
        "kwok": f"kwok version {kwok} go1.26.8 (linux/amd64)",
        "kwokctl": f"kwokctl version {kwok} go1.26.8 (linux/amd64)",
    }
    for name, answer in answers.items():
        _script(fake / name, f"#!/bin/sh\necho '{answer}'\n")
    assert provide([KUBERNETES], cache=tmp_path / "cache") == {name: fake / name for name in answers}

    _script(fake / "etcd", "#!/bin/sh\necho etcd Version: 3.4.1\n")
    assert build._on_path(KUBERNETES) == {}


def _pin(module: str) -> str:
    lines = [line.split() for line in (KUBERNETES.folder / "go.mod").read_text().splitlines()]
    return next(words[1] for words in lines if words[:1] == [module] and len(words) > 1)


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go on PATH")
def test_a_real_go_builds_a_program_that_knows_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_DISK_NEEDED", 0)
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/tiny\n\ngo 1.21\n")
    (folder / "main.go").write_text('package main\n\nvar version = "none"\n\nfunc main() { println(version) }\n')
    programs = (Program(name="little", package=".", module_name="tiny"),)
    tiny = Toolset(
        name="tiny",
        folder=folder,
        module=None,
        programs=programs,
        own_version="4.5.6",
        linker_values=(("main.version", "v{version}"),),
    )
    program = provide([tiny], cache=tmp_path / "cache")["little"]
    answer = subprocess.run([program], capture_output=True, text=True, check=True)
    assert answer.stderr.strip() == "v4.5.6"


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go on PATH")
def test_a_real_go_without_a_network_is_understood(
    toolset: Toolset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_DISK_NEEDED", 0)
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("GONOSUMDB", "*")
    (toolset.folder / "go.sum").write_text("example.com/tool v1.2.3 h1:" + "A" * 43 + "=\n")
    with pytest.raises(UnreachableError, match="its Go modules cannot be downloaded"):
        provide([toolset], cache=tmp_path / "cache")
