"""What editors and readers need of the settings, made from the models: the JSON Schema of a stack file, the reference.

``python -m stacks.schema`` writes both anew; a test holds the files to the models.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from stacks import quantities
from stacks.clusters import CLOUDS, ClusterSettings
from stacks.fleet import Settings
from stacks.quota import USUAL_QUOTA
from stacks.reading import PREFIX, ROOT

SCHEMA_FILE = ROOT / "stacks" / "settings.schema.json"
REFERENCE_FILE = ROOT / "docs" / "settings.md"

_BEGIN, _END = "<!-- reference: made by python -m stacks.schema -->", "<!-- end of reference -->"
_FILLED_IN = {("Settings", "tenantsFolder"), ("Network", "name"), ("Tenant", "regions"), ("Tenant", "namespaces")}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a whole stack file, ``Pulumi.<stack>.yaml``."""
    models: list[type[BaseModel]] = [Settings, *CLOUDS.values()]
    _, schema = models_json_schema([(model, "validation") for model in models])
    definitions: dict[str, Any] = schema["$defs"]
    definitions[ClusterSettings.__name__] = {
        "description": "A cluster; its cloud decides which fields there are.",
        "oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in CLOUDS.values()],
    }
    for cloud, model in CLOUDS.items():
        own = definitions[model.__name__]["properties"]
        own["cloud"] = {"const": cloud.value, "description": own["cloud"]["description"]}
    del definitions["Cloud"]
    settings = definitions.pop(Settings.__name__)
    for name, definition in [("Settings", settings), *definitions.items()]:
        for field, part in definition.get("properties", {}).items():
            part.pop("title", None)
            if (name, field) in _FILLED_IN or part.get("default") in ({}, []) or isinstance(part.get("default"), dict):
                part.pop("default", None)  # the description says what stands in for it
        definition.pop("title", None)
    required = [field for field in settings["required"] if field != "environment"]
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack of the fleet",
        "type": "object",
        "required": ["config"],
        "additionalProperties": False,
        "properties": {
            "config": {
                "type": "object",
                "description": settings["description"].partition("\n")[0],
                "required": [f"{PREFIX}{field}" for field in required],
                "properties": {f"{PREFIX}{field}": part for field, part in settings["properties"].items()},
                "patternProperties": {f"^(?!{PREFIX})[^:]+:.+$": {}},
                "additionalProperties": False,
            },
            "encryptionsalt": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "secretsprovider": {"type": "string"},
            "environment": {},
        },
        "$defs": dict(sorted(definitions.items())),
    }
    named: dict[str, Any] = _with_named_quantities(_without_null(whole))
    named["$defs"]["Quantity"] = {"description": "A number and a unit: 500m, 2, 512Mi, 10Gi.", **quantities.JSON_SCHEMA}
    return named


def _without_null(part: Any) -> Any:  # noqa: ANN401 (any part of a JSON Schema)
    """Return the schema without the null that stands for a field that is left out."""
    if isinstance(part, list):
        return [_without_null(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _without_null(value) for key, value in part.items()}
    if {"type": "null"} in part.get("anyOf", []):
        (other,) = [each for each in kept.pop("anyOf") if each != {"type": "null"}]
        kept.pop("default", None)
        return {**other, **kept}
    return kept


def _with_named_quantities(part: Any) -> Any:  # noqa: ANN401 (any part of a JSON Schema)
    """Return the schema with a reference in place of each copy of what a quantity is."""
    if isinstance(part, list):
        return [_with_named_quantities(each) for each in part]
    if not isinstance(part, dict):
        return part
    rest = {key: value for key, value in part.items() if key not in quantities.JSON_SCHEMA}
    if all(part.get(key) == value for key, value in quantities.JSON_SCHEMA.items()):
        return {"$ref": "#/$defs/Quantity", **rest}
    return {key: _with_named_quantities(value) for key, value in part.items()}


def reference() -> str:
    """Return the reference of every field as Markdown, a table for each kind of thing that settings describe."""
    schema = json_schema()
    config = schema["properties"]["config"]
    lines = [_BEGIN, ""]
    for name, definition in [("Stack file: `config:`", config), *_described(schema)]:
        required = definition.get("required", [])
        lines += [
            f"### {name}",
            "",
            definition.get("description", ""),
            "",
            "| field | value | meaning |",
            "|---|---|---|",
        ]
        lines += [
            f"| `{field}`{' *' if field in required else ''} | {_value(part, schema['$defs'])} | {_meaning(part)} |"
            for field, part in definition["properties"].items()
        ]
        lines.append("")
    lines += ["### Usual quota of a namespace", "", "| resource | quota |", "|---|---|"]
    lines += [f"| `{resource}` | {quota} |" for resource, quota in USUAL_QUOTA.items()]
    return "\n".join([*lines, "", _END])


def _described(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the definitions with fields, in the order in which a reader of the stack file meets them."""
    seen: list[str] = []
    waiting = re.findall(r"#/\$defs/(\w+)", json.dumps(schema["properties"]))
    while waiting:
        name = waiting.pop(0)
        if name not in seen:
            seen.append(name)
            waiting = re.findall(r"#/\$defs/(\w+)", json.dumps(schema["$defs"][name])) + waiting
    return ((f"`{name}`", schema["$defs"][name]) for name in seen if "properties" in schema["$defs"][name])


def _value(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return what kind of value a field takes, in words, with links to the tables of those that have one."""
    name = part.get("$ref", "").removeprefix("#/$defs/")
    target = definitions.get(name, part)
    if "enum" in target or "const" in target:
        text = ", ".join(f"`{value}`" for value in target.get("enum", [target.get("const")]))
    elif "anyOf" in target and not name:
        text = ", or ".join(_value(each, definitions) for each in target["anyOf"])
    elif "oneOf" in target:
        text = ", ".join(_value(each, definitions) for each in target["oneOf"])
    elif "properties" in target and name:
        text = f"[{name}](#{name.lower()})"
    elif "items" in target:
        text = f"list of {_value(target['items'], definitions)}"
    elif isinstance(target.get("additionalProperties"), dict):
        text = f"mapping of name to {_value(target['additionalProperties'], definitions)}"
    elif "patternProperties" in target and "properties" not in target:
        (each,) = target["patternProperties"].values()
        text = f"mapping of name to {_value(each, definitions)}"
    elif name:
        text = name.lower()
    elif "properties" in target:
        text = f"mapping of {', '.join(f'`{key}`' for key in target['properties'])} to quantity"
    else:
        text = {"boolean": "`true`, `false`", "integer": "whole number", "string": "text"}[target["type"]]
    return text


def _meaning(part: Mapping[str, Any]) -> str:
    default = f" Default: `{json.dumps(part['default'])}`." if "default" in part else ""
    return f"{' '.join(part['description'].split())}{default}"


def main() -> None:
    """Write the schema, and the reference into its place in docs/settings.md."""
    SCHEMA_FILE.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
    text = REFERENCE_FILE.read_text(encoding="utf-8")
    before, after = text.split(_BEGIN)[0], text.split(_END)[1]
    REFERENCE_FILE.write_text(before + reference() + after, encoding="utf-8")


if __name__ == "__main__":
    main()
