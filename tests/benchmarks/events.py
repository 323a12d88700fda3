"""What happened when in a run of the Pulumi engine: its event log, followed while it is written.

The log's own timestamps are whole seconds, so each event gets the time at which it was read here instead. The shape of
an event is that of `apitype.EngineEvent` in Pulumi's Go SDK (`sdk/go/common/apitype/events.go`).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_POLL_SECONDS = 0.02
_UNCHANGED = {"same", "read", "refresh", "read-discard"}


@dataclass(frozen=True, kw_only=True)
class Event:
    """An engine event, `seconds` after the start of the command."""

    seconds: float
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation on one resource, with its start and end in seconds after the start of the command."""

    urn: str
    op: str
    start: float
    end: float

    @property
    def type(self) -> str:
        """The resource's own type, such as `kubernetes:core/v1:Namespace`."""
        return self.types[-1]

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the resource's ancestors from the outermost component on, its own last."""
        return tuple(self.urn.split("::")[2].split("$"))

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start

    def is_in(self, module: str) -> bool:
        """Whether the resource is, or is in, a component of the project's module `module`, such as `cluster`."""
        return any(type_.startswith(f"fleet:{module}:") for type_ in self.types)


@dataclass(frozen=True, kw_only=True)
class KindOfStep:
    """All steps on resources of one type: seconds are after the start of the command, save `total` and `longest`."""

    type: str
    op: str
    number: int
    total: float
    longest: float
    start: float
    end: float


class EventLog(threading.Thread):
    """Follows the event log at `path`, from a start at `started` (`time.monotonic()`), until it is left."""

    def __init__(self, path: Path, started: float) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._began = started
        self._ended = threading.Event()
        self.events: list[Event] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Read lines as they are completed; what was written before the end was asked for is read."""
        while not self._path.exists():
            if self._ended.wait(_POLL_SECONDS):
                return
        with self._path.open() as file:
            line = ""
            while True:
                ending = self._ended.is_set()
                while piece := file.readline():
                    line += piece
                    if line.endswith("\n"):
                        self.events.append(Event(seconds=time.monotonic() - self._began, body=json.loads(line)))
                        line = ""
                if ending:
                    return
                self._ended.wait(_POLL_SECONDS)


def steps(events: Iterable[Event]) -> list[Step]:
    """The steps that were finished, in the order of their starts.

    A component is finished twice, when it is registered and when its outputs are: the later one counts.
    """
    started: dict[tuple[str, str], float] = {}
    ended: dict[tuple[str, str], float] = {}
    for event in events:
        for kind, times in (("resourcePreEvent", started), ("resOutputsEvent", ended)):
            if kind in event.body:
                metadata = event.body[kind]["metadata"]
                times[metadata["urn"], metadata["op"]] = event.seconds
    return sorted(
        (Step(urn=key[0], op=key[1], start=start, end=ended[key]) for key, start in started.items() if key in ended),
        key=lambda step: step.start,
    )


def kinds_of_steps(done: Iterable[Step]) -> list[KindOfStep]:
    """The steps summed up by type and operation, in the order of their first starts, without stack and components."""
    groups: dict[tuple[str, str], list[Step]] = {}
    for step in done:
        if not step.type.startswith(("fleet:", "pulumi:pulumi:")):
            groups.setdefault((step.type, step.op), []).append(step)
    return [
        KindOfStep(
            type=key[0],
            op=key[1],
            number=len(group),
            total=sum(step.seconds for step in group),
            longest=max(step.seconds for step in group),
            start=min(step.start for step in group),
            end=max(step.end for step in group),
        )
        for key, group in groups.items()
    ]


def changes(events: Iterable[Event]) -> int:
    """How many resources the engine's summary says it changed."""
    summaries = [
        event.body["summaryEvent"]["resourceChanges"] or {} for event in events if "summaryEvent" in event.body
    ]
    return sum(number for summary in summaries for op, number in summary.items() if op not in _UNCHANGED)


def split(total: float, marks: Sequence[tuple[str, float | None]]) -> dict[str, float]:
    """The `total` seconds split into phases.

    Args:
        total: seconds from start to end.
        marks: each phase with the second at which it ended, in order; None for a phase that cannot be told apart, whose
            time then goes to the next one. The last phase lasts until `total`, whatever its mark.

    Returns:
        seconds by phase; they add up to `total`, and none is negative: what a phase did while an earlier one went on
        counts for the earlier one.

    """
    seconds: dict[str, float] = {}
    reached = 0.0
    for number, (name, mark) in enumerate(marks, start=1):
        if number == len(marks):
            mark = total  # noqa: PLW2901
        if mark is not None:
            end = min(max(mark, reached), total)
            seconds[name] = end - reached
            reached = end
    return seconds
