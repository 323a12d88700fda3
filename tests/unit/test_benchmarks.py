"""The benchmarks' own arithmetic, and that a benchmark leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.workspace import Workspace
from tests.benchmarks import events, processes, report, sweep, up
from tests.benchmarks.clone import BenchmarkError, Measured, fresh_clone
from tests.benchmarks.events import Event, EventLog

_URN = "urn:pulumi:lab::fleet::{types}::{name}"
_CLUSTER = _URN.format(types="fleet:cluster:Lab$lab:index:Cluster", name="lab-na")
_MEMBER = _URN.format(types="fleet:federation:Federation$fleet:federation:Member", name="lab-na")
_NAMESPACE = _URN.format(types="fleet:tenancy:Tenant$kubernetes:core/v1:Namespace", name="shop")


def _event(seconds: float, kind: str, urn: str, op: str = "create") -> Event:
    return Event(seconds=seconds, body={kind: {"metadata": {"urn": urn, "op": op}}})


def _created(urn: str, start: float, end: float) -> list[Event]:
    return [_event(start, "resourcePreEvent", urn), _event(end, "resOutputsEvent", urn)]


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@given(
    total=st.floats(0, 1e4),
    marks=st.lists(st.none() | st.floats(-10, 2e4), min_size=1, max_size=8),
)
def test_phases_add_up_to_the_whole_and_none_is_negative(total: float, marks: list[float | None]) -> None:
    phases = events.split(total, [(str(number), mark) for number, mark in enumerate(marks)])
    assert sum(phases.values()) == pytest.approx(total)
    assert min(phases.values()) >= 0


def test_time_of_a_phase_that_cannot_be_told_apart_goes_to_the_next() -> None:
    assert events.split(10, [("a", 2), ("b", None), ("c", 7), ("d", None)]) == {"a": 2, "c": 5, "d": 3}


def test_a_phase_that_ended_while_an_earlier_one_went_on_took_no_time() -> None:
    assert events.split(10, [("a", 6), ("b", 4), ("c", 9), ("d", 10)]) == {"a": 6, "b": 0, "c": 3, "d": 1}


def test_a_component_is_done_when_its_outputs_are() -> None:
    log = [*_created(_CLUSTER, 1, 2), _event(5, "resOutputsEvent", _CLUSTER)]
    (step,) = events.steps(log)
    assert (step.start, step.end, step.seconds) == (1, 5, 4)


def test_a_step_without_an_end_is_not_done() -> None:
    assert events.steps([_event(1, "resourcePreEvent", _CLUSTER)]) == []


def test_steps_know_which_part_of_the_fleet_they_are_in() -> None:
    cluster, namespace = events.steps([*_created(_CLUSTER, 1, 2), *_created(_NAMESPACE, 3, 4)])
    assert (cluster.type, cluster.is_in("cluster"), cluster.is_in("tenancy")) == ("lab:index:Cluster", True, False)
    assert (namespace.type, namespace.is_in("tenancy")) == ("kubernetes:core/v1:Namespace", True)


def test_kinds_of_steps_sum_up_resources_but_not_the_components_around_them() -> None:
    component = _URN.format(types="fleet:tenancy:Tenant", name="shop")
    log = [*_created(component, 0, 9), *_created(_NAMESPACE, 1, 2), *_created(_NAMESPACE + "-api", 1.5, 4)]
    (kind,) = events.kinds_of_steps(events.steps(log))
    assert (kind.type, kind.number, kind.total, kind.longest) == ("kubernetes:core/v1:Namespace", 2, 3.5, 2.5)
    assert (kind.start, kind.end) == (1, 4)


def test_only_what_was_changed_counts_as_a_change() -> None:
    counts = {"create": 3, "update": 1, "same": 40, "read": 2}
    assert events.changes([Event(seconds=9, body={"summaryEvent": {"resourceChanges": counts}})]) == 4
    assert events.changes([Event(seconds=9, body={"summaryEvent": {"resourceChanges": None}})]) == 0


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_event_log_is_followed_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "events"
    line = json.dumps({"sequence": 0, "summaryEvent": {}})
    with EventLog(path, time.monotonic()) as log, path.open("w") as file:
        file.write(line[:5])
        file.flush()
        file.write(line[5:] + "\n")
        file.flush()
        _wait(lambda: log.events)
        before = time.monotonic()
        file.write(line + "\n" + line[:3])  # what is not a whole line yet is no event
    assert len(log.events) == 2
    assert log.events[0].seconds <= log.events[1].seconds
    assert time.monotonic() - before < 5


def test_phases_of_up_follow_the_fleet() -> None:
    pulumi = processes.Sampled(pid=2, command=("/x/bin/pulumi", "up", "--yes"), first_seen=2.0, last_seen=14.0)
    other = processes.Sampled(pid=1, command=("/x/bin/pulumi", "stack", "init"), first_seen=1.0, last_seen=1.5)
    first, last = _created(_CLUSTER, 4, 7), _created(_CLUSTER.replace("na", "eu"), 5, 9)
    log = [*first, *last, *_created(_MEMBER, 8, 10), *_created(_NAMESPACE, 8, 13)]
    measured = Measured(seconds=15, events=log, processes=[other, pulumi], peak_rss={}, other_cpu_seconds=0)
    assert up.phases_of_up(measured) == {
        "set-up before Pulumi": 2,
        "engine and program start": 2,
        "clusters": 5,
        "federation, after the last cluster": 1,
        "tenants, after all that": 3,
        "engine end": 1,
        "table of the fleet": 1,
    }


def test_median_of_phases_counts_a_missing_one_as_nothing() -> None:
    assert up.median_phases([{"a": 1.0, "b": 5.0}, {"a": 3.0}, {"a": 9.0}]) == {"a": 3.0, "b": 0.0}


def test_the_median_and_the_slow_ones_are_told() -> None:
    seconds = [*([9.0] * 5), *([1.0] * 50), *([2.0] * 45)]
    assert report.spread(seconds) == {"median_seconds": 1.5, "p95_seconds": 2.0}
    assert report.spread([3.0]) == {"median_seconds": 3.0, "p95_seconds": 3.0}


@pytest.mark.parametrize(("power", "factor"), [(0, 1), (1, 2), (2, 4)], ids=["constant", "proportional", "square"])
def test_growth_is_told_for_a_doubling_whatever_the_sizes(power: int, factor: float) -> None:
    tenants = [25, 50, 200]
    first, *others = sweep.per_doubling(tenants, [float(number**power) for number in tenants])
    assert first is None
    assert others == pytest.approx([factor, factor])


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["/x/bin/kube-apiserver", "--etcd-servers=x"], "kube-apiserver"),
        (["/x/.venv/bin/python", "-u", "-m", "pulumi.dynamic"], "python -m pulumi.dynamic"),
        (["/usr/bin/python3.11", "/x/pulumi-language-python", "127.0.0.1:1"], "python3.11 pulumi-language-python"),
        ([], ""),
    ],
)
def test_a_program_is_named_by_what_it_runs(command: list[str], name: str) -> None:
    assert processes.program_name(command) == name


def test_processes_of_a_clone_are_told_from_those_of_another() -> None:
    clone = Path("/home/me/.fleet/bench-a")
    assert processes.is_of(clone, ["etcd", f"--data-dir={clone}/x"], "/")
    assert processes.is_of(clone, ["pulumi", "up"], str(clone))
    assert not processes.is_of(clone, ["etcd", f"--data-dir={clone}b/x"], "/")
    assert not processes.is_of(clone, [], "/")


def test_processes_of_a_cluster_are_told_from_those_of_another() -> None:
    command = ["etcd", "--data-dir=/x/stacks/lab/lab-na/etcd"]
    assert processes.names(command, "lab-na")
    assert not processes.names(command, "lab-n")
    assert not processes.names(["etcd", "--name=lab-na-2", "--data-dir=my-lab-na"], "lab-na")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Workspace]:
    """A project of its own whose `./fleet up` starts a process that stays and whose `down` does nothing."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".gitignore").write_text(".fleet/\n.venv\nignored\n")
    (tmp_path / "ignored").touch()
    script = tmp_path / "fleet"
    sleeper = f'"{sys.executable}" -c "import time; time.sleep(300)" "$PWD" >/dev/null 2>&1 </dev/null &'
    script.write_text(
        f"#!/bin/sh\ncase $1 in up) {sleeper}\n;; fail) echo no such region; exit 3;;\nwait) sleep 300;; esac\n"
    )
    script.chmod(0o755)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    workspace = Workspace(stack="lab", root=tmp_path)
    yield workspace
    for process in processes.of(tmp_path):
        process.kill()


def test_a_clone_has_the_projects_files_and_nothing_that_is_ignored(project: Workspace) -> None:
    with fresh_clone(project, "lab") as clone:
        assert sorted(path.name for path in clone.root.iterdir()) == [".gitignore", ".venv", "fleet"]
        assert (clone.root / ".venv").resolve() == project.root / ".venv"


def test_a_clone_leaves_no_process_and_no_file_even_when_its_benchmark_fails(project: Workspace) -> None:
    def fails() -> None:
        with fresh_clone(project, "lab") as clone:
            clone.fleet("up")
            assert len(processes.of(clone.root)) == 1
            assert len(clone.left_over()) == 1
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        fails()
    assert processes.of(project.root) == []
    assert list(project.home.glob("bench-*")) == []


def test_a_command_that_fails_is_told_with_its_last_words(project: Workspace) -> None:
    with fresh_clone(project, "lab") as clone, pytest.raises(BenchmarkError, match=r"status 3\):\nno such region"):
        clone.fleet("fail")


def test_an_interrupt_ends_the_command_and_removes_the_clone(project: Workspace) -> None:
    program = (
        "import sys; from pathlib import Path; from cli.workspace import Workspace\n"
        "from tests.benchmarks.clone import fresh_clone\n"
        "with fresh_clone(Workspace(stack='lab', root=Path(sys.argv[1])), 'lab') as clone: clone.fleet('wait')\n"
    )
    root = Path(__file__).resolve().parents[2]
    benchmark = subprocess.Popen(
        [sys.executable, "-c", program, str(project.root)], cwd=root, stderr=subprocess.PIPE, text=True
    )
    try:
        _wait(lambda: [each for each in processes.of(project.home) if "wait" in each.cmdline()])
        os.kill(benchmark.pid, signal.SIGINT)
        _, said = benchmark.communicate(timeout=60)
    finally:
        benchmark.kill()
        benchmark.wait()
    assert "KeyboardInterrupt" in said
    assert processes.of(project.home) == []
    assert list(project.home.glob("bench-*")) == []


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    return sum(psutil.Process(process.pid).cpu_times()[:2])


def test_a_sampler_counts_only_what_a_process_used_meanwhile(tmp_path: Path) -> None:
    burn = "import sys, time\nwhile time.process_time() < float(sys.argv[1]): pass\nsys.stdin.read()\n"
    command = [sys.executable, "-c", burn, "0.6", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as before:
        _wait(lambda: _cpu_seconds(before) > 0.5)
        with processes.Sampler(tmp_path) as sampler, subprocess.Popen(command, stdin=subprocess.PIPE) as new:
            _wait(lambda: any(each.pid == new.pid and each.cpu_seconds > 0.5 for each in sampler.processes))
        used = {each.pid: each.cpu_seconds for each in sampler.processes}
    assert used[before.pid] < 0.3
    assert next(iter(sampler.peak_rss_by_name.values())) > 3 * 2**20
