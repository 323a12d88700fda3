"""The policy pack in the hands of Pulumi's own CLI and the lab's language host: preview, up, and a saved state."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.bootstrap import bootstrap
from policies.catalogue import RULES
from policies.reports import MANDATORY, Violation, completed, errors, violations
from tests.lab.conftest import REPOSITORY, Project
from tests.unit.karmada_stand_in import Karmada, policy, serving

_PACK = REPOSITORY / "policies"
_TENANT = """
import pulumi
from providers.karmada import Provider, ResourceTemplates, ResourceTemplatesArgs
from tests.unit.karmada_stand_in import tenant

config = pulumi.Config()
provider = Provider("karmada", kubeconfig=config.require("kubeconfig"), identifier="1")
ResourceTemplates(
    "shop",
    ResourceTemplatesArgs(manifests=tenant("eu", "lab-eu", verbs=["get"]), members=["lab-eu"], karmada="uid"),
    pulumi.ResourceOptions(provider=provider),
)
"""


_LATER = """
from lab.karmada import Karmada, KarmadaArgs

later = Karmada("k", KarmadaArgs(name="k", directory=".fleet/stacks/test", version="v1.18.2")).kubeconfig
"""


@pytest.fixture(scope="module", autouse=True)
def _environment_of_the_pack() -> None:
    bootstrap(_PACK)


@pytest.fixture
def project(empty_project: Project) -> Project:
    plugins = REPOSITORY / "providers" / "plugins"
    text = "name: test\nruntime: python\nplugins:\n  providers:\n"
    text += "".join(f"  - name: {name}\n    path: {plugins / name}\n" for name in ("lab", "karmada"))
    (empty_project.root / "Pulumi.yaml").write_text(text)
    empty_project.environment["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"] = "true"
    return empty_project


@pytest.fixture
def tenant_project(project: Project) -> Iterator[Project]:
    """A project with a tenant that has no owner, kept in a stand-in for Karmada."""
    karmada = Karmada("lab-eu")
    karmada.objects["/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/eu"] = policy("eu", "lab-eu")
    (project.root / "__main__.py").write_text(_TENANT)
    with serving(karmada) as kubeconfig:
        project.run("config", "set", "--secret", "kubeconfig", kubeconfig)
        yield project


def _levels(folder: Path, **levels: object) -> list[str]:
    """The arguments that give the pack a configuration."""
    file = folder / "levels.json"
    file.write_text(json.dumps(levels))
    return ["--policy-pack", str(_PACK), "--policy-pack-config", str(file)]


def _found(output: str) -> list[Violation]:
    events = output.splitlines()
    assert completed(events), output
    return violations(events, RULES)


def test_a_bad_stack_breaks_every_policy_and_one_run_tells_all(project: Project, tmp_path: Path) -> None:
    if shutil.which("pulumi-resource-kubernetes") is None:
        pytest.skip("not on PATH: pulumi-resource-kubernetes; `./fleet test` builds what is missing")
    program = REPOSITORY / "tests" / "policies" / "bad_stack.py"
    (project.root / "__main__.py").write_text(program.read_text())
    output = project.run("preview", "--json", *_levels(tmp_path, all="mandatory"), fails=True)
    refused = {each.policy for each in _found(output) if each.level == MANDATORY}  # what is unknown is only advice
    assert refused == {rule.name for rule in RULES}
    assert errors(output.splitlines()) == []
    assert "c2VjcmV0LXRva2Vu" not in output


def test_a_stack_of_which_the_policies_were_shown_nothing_does_not_pass_in_silence(
    tenant_project: Project, tmp_path: Path
) -> None:
    program = tenant_project.root / "__main__.py"
    program.write_text(program.read_text().replace('config.require("kubeconfig")', "later"))
    program.write_text(program.read_text().replace("config = pulumi.Config()", _LATER))
    alone = _levels(tmp_path, all="disabled", **{"tenancy-quota": "mandatory"})
    (told,) = _found(tenant_project.run("preview", "--json", *alone))
    assert "is known only after `up`" in told.why


def test_up_makes_nothing_of_a_stack_that_breaks_a_mandatory_policy(tenant_project: Project, tmp_path: Path) -> None:
    refused = _levels(tmp_path, all="disabled", **{"tenancy-namespace-owner": "mandatory"})
    text = tenant_project.run("up", "--yes", "--skip-preview", *refused, fails=True)
    assert "Namespace/shop has no annotation fleet/owner" in text
    assert "ResourceTemplates::shop" not in tenant_project.run("stack", "export")


def test_advice_lets_up_pass_and_the_saved_state_is_judged_as_well(tenant_project: Project, tmp_path: Path) -> None:
    advised = _levels(tmp_path, all="disabled", **{"tenancy-namespace-owner": "advisory", "tenancy-quota": "advisory"})
    assert "has no annotation fleet/owner" in tenant_project.run("up", "--yes", "--skip-preview", *advised)
    judged = tenant_project.run("policy", "analyze", "--json", *advised)
    assert {each.policy for each in _found(judged)} == {"tenancy-namespace-owner", "tenancy-quota"}
    tenant_project.run("destroy", "--yes", "--skip-preview")


def test_an_exemption_without_a_reason_is_refused(tenant_project: Project, tmp_path: Path) -> None:
    exemption = {"exemptions": [{"resource": "shop", "until": "2099-01-01"}]}
    levels = _levels(tmp_path, all="disabled", **{"tenancy-namespace-owner": exemption})
    assert "reason is required" in tenant_project.run("preview", *levels, fails=True)
