"""Properties of resources in which some values are not known yet, as in a preview.

To read an unknown value raises: no rule can take it for one that is missing, or for one that is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

UNKNOWN = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What the engine sends in place of an unknown value (sdk/go/common/resource/plugin/rpc.go, Pulumi)."""


class UnknownValueError(Exception):
    """A rule asked for a value that is known only after `up`; `path` says which."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is known only after `up`")
        self.path = path


class Fields(Mapping[str, Any]):
    """A mapping that raises `UnknownValueError` when an unknown value is read."""

    def __init__(self, raw: Mapping[str, Any], path: str = "") -> None:
        self._raw, self._path = raw, path

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - any part of a resource
        return known(self._raw[key], f"{self._path}.{key}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class Items(Sequence[Any]):
    """A list that raises `UnknownValueError` when an unknown value is read."""

    def __init__(self, raw: Sequence[Any], path: str) -> None:
        self._raw, self._path = raw, path

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - any part of a resource
        return known(self._raw[index], f"{self._path}[{index}]")

    def __len__(self) -> int:
        return len(self._raw)


def known(value: Any, path: str) -> Any:  # noqa: ANN401 - any part of a resource
    """Return a value to read.

    Raises:
        UnknownValueError: it is not known yet.

    """
    if isinstance(value, str) and value in UNKNOWN:
        raise UnknownValueError(path)
    if isinstance(value, Mapping):
        return Fields(value, path)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Items(value, path)
    return value
