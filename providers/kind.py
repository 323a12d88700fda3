"""What a provider has to know of one kind of resource; everything about Pulumi's protocol is in `serving.py`.

Inputs and outputs are plain JSON values with the names that they have in the state. An input that is not known yet, in
a preview, is the string `UNKNOWN`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.patience import Patience

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine sends for a value that is not known yet (Pulumi's sdk/go/common/resource/plugin/rpc.go)."""

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A resource as it really is: what it would have been made from, and its outputs."""

    inputs: Values
    outputs: Values


class NotReadyError(Exception):
    """A resource was made or changed, but is not what it should be.

    Its id and outputs go into the state with its new inputs, and `reasons`, lines for the person at the terminal, are
    told; the next `up` updates it, whether its inputs have changed by then or not.
    """

    def __init__(self, identity: str, outputs: Values, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.identity = identity
        self.outputs = outputs
        self.reasons = list(reasons)


class Kind(ABC):
    """One kind of resource.

    A method that cannot do what it is asked for raises one of `expected`, `OSError` or what `Patience` raises, with a
    message for the person at the terminal; any other exception is a defect of the provider. `create` and `update` may
    raise `NotReadyError`.
    """

    resource_type: str
    """Its type in a program, such as `lab:index:Cluster`."""
    required: tuple[str, ...] = ()
    """Inputs that it cannot do without."""
    secrets: frozenset[str] = frozenset()
    """Outputs that are secret from birth."""
    deletes_first: bool = True
    """Whether the old one has to go before one that replaces it is made."""
    seconds: int = 180
    """How long an operation may take, where the program does not say."""

    expected: tuple[type[Exception], ...] = ()

    def problems(self, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """What is wrong with `inputs`, all of which are known: pairs of an input's path and what would be right."""
        del inputs
        return ()

    @abstractmethod
    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """What an update has to change: paths of properties, and whether that takes a new resource.

        `old` and `new` are inputs, `state` is the outputs. What is found to have changed in reality counts as well.
        """

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """The outputs that a preview can know: of a new resource where `state` is None, otherwise of an updated one."""
        return {**(state or {}), **inputs}

    @abstractmethod
    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Make the resource, or take over what an interrupted `up` has left of it; its id and outputs."""

    @abstractmethod
    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Look at the resource; None if it is gone. Both `inputs` and `state` are empty when it is to be imported."""

    @abstractmethod
    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Make the resource what `inputs` say; its outputs."""

    @abstractmethod
    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Remove the resource, however it is found; it is no error if it is gone."""


def differing(names: Iterable[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Those of `names` whose values differ."""
    return (name for name in names if old.get(name) != new.get(name))


def is_known(value: object) -> bool:
    """Whether no part of `value` is unknown yet."""
    if isinstance(value, dict):
        return all(is_known(part) for part in value.values())
    if isinstance(value, list):
        return all(is_known(part) for part in value)
    return value != UNKNOWN
