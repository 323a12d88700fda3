"""Programs run by the real engine: a tenant's objects from nothing to nothing, and an update that is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.plugins.conftest import Cluster, skip_without

REPOSITORY = Path(__file__).resolve().parents[2]

PROGRAM = """
import os
import pulumi
import pulumi_kubernetes as k8s

name, count = os.environ["TENANT"], int(os.environ.get("COUNT", "1"))
provider = k8s.Provider("k", kubeconfig=pulumi.Output.secret(os.environ["CLUSTER"]), cluster_identifier="test")
options = pulumi.ResourceOptions(provider=provider)
labels = {"size": os.environ.get("SIZE", "s")}
namespace = k8s.core.v1.Namespace("ns", metadata={"name": name, "labels": labels}, opts=options)
inside = pulumi.ResourceOptions(provider=provider, parent=namespace)
def metadata(of): return {"name": of, "namespace": namespace.metadata.name}
k8s.core.v1.ResourceQuota("quota", metadata=metadata("q"), opts=inside, spec={
    "hard": {"requests.cpu": "1000m", "pods": "9"}})
k8s.core.v1.LimitRange("limits", metadata=metadata("l"), opts=inside, spec={"limits": [
    {"type": "Container", "default": {"cpu": "0.5", "memory": "256Mi"}, "default_request": {"cpu": "100m"}}]})
k8s.rbac.v1.Role("role", metadata=metadata("r"), opts=inside, rules=[
    {"api_groups": [""], "resources": ["pods"], "verbs": ["get", "list"]}])
k8s.rbac.v1.RoleBinding("binding", metadata=metadata("b"), opts=inside,
    role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": os.environ.get("ROLE", "r")},
    subjects=[{"api_group": "rbac.authorization.k8s.io", "kind": "Group", "name": "developers"}])
k8s.networking.v1.NetworkPolicy("policy", metadata=metadata("n"), opts=inside, spec={
    "pod_selector": {}, "policy_types": ["Ingress", "Egress"],
    "egress": [{"to": [{"namespace_selector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}]})
secret = k8s.core.v1.Secret("secret", metadata=metadata("s"), string_data={"password": "hunter2"}, opts=inside)
for number in range(count):
    k8s.core.v1.ConfigMap(f"m{number}", metadata=metadata(f"m{number}"), data={"n": str(number)}, opts=inside)
pulumi.export("uid", namespace.metadata.uid)
"""


@dataclass(frozen=True)
class Project:
    """A Pulumi project with a state of its own."""

    root: Path
    environment: dict[str, str]

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start the CLI, in a process group of its own."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.root,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **variables: str) -> str:
        """Run the CLI; what it printed."""
        process = self.start(*arguments, **variables)
        text, _ = process.communicate(timeout=240)
        assert process.returncode == 0, text
        return text

    def up(self, *arguments: str, **variables: str) -> str:
        return self.run("up", "--yes", "--skip-preview", *arguments, **variables)


@pytest.fixture
def project(cluster: Cluster, binary: str, tmp_path: Path) -> Iterator[Project]:
    """A project with the plugin installed; its objects are gone after the test."""
    skip_without("pulumi")
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy2(Path(shutil.which("pulumi") or "").resolve(), folder / "pulumi")
    host = REPOSITORY / "lab" / "plugins" / "python" / "pulumi-language-python"
    if not host.exists():
        pytest.skip("this repository has no language host yet")
    (folder / host.name).symlink_to(host)
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: test\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    tenant = f"tenant-{uuid.uuid4().hex[:8]}"
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(folder), os.environ["PATH"]]),
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_HOME": str(tmp_path / "home"),
        # Files of metadata beside the state are not written atomically: a kill can leave one that cannot be read.
        "PULUMI_BACKEND_URL": (tmp_path / "state").as_uri() + "?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The one that was just installed, not one on PATH.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "CLUSTER": cluster.kubeconfig,
        "TENANT": tenant,
    }
    made = Project(tmp_path, environment)
    install = ["plugin", "install", "resource", "kubernetes", "4.34.2", "--file", binary]
    subprocess.run(["pulumi", *install], env=environment, check=True, capture_output=True)
    made.run("stack", "init", "test")
    yield made
    cluster.kubectl("delete", "namespace", tenant, "--ignore-not-found", "--wait=false")


def test_a_tenant_is_made_kept_repaired_changed_and_removed(project: Project, cluster: Cluster) -> None:
    tenant = project.environment["TENANT"]
    assert "10 created" in project.up()
    assert "10 unchanged" in project.up("--expect-no-changes")
    assert "hunter2" not in project.run("stack", "export")
    assert "aHVudGVyMg" not in project.run("stack", "export")

    cluster.kubectl("delete", "quota/q", "--namespace", tenant)
    cluster.kubectl("patch", "role/r", "--namespace", tenant, "--type=json", "--patch",
                    '[{"op": "replace", "path": "/rules/0/verbs/1", "value": "delete"}]')  # fmt: skip
    repaired = project.up("--refresh")
    role = cluster.get("role", "r", "--namespace", tenant)
    assert role is not None, repaired
    assert role["rules"][0]["verbs"] == ["get", "list"], repaired
    assert cluster.get("quota", "q", "--namespace", tenant) is not None

    assert "1 updated" in project.up(SIZE="xl")
    assert "1 replaced" in project.up(SIZE="xl", ROLE="other")
    project.run("destroy", "--yes", "--skip-preview")
    assert cluster.get("namespace", tenant) is None


def test_an_update_that_is_killed_ends_the_same_when_it_is_run_again(project: Project, cluster: Cluster) -> None:
    tenant, count = project.environment["TENANT"], "60"

    def made() -> dict[str, str]:
        found = cluster.get("configmaps", "--namespace", tenant) or {"items": []}
        return {item["metadata"]["name"]: item["metadata"]["uid"] for item in found["items"] if "n" in item["data"]}

    process = project.start("up", "--yes", "--skip-preview", COUNT=count)
    family = psutil.Process(process.pid)
    while len(made()) < 10:
        assert process.poll() is None, process.communicate()[0]
    family_now = [family, *family.children(recursive=True)]
    os.killpg(process.pid, signal.SIGKILL)
    for member in family_now:
        if member.is_running():
            member.kill()
    process.communicate()
    before = made()
    assert len(before) < int(count), "the update was killed too late to prove anything"

    project.run("cancel", "--yes")
    project.up(COUNT=count)
    after = made()
    assert len(after) == int(count)
    assert before.items() <= after.items(), "objects of the first run were made anew"
    project.up("--expect-no-changes", COUNT=count)
