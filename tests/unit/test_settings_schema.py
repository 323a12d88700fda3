"""What editors and readers are given is what the models say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from stacks import schema
from stacks.clusters import CLOUDS, Cloud
from stacks.limits import USUAL_LIMITS, Limits
from tests.unit.settings_samples import cluster, config, loaded, tenant

ROOT = Path(__file__).parents[2]


def stack_file(*tenants: object, **changes: object) -> dict[str, Any]:
    return {"config": {f"fleet:{key}": value for key, value in config(*tenants, **changes).items()}}


def complaints(document: object) -> list[str]:
    validator = Draft202012Validator(schema.json_schema())
    return [error.message for error in validator.iter_errors(document)]


def test_the_schema_file_is_in_step_with_the_models() -> None:
    Draft202012Validator.check_schema(schema.json_schema())
    written = json.loads(schema.SCHEMA_FILE.read_text(encoding="utf-8"))
    assert written == schema.json_schema(), "run: python -m stacks.schema"


def test_the_reference_is_in_step_with_the_models() -> None:
    assert schema.reference() in schema.REFERENCE_FILE.read_text(encoding="utf-8"), "run: python -m stacks.schema"


@pytest.mark.parametrize("path", sorted((ROOT / "stacks").glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_every_stack_file_suits_the_schema_and_names_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=settings.schema.json\n")
    assert complaints(yaml.safe_load(text)) == []


def test_the_limits_that_the_reference_calls_usual_are() -> None:
    for step, usual in USUAL_LIMITS.items():
        said = ", ".join(f"{resource} {quantity}" for resource, quantity in usual.items())
        assert f"Usually {said}" in (Limits.model_fields[step].description or "")


def test_every_cloud_has_settings() -> None:
    assert set(CLOUDS) == set(Cloud)


GOOD: list[dict[str, Any]] = [
    stack_file(tenant(quota={"pods": 5, "requests.nvidia.com/gpu": 1, "count/deployments.apps": "3"})),
    stack_file(tenant(access={"admin": {"users": ["a"]}}, limits={"max": {"cpu": 0.5}})),
    stack_file(tenant(network={"egress": [{"cidr": "192.0.2.0/24", "ports": [53], "protocol": "UDP"}]})),
    stack_file(regions={"na": cluster(1, zones=["z"], nodePools=[{"count": 1, "cpu": "4"}])}, environment="prod"),
    stack_file(tenantsFolder=""),
]
BAD: list[dict[str, Any]] = [
    stack_file(tenant(ownr="x")),
    stack_file({"name": "shop"}),
    stack_file(tenant("Shop")),
    stack_file(tenant(podSecurity="privileged")),
    stack_file(tenant(quota={"cpu": 1})),
    stack_file(tenant(quota={"pods": "many"})),
    stack_file(tenant(regions=[])),
    stack_file(regions={}),
    stack_file(regions={"na": cluster(1, cloud="lob")}),
    stack_file(regions={"na": cluster(1, zone="x")}),
    stack_file(regionz={}),
    {"config": {}},
    {"confg": {}},
]


@pytest.mark.parametrize("document", GOOD, ids=str)
def test_an_editor_takes_what_is_right(document: dict[str, Any]) -> None:
    assert complaints(document) == []


@pytest.mark.parametrize("document", BAD, ids=str)
def test_an_editor_marks_what_is_wrong(document: dict[str, Any]) -> None:
    assert complaints(document)


def test_the_examples_of_the_reference_are_right() -> None:
    blocks = schema.REFERENCE_FILE.read_text(encoding="utf-8").split("```yaml\n")[1:]
    assert blocks
    for block in blocks:
        example = yaml.safe_load(block.split("```")[0])
        if isinstance(example, dict) and "config" in example:
            assert complaints(example) == []
        else:
            assert loaded(*(example if isinstance(example, list) else [example])).tenants
