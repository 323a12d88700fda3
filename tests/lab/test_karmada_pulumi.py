"""Resource templates as plain `pulumi up`, `refresh` and `destroy` see them; Karmada is a stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab.conftest import REPOSITORY, Project
from tests.unit.karmada_stand_in import Karmada, policy, serving

_PROGRAM = """
import json
import pulumi
from providers.karmada import Provider, ResourceTemplates, ResourceTemplatesArgs
from tests.unit.karmada_stand_in import tenant

config = pulumi.Config()
provider = Provider("karmada", kubeconfig=config.require("kubeconfig"), identifier="1")
manifests = tenant("eu", "lab-eu", verbs=json.loads(config.require("verbs")))
ResourceTemplates(
    "shop",
    ResourceTemplatesArgs(manifests=manifests, members=["lab-eu"], karmada="uid"),
    pulumi.ResourceOptions(provider=provider, custom_timeouts=pulumi.CustomTimeouts(create="2s", update="20s")),
)
"""
_ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/viewer"


@pytest.fixture
def karmada() -> Karmada:
    stand_in = Karmada("lab-eu")
    stand_in.objects["/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/eu"] = policy("eu", "lab-eu")
    return stand_in


@pytest.fixture
def project(empty_project: Project, karmada: Karmada) -> Iterator[Project]:
    plugin = REPOSITORY / "providers" / "plugins" / "karmada"
    (empty_project.root / "Pulumi.yaml").write_text(
        f"name: test\nruntime: python\nplugins:\n  providers:\n  - name: karmada\n    path: {plugin}\n"
    )
    (empty_project.root / "__main__.py").write_text(_PROGRAM)
    with serving(karmada) as kubeconfig:
        empty_project.configure(verbs='["get"]')
        empty_project.run("config", "set", "--secret", "kubeconfig", kubeconfig)
        yield empty_project


def test_a_set_is_made_kept_and_removed_and_the_kubeconfig_stays_secret(project: Project, karmada: Karmada) -> None:
    project.run("up", "--yes", "--skip-preview")
    assert _ROLE in karmada.members["lab-eu"]
    project.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    project.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert "secret-token" not in project.run("stack", "export")

    project.configure(verbs='["get", "list"]')
    preview = project.run("preview", "--diff")
    assert "Role/shop/viewer" in preview
    assert "Namespace/shop" not in preview, "only what differs is shown"
    project.run("up", "--yes", "--skip-preview")
    assert karmada.members["lab-eu"][_ROLE]["rules"][0]["verbs"] == ["get", "list"]

    karmada.objects[_ROLE]["rules"][0]["verbs"] = ["*"]
    project.run("refresh", "--yes", "--skip-preview")
    project.run("up", "--yes", "--skip-preview")
    assert karmada.members["lab-eu"][_ROLE]["rules"][0]["verbs"] == ["get", "list"]

    project.run("destroy", "--yes", "--skip-preview")
    assert karmada.members["lab-eu"] == {}


def test_a_set_that_is_not_ready_is_in_the_state_and_the_next_up_goes_on_with_it(
    project: Project, karmada: Karmada
) -> None:
    karmada.refuses = {_ROLE: "roles.rbac is forbidden: no"}
    text = project.run("up", "--yes", "--skip-preview", fails=True)
    assert "Role/shop/viewer is not in lab-eu: roles.rbac is forbidden: no" in text
    resources = json.loads(project.run("stack", "export"))["deployment"]["resources"]
    (found,) = [each for each in resources if each["type"] == "karmada:index:ResourceTemplates"]
    assert found["initErrors"]
    assert "Role/shop/viewer" in found["outputs"]["objects"]

    karmada.refuses = {}
    assert "1 updated" in project.run("up", "--yes", "--skip-preview")
    assert _ROLE in karmada.members["lab-eu"]
    project.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    project.run("destroy", "--yes", "--skip-preview")
    assert karmada.members["lab-eu"] == {}
