"""Karmada's own kinds, as its definitions of them say: what a real API server would refuse, or drop without a word."""

import os
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]


def _folder() -> Path | None:
    """Where the definitions are: in the folder that is named for them, or with the built programs' chart."""
    program = shutil.which("karmada-controller-manager") or ""
    named = os.environ.get("FLEET_KARMADA_CRDS", "")
    folder = Path(named) if named else Path(program).resolve().parent / "karmada-chart" / "_crds" / "bases"
    return folder if folder.is_dir() else None


@cache
def _schemas(folder: Path) -> Mapping[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in folder.rglob("*.yaml"):
        definition = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        for version in definition["versions"]:
            kind = (f"{definition['group']}/{version['name']}", definition["names"]["kind"])
            found[kind] = _closed(version["schema"]["openAPIV3Schema"])
    return found


def _closed(schema: Any) -> Any:  # noqa: ANN401 (any part of a schema)
    """Return the schema with every field refused that it does not name: the API server would drop it."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items() if key != "format"}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    return closed


def faults(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an object of one of Karmada's kinds; without the definitions the test is skipped."""
    folder = _folder()
    if folder is None:
        pytest.skip("no definitions of Karmada's kinds: karmada-controller-manager is not on PATH with its chart")
    schema = _schemas(folder)[manifest["apiVersion"], manifest["kind"]]
    for error in Draft202012Validator(schema).iter_errors(manifest):
        yield f"{manifest['kind']} {error.json_path}: {error.message}"
