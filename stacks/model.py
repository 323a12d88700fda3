"""What every settings model has in common."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen part of the settings: camelCase in YAML, unknown fields refused, described by its fields' docstrings."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, use_attribute_docstrings=True, allow_inf_nan=False
    )
