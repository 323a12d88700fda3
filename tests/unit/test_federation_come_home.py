"""The script that brings replicas home, against a kubectl that answers from files: it acts where there is reason."""

import contextlib
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.federation.come_home import SCRIPT, come_home_manifests
from stacks.federation import FailoverSettings

DOWN, BACK, LATER = "2030-01-01T10:00:00Z", "2030-01-01T10:05:00Z", "2030-01-01T10:05:30Z"

# Prints what jsonpath would make of the answers, and keeps what is created; without answers nobody is there.
KUBECTL = """#!/bin/sh
cd "$ANSWERS" || exit 1
echo "$2" >> calls.part && mv calls.part calls.new
cat calls.new >> calls && rm calls.new
[ ! -e refused ] || { echo "The connection to the server was refused" >&2; exit 1; }
case "$2:$3" in
create:*) [ ! -e broken ] || { cat >/dev/null; echo "no room" >&2; exit 1; }
    cat > "created.$$.part" && mv "created.$$.part" "created.$$" ;;
get:clusters*) cat clusters ;;
get:resourcebindings*) cat bindings ;;
get:workloadrebalancers*) cat rebalancers ;;
*) echo "not expected: $*" >&2; exit 1 ;;
esac
"""


class Karmada:
    """What a Karmada has, as the script is told it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kubectl = folder / "bin" / "kubectl"
        kubectl.parent.mkdir()
        kubectl.write_text(KUBECTL)
        kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
        self.members()
        self.workloads()
        self.has("rebalancers", "")

    def has(self, what: str, text: str) -> None:
        """Change an answer at once, so that no half of it is read."""
        part = self.folder / f"{what}.part"
        part.write_text(text)
        part.rename(self.folder / what)

    def members(self, **changes: str) -> None:
        members = dict.fromkeys(("na", "eu", "sea"), f"True {DOWN} ") | changes
        self.has("clusters", "".join(f"lab-{name} {text}\n" for name, text in members.items()))

    def workloads(self, *lines: str) -> None:
        self.has("bindings", "".join(f"{line}\n" for line in lines))

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, "ANSWERS": str(self.folder), "COME_HOME_SECONDS": "0.05"}

    @property
    def looks(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "calls").read_text().count("get")
        return 0

    @property
    def created(self) -> list[dict[str, Any]]:
        files = sorted(path for path in self.folder.glob("created.*") if path.suffix != ".part")
        return [document for file in files for document in yaml.safe_load_all(file.read_text()) if document]

    @property
    def moved(self) -> list[str]:
        return sorted(workload["name"] for each in self.created for workload in each["spec"]["workloads"])


def workload(name: str = "web", on: str = "lab-eu,lab-sea,", leaving: str = "", **changes: str) -> str:
    """Return a line as the script's jsonpath makes it of a ResourceBinding."""
    field = {"replicas": "6", "created": DOWN, "placed": ""} | changes
    return f"shop|apps/v1|Deployment|{name}|{field['replicas']}|{field['created']}|{field['placed']}|{on}|{leaving}"


@pytest.fixture
def karmada(tmp_path: Path) -> Karmada:
    return Karmada(tmp_path)


@contextlib.contextmanager
def running(karmada: Karmada) -> Iterator[subprocess.Popen[str]]:
    """Run the script; what it leaves behind is stopped with it."""
    process = subprocess.Popen(
        ["sh", str(SCRIPT)],
        env=karmada.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until(process: subprocess.Popen[str], karmada: Karmada, *, looks: int) -> None:
    """Wait until the script has asked so many more times."""
    goal = karmada.looks + looks
    while karmada.looks < goal:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
            pytest.fail(f"it ended with {process.returncode}")


def looked(karmada: Karmada, looks: int = 9) -> None:
    """Run the script for so many questions and end it."""
    with running(karmada) as process:
        until(process, karmada, looks=looks)


def test_where_nothing_has_failed_nothing_happens(karmada: Karmada) -> None:
    karmada.workloads(workload(created=LATER), workload("one-region", on="lab-eu,", created=LATER))
    looked(karmada)
    assert karmada.created == []


@pytest.mark.parametrize("state", [f"False {BACK} ", f"Unknown {BACK} ", f"False {BACK} NoSchedule NoExecute", "  "])
def test_a_member_that_is_not_ready_is_left_alone(karmada: Karmada, state: str) -> None:
    karmada.members(na=state)
    karmada.workloads(workload())
    looked(karmada)
    assert karmada.created == []


@pytest.mark.parametrize("effect", ["NoExecute", "NoSchedule", "NoSchedule NoExecute", "PreferNoSchedule NoExecute"])
def test_a_ready_member_that_still_takes_no_work_is_left_alone(karmada: Karmada, effect: str) -> None:
    karmada.members(na=f"True {BACK} {effect}")
    karmada.workloads(workload())
    looked(karmada)
    assert karmada.created == []


def test_a_member_that_is_back_gets_its_workloads_by_one_rebalancer(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} PreferNoSchedule")
    karmada.workloads(workload("web"), workload("api", on=""), workload("here", on="lab-eu,lab-na,"))
    with running(karmada) as process:
        until(process, karmada, looks=3)
        while not karmada.created:
            until(process, karmada, looks=1)
    [rebalancer, *_] = karmada.created
    assert rebalancer["apiVersion"] == "apps.karmada.io/v1alpha1"
    assert rebalancer["kind"] == "WorkloadRebalancer"
    assert rebalancer["metadata"] == {"generateName": "come-home-", "labels": {"fleet/come-home": ""}}
    assert rebalancer["spec"]["ttlSecondsAfterFinished"] == 3600
    assert rebalancer["spec"]["workloads"] == [
        {"namespace": "shop", "apiVersion": "apps/v1", "kind": "Deployment", "name": name} for name in ("web", "api")
    ]


def test_what_karmada_has_placed_anew_is_done(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload(placed=LATER))
    looked(karmada)
    assert karmada.created == []


def test_what_was_placed_anew_after_an_earlier_failure_is_not_done(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload(placed="2030-01-01T09:00:00Z"))
    looked(karmada)
    assert set(karmada.moved) == {"web"}


def test_a_workload_that_is_scaled_to_nothing_stays_where_it_is(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload(replicas="0"), workload("cron", replicas=""))
    looked(karmada)
    assert karmada.created == []


def test_a_workload_on_its_way_out_waits_and_holds_up_no_other(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload("slow", leaving="lab-na,"), workload("web"))
    with running(karmada) as process:
        while not karmada.created:
            until(process, karmada, looks=1)
        assert set(karmada.moved) == {"web"}
        karmada.workloads(workload("slow"), workload("web", on="lab-na,", placed=LATER))
        while "slow" not in karmada.moved:
            until(process, karmada, looks=1)


def test_nothing_more_is_asked_while_karmada_works_off_the_last(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload())
    karmada.has("rebalancers", f"come-home-a={LATER}\ncome-home-b=\ncome-home-c={LATER}\n")
    with running(karmada) as process:
        until(process, karmada, looks=9)
        assert karmada.created == []
        karmada.has("rebalancers", f"come-home-a={LATER}\ncome-home-b={LATER}\n")
        while not karmada.created:
            until(process, karmada, looks=1)


def test_a_member_that_fails_again_comes_home_again(karmada: Karmada) -> None:
    with running(karmada) as process:
        until(process, karmada, looks=6)
        karmada.workloads(workload())
        karmada.members(na=f"True {BACK} ")
        while not karmada.created:
            until(process, karmada, looks=1)


def test_a_settled_fleet_costs_one_question_a_look(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload(placed=LATER))
    with running(karmada) as process:
        until(process, karmada, looks=9)
        (karmada.folder / "bindings").unlink()  # whoever asks for them now fails
        (karmada.folder / "rebalancers").unlink()
        until(process, karmada, looks=9)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert errors == ""


def test_it_outlives_an_api_server_that_does_not_answer(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload())
    karmada.has("refused", "")
    with running(karmada) as process:
        until(process, karmada, looks=3)
        assert karmada.created == []
        (karmada.folder / "refused").unlink()
        while not karmada.created:
            until(process, karmada, looks=1)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert "connection to the server was refused" in errors
    assert "Karmada did not do as asked" in errors


def test_what_could_not_be_created_is_created_at_the_next_look(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(workload())
    karmada.has("broken", "")
    with running(karmada) as process:
        until(process, karmada, looks=6)
        (karmada.folder / "broken").unlink()
        while not karmada.created:
            until(process, karmada, looks=1)


def test_it_ends_when_it_is_told_to(karmada: Karmada) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with running(karmada) as process:
            until(process, karmada, looks=2)
            process.send_signal(number)
            assert process.wait(timeout=10) == 0


def test_many_workloads_are_shared_out_over_rebalancers_that_can_be_stored(karmada: Karmada) -> None:
    karmada.members(na=f"True {BACK} ")
    karmada.workloads(*(workload(f"web-{number}") for number in range(1201)))
    with running(karmada) as process:
        while not karmada.created:
            until(process, karmada, looks=1)
    first = karmada.created[:3]
    assert [len(each["spec"]["workloads"]) for each in first] == [500, 500, 201]
    assert len({each["name"] for one in first for each in one["spec"]["workloads"]}) == 1201


def manifests() -> dict[str, dict[str, Any]]:
    made = come_home_manifests(
        FailoverSettings(clusterStatusIntervalSeconds=7),
        namespace="karmada-system",
        kubeconfig_secret="karmada-kubeconfig",  # noqa: S106 (the name of a Secret)
        kubeconfig_key="kubeconfig",
        image="registry.example.com/kubectl:1",
    )
    assert {each["metadata"]["namespace"] for each in made} == {"karmada-system"}
    return {each["kind"]: each for each in made}


def test_the_pod_runs_the_script_with_the_kubeconfig_of_the_secret() -> None:
    made = manifests()
    pod = made["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [shell, script] = container["command"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["volumes"]}

    assert shell == "/bin/sh"
    name = volumes[mounts[os.path.dirname(script)]]["configMap"]["name"]  # noqa: PTH120 (a path in the pod)
    assert made["ConfigMap"]["metadata"]["name"] == name
    assert made["ConfigMap"]["data"] == {Path(script).name: SCRIPT.read_text(encoding="utf-8")}

    secret = volumes[mounts["/etc/karmada"]]["secret"]
    assert secret["secretName"] == "karmada-kubeconfig"
    assert variables["KUBECONFIG"] == f"/etc/karmada/{secret['items'][0]['path']}"
    assert variables["COME_HOME_SECONDS"] == "7"
    assert made["ServiceAccount"]["metadata"]["name"] == pod["serviceAccountName"]


def test_the_pod_has_no_rights_in_its_own_cluster_and_is_restricted() -> None:
    made = manifests()
    pod = made["Deployment"]["spec"]["template"]["spec"]
    security = pod["containers"][0]["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert made["ServiceAccount"]["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["readOnlyRootFilesystem"] is True


def test_one_pod_at_a_time_and_a_new_one_for_a_new_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = manifests()["Deployment"]["spec"]
    assert (before["replicas"], before["strategy"]) == (1, {"type": "Recreate"})
    changed = tmp_path / SCRIPT.name
    changed.write_text("exit 0")
    monkeypatch.setattr("components.federation.come_home.SCRIPT", changed)
    after = manifests()["Deployment"]["spec"]
    assert after["template"]["metadata"]["annotations"] != before["template"]["metadata"]["annotations"]
