"""How `./fleet` calls Pulumi: on the right stack, without a trace in its settings file, and after one that was killed.

A shell script stands for the Pulumi CLI; it notes how it was called.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.pulumi import Pulumi
from cli.workspace import Workspace

_SETTINGS = "# the settings\nconfig:\n  fleet:environment: lab\n"
_SECONDS_TO_WAIT = 20


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    workspace = Workspace(stack="lab", root=tmp_path)
    workspace.create()
    workspace.settings_file.parent.mkdir()
    workspace.settings_file.write_text(_SETTINGS)
    return workspace


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=200)


def _cli(workspace: Workspace, body: str = "") -> Pulumi:
    workspace.pulumi.write_text(f'#!/bin/sh\necho "$*" >> "{workspace.root}/calls"\n{body}\n')
    workspace.pulumi.chmod(0o755)
    return Pulumi(workspace)


def _calls(workspace: Workspace) -> list[str]:
    path = workspace.root / "calls"
    return path.read_text().splitlines() if path.exists() else []


def _said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def _await(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _lock(workspace: Workspace, pid: int, *, stack: str = "lab", hostname: str | None = None) -> Path:
    path = workspace.state / ".pulumi" / "locks" / "organization" / "fleet" / stack / "1234.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"pid": pid, "username": "me", "hostname": hostname or socket.gethostname()}))
    return path


def _export(workspace: Workspace, *pending: str) -> Pulumi:
    """A CLI whose stack has pending operations on resources of these types; what is imported is kept in a file."""
    state = {
        "version": 3,
        "deployment": {"pending_operations": [{"resource": {"type": t}, "type": "creating"} for t in pending]},
    }
    (workspace.root / "state.json").write_text(json.dumps(state))
    body = (
        f'case "$*" in *export*) cat "{workspace.root}/state.json";; *import*) cat > "{workspace.root}/imported";; esac'
    )
    return _cli(workspace, body)


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def running_pulumi(workspace: Workspace) -> Iterator[subprocess.Popen[bytes]]:
    """Another process called `pulumi`, which ends when it reads from its standard input."""
    program = workspace.root / "elsewhere" / "pulumi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nread -r _\n")
    program.chmod(0o755)
    process = subprocess.Popen([program], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_every_command_names_the_stack(workspace: Workspace) -> None:
    pulumi = _cli(workspace)
    assert pulumi.run("up", "--yes") == 0
    pulumi.ask("stack", "init", "lab")
    assert _calls(workspace) == ["up --yes --stack lab", "stack init lab"]


def test_the_exit_status_and_the_words_of_pulumi_are_passed_on(workspace: Workspace) -> None:
    pulumi = _cli(workspace, "echo 'error: no such thing' >&2; exit 7")
    assert pulumi.run("up") == 7
    with pytest.raises(RuntimeError, match="pulumi preview failed: error: no such thing"):
        pulumi.ask("preview")


def test_pulumi_runs_in_the_project_with_the_environment_of_the_clone(workspace: Workspace) -> None:
    pulumi = _cli(workspace, 'echo "$PWD $PULUMI_HOME $PULUMI_BACKEND_URL"')
    assert pulumi.ask("about").split() == [str(workspace.root), str(workspace.pulumi_home), workspace.own_backend]


def test_outputs_are_asked_for_with_their_secrets(workspace: Workspace) -> None:
    pulumi = _cli(workspace, 'echo \'{"a": {"b": 1}}\'')
    assert pulumi.outputs() == {"a": {"b": 1}}
    assert _calls(workspace) == ["stack output --json --show-secrets --stack lab"]


def test_a_stack_is_made_once(workspace: Workspace) -> None:
    checkpoint = workspace.state / ".pulumi" / "stacks" / "fleet" / "lab.json"
    pulumi = _cli(workspace, f'mkdir -p "{checkpoint.parent}"; touch "{checkpoint}"')
    assert not pulumi.has_stack()
    pulumi.select_stack()
    pulumi.select_stack()
    assert pulumi.has_stack()
    assert [call.split()[:3] for call in _calls(workspace)] == [["stack", "init", "lab"]]


@pytest.mark.parametrize("command", ["run", "ask"])
def test_the_salt_that_pulumi_adds_to_the_settings_file_is_taken_out_again(workspace: Workspace, command: str) -> None:
    pulumi = _cli(workspace, f'echo "encryptionsalt: v1:abc" >> "{workspace.settings_file}"')
    getattr(pulumi, command)("preview")
    assert workspace.settings_file.read_text() == _SETTINGS


def test_what_else_pulumi_changes_in_the_settings_file_stays(workspace: Workspace) -> None:
    _cli(workspace, f'echo "  fleet:more: 1" >> "{workspace.settings_file}"').ask("config", "set")
    assert workspace.settings_file.read_text() == f"{_SETTINGS}  fleet:more: 1\n"


def test_in_a_backend_elsewhere_the_stack_is_asked_for(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    pulumi = _cli(workspace, """echo '[{"name": "organization/fleet/lab2"}, {"name": "team/fleet/lab"}]'""")
    assert pulumi.has_stack()
    assert not Pulumi(Workspace(stack="prod", root=workspace.root)).has_stack()


def test_the_lock_of_an_update_that_was_killed_is_taken_away(workspace: Workspace, console: Console, gone: int) -> None:
    lock = _lock(workspace, gone)
    _export(workspace).take_over(console)
    assert not lock.exists()
    assert "was killed: this one goes on from where it was" in _said(console)


def test_a_lock_whose_process_number_now_belongs_to_another_program_is_stale(
    workspace: Workspace, console: Console
) -> None:
    lock = _lock(workspace, os.getpid())
    _export(workspace).take_over(console)
    assert not lock.exists()


def test_the_locks_of_other_stacks_and_other_machines_are_left(
    workspace: Workspace, console: Console, gone: int
) -> None:
    locks = [_lock(workspace, gone, stack="lab2"), _lock(workspace, gone, hostname="another.example.com")]
    _export(workspace).take_over(console)
    assert all(lock.exists() for lock in locks)
    assert _said(console) == ""


def test_a_lock_that_goes_while_it_is_looked_at_is_no_error(workspace: Workspace, console: Console) -> None:
    lock = _lock(workspace, 1)
    lock.unlink()
    lock.symlink_to("gone.json")  # listed, but not there when it is read
    _export(workspace).take_over(console)
    assert _said(console) == ""


def test_an_update_that_runs_is_waited_for(
    workspace: Workspace, console: Console, running_pulumi: subprocess.Popen[bytes]
) -> None:
    lock = _lock(workspace, running_pulumi.pid)
    taking_over = threading.Thread(target=_export(workspace).take_over, args=[console])
    taking_over.start()
    _await(lambda: "Another update of lab is running" in _said(console))
    assert lock.exists()
    lock.unlink()  # as an update does that ends by itself
    running_pulumi.communicate(b"end\n")
    taking_over.join(_SECONDS_TO_WAIT)
    assert not taking_over.is_alive()
    assert "killed" not in _said(console)


def test_after_a_kill_the_operations_of_providers_that_find_things_again_are_not_pending(
    workspace: Workspace, console: Console, gone: int
) -> None:
    _lock(workspace, gone)
    kubernetes, lab, other = "kubernetes:core/v1:Namespace", "lab:index:Cluster", "aws:eks/cluster:Cluster"
    _export(workspace, kubernetes, lab, other).take_over(console)
    imported: dict[str, Any] = json.loads((workspace.root / "imported").read_text())
    assert [each["resource"]["type"] for each in imported["deployment"]["pending_operations"]] == [other]


def test_a_state_with_nothing_to_drop_is_not_written(workspace: Workspace, console: Console, gone: int) -> None:
    _lock(workspace, gone)
    _export(workspace, "aws:eks/cluster:Cluster").take_over(console)
    assert not (workspace.root / "imported").exists()


def test_a_request_to_end_reaches_pulumi_as_an_interrupt_and_its_end_is_awaited(workspace: Workspace) -> None:
    ready = workspace.root / "ready"
    pulumi = _cli(workspace, f'trap "exit 5" INT; touch "{ready}"; while :; do sleep 0.05; done')

    def terminate_when_ready() -> None:
        _await(ready.exists)
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=terminate_when_ready)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    sender.start()
    status = pulumi.run("up")
    sender.join()
    assert status == 5
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
