"""A secret in a stack file: text for the program, and `{secure: ...}` for whoever reads the file without its key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from stacks.errors import shown


@dataclass(frozen=True)
class SecretText:
    """A text that is never shown. `text` is None where it is still encrypted: Pulumi alone decrypts it."""

    text: str | None = field(repr=False)


def _read(raw: object) -> SecretText:
    if isinstance(raw, SecretText):
        return raw
    if isinstance(raw, Mapping) and set(raw) == {"secure"}:
        return SecretText(None)
    if isinstance(raw, str) and raw:
        return SecretText(raw)
    what = "empty" if raw == "" else shown(raw)
    raise ValueError(f"should be text, encrypted by `pulumi config set --secret --path`, is {what}")


Secret = Annotated[
    SecretText,
    PlainValidator(_read),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}),
]
