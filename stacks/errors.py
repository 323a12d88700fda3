"""Errors in settings as lines for the person at the terminal: where, what is wrong, what would be right."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

_TYPE_NAMES: dict[type, str] = {dict: "a mapping", list: "a list"}

_LONGEST_SHOWN = 60


class SettingsError(Exception):
    """The settings are wrong; nothing has been created.

    ``errors`` holds one line for each error, all that could be found at once:
    ``<path>: <what is wrong>; <what would be right>``.
    """

    def __init__(self, errors: Sequence[str]) -> None:
        # What is quoted from the settings must neither break the line nor speak to the terminal.
        self.errors = ["".join(c if c.isprintable() else repr(c)[1:-1] for c in error) for error in errors]
        super().__init__("\n".join(self.errors))


Problem = tuple[tuple[str | int, ...], str]
"""What is wrong at a path relative to a value."""


class InvalidFieldsError(ValueError):
    """Several problems found by one pydantic validator, relative to the value that it validated."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(text for _, text in problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Place:
    """Where a value is written: a key of the stack file (``fleet:regions``) or a file, and the steps from there."""

    source: str
    steps: tuple[str | int, ...] = ()
    is_file: bool = False

    def __truediv__(self, step: str | int) -> Self:
        return type(self)(self.source, (*self.steps, step), self.is_file)

    def within(self, steps: Iterable[str | int]) -> Self:
        """Return the place that many steps further in."""
        return type(self)(self.source, (*self.steps, *steps), self.is_file)

    def __str__(self) -> str:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        if not self.is_file:
            return self.source + path
        return f"{self.source}: {path.removeprefix('.')}" if path else self.source

    def problem(self, text: str) -> str:
        """Return the line that says that ``text`` is wrong here."""
        return f"{self}: {text}"


def shown(value: object) -> str:
    """Return a scalar as it can stand in a line (long ones cut), and only the type of anything else."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        text = repr(value)
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    if value in ([], {}):
        return "empty"
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def suggestion(word: object, known: Iterable[str]) -> str:
    """Return `` did you mean `x`?`` for the nearest of the known words, or a list of them when none is near."""
    names = sorted(known)
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(str(word).lower(), lowered, n=1, cutoff=0.5)
    if near:
        return f"did you mean `{lowered[near[0]]}`?"
    return f"known here: {', '.join(names)}" if names else "nothing is known here"


def lines_of(error: ValidationError, place: Place, schema: Mapping[str, Any]) -> list[str]:
    """Return the lines of a pydantic error.

    Args:
        error: what the model raised.
        place: where the validated value is written.
        schema: the model's JSON Schema, for the names and descriptions of its fields.

    """
    lines: list[str] = []
    for detail in error.errors(include_url=False):
        # Both only tell that something else, which has its own line, is wrong: another field, or a list's items.
        if detail["type"] == "default_factory_not_called" or (detail["type"] == "too_short" and detail["input"]):
            continue
        where = place.within(detail["loc"])
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, InvalidFieldsError):
            lines += [where.within(steps).problem(text) for steps, text in cause.problems]
        else:
            lines.append(where.problem(_describe(dict(detail), schema)))
    return lines


def _describe(detail: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return what is wrong, and what would be right, for one entry of ``ValidationError.errors()``."""
    kind, given = detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        *parents, name = detail["loc"]
        return f"is not a known field; {suggestion(name, _subschema(schema, parents).get('properties', {}))}"
    meaning = _subschema(schema, detail["loc"]).get("description", "").rstrip(".")
    if kind == "missing":
        return f"is missing; add it ({meaning})"
    wanted = _WANTED[kind].format(**context) if kind in _WANTED else f"valid ({detail['msg']})"
    text = f"should be {wanted}, is {shown(given)}"
    if kind == "string_type" and isinstance(given, bool | int | float):
        return f"{text}; put it in quotes"
    return f"{text} ({meaning})" if given is None and meaning else text


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
    "too_short": "left out, or name one or more",
    "enum": "one of {expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}
"""What each of pydantic's errors asks for."""


def _subschema(schema: Mapping[str, Any], steps: Sequence[str | int]) -> Mapping[str, Any]:
    """Return the part of a JSON Schema that describes the value reached by ``steps``, or ``{}`` where there is none."""
    found: Mapping[str, Any] = schema
    for step in steps:
        found = _resolved(schema, found)
        found = found.get("items", {}) if isinstance(step, int) else found.get("properties", {}).get(step, {})
    # A reference keeps its own description beside what it refers to.
    return {**_resolved(schema, found), **found}


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    name = part.get("$ref", "").removeprefix("#/$defs/")
    return schema["$defs"][name] if name else part
