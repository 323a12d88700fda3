"""Recordings of another plugin's calls and answers, and how to hold this one's answers against them.

A recording is a folder of files `<scenario>.<step>.jsonl`, one call a line: `method`, `request`, `response`, `errors`.
What differs from run to run is masked there (`KUBECONFIG`, `TIME`, `UID`, …) and is left out of the comparison here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from pulumi.runtime.proto import provider_pb2

from tests.plugins.engine import CallError, Plugin

_REQUESTS = {
    "CheckConfig": provider_pb2.CheckRequest,
    "DiffConfig": provider_pb2.DiffRequest,
    "Configure": provider_pb2.ConfigureRequest,
    "Check": provider_pb2.CheckRequest,
    "Diff": provider_pb2.DiffRequest,
    "Create": provider_pb2.CreateRequest,
    "Read": provider_pb2.ReadRequest,
    "Update": provider_pb2.UpdateRequest,
    "Delete": provider_pb2.DeleteRequest,
}

# What the cluster, its version or the moment decides, and not the plugin.
_INCIDENTAL = {
    "__fieldManager", "clusterIP", "clusterIPs", "conditions", "creationTimestamp", "ingress", "managedFields",
    "nodePort", "resourceNames", "resourceVersion", "status", "terminatingReplicas", "uid",
}  # fmt: skip

Json = Any


def scenarios(folder: Path) -> list[str]:
    """The names of the scenarios in a folder."""
    return sorted({path.name.split(".")[0] for path in folder.glob("*.jsonl")})


@dataclass
class Replay:
    """One scenario, played to a plugin. Its state is the plugin's own answers, not the recorded ones."""

    folder: Path
    scenario: str
    kubeconfig: str
    chart: str
    _names: dict[str, str] = field(default_factory=dict)
    _states: dict[str, tuple[Json, Json]] = field(default_factory=dict)

    def steps(self) -> list[str]:
        paths = self.folder.glob(f"{self.scenario}.*.jsonl")
        return sorted(path.name.split(".")[1] for path in paths)

    def differences(self, plugin: Plugin, step: str) -> Iterator[str]:
        """What the plugin answers differently in a step."""
        for line in (self.folder / f"{self.scenario}.{step}.jsonl").read_text().splitlines():
            call = json.loads(line)
            yield from (f"{step} {call['method']}: {difference}" for difference in self._play(plugin, call))

    def _play(self, plugin: Plugin, call: Json) -> Iterator[str]:
        method, request = call["method"], self._fill(call["request"])
        self._recall(method, request)
        message = json_format.ParseDict(request, _REQUESTS[method](), ignore_unknown_fields=True)
        try:
            answer = json.loads(json_format.MessageToJson(plugin.call(method, message)))
        except CallError as error:
            if not call.get("errors"):
                yield f"failed: {error.message}"
            return
        if call.get("errors"):
            yield f"succeeded where it should fail with {call['errors']}"
            return
        if method == "Check":
            self._learn_name(call["response"]["inputs"], answer["inputs"])
        if not request.get("preview"):
            self._remember(method, request, answer)
        yield from _compare(_clean(call["response"]), _clean(self._mask(answer)), "")

    def _recall(self, method: str, request: Json) -> None:
        if request.get("id") not in self._states:
            return
        inputs, outputs = self._states[request["id"]]
        places = {"Diff": ("oldInputs", "olds"), "Update": ("oldInputs", "olds"), "Read": ("inputs", "properties")}
        inputs_key, outputs_key = places.get(method, ("oldInputs", "properties"))
        request[inputs_key], request[outputs_key] = inputs, outputs

    def _remember(self, method: str, request: Json, answer: Json) -> None:
        if method == "Create":
            self._states[answer["id"]] = request["properties"], answer["properties"]
        elif method == "Update":
            self._states[request["id"]] = request["news"], answer["properties"]
        elif method == "Read" and answer.get("id"):
            self._states[answer["id"]] = answer["inputs"], answer["properties"]

    def _learn_name(self, recorded: Json, own: Json) -> None:
        theirs, ours = (inputs.get("name") or inputs.get("metadata", {}).get("name") for inputs in (recorded, own))
        if theirs != ours and theirs and ours:
            self._names[theirs] = ours

    def _fill(self, value: Json) -> Json:
        def text(found: str) -> str:
            found = {"KUBECONFIG": self.kubeconfig, "PATH": self.chart}.get(found, found)
            for theirs, ours in self._names.items():
                found = found.replace(theirs, ours)
            return found

        return _map(value, text)

    def _mask(self, value: Json) -> Json:
        def text(found: str) -> str:
            found = {self.kubeconfig: "KUBECONFIG", self.chart: "PATH"}.get(found, found)
            for theirs, ours in self._names.items():
                found = found.replace(ours, theirs)
            return found

        return _map(value, text)


def _map(value: Json, text: Callable[[str], str]) -> Json:
    if isinstance(value, dict):
        return {key: _map(element, text) for key, element in value.items()}
    if isinstance(value, list):
        return [_map(element, text) for element in value]
    return text(value) if isinstance(value, str) else value


def _clean(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _clean(element) for key, element in value.items() if key not in _INCIDENTAL}
    if isinstance(value, list):
        return [_clean(element) for element in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return re.sub(r"-[0-9a-f]{8,10}\b", "-#", value) if isinstance(value, str) else value


def _compare(recorded: Json, own: Json, path: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(own, dict):
        for key in sorted(recorded.keys() | own.keys()):
            yield from _compare(recorded.get(key), own.get(key), f"{path}.{key}")
    elif recorded != own:
        yield f"{path} is {own!r}, recorded {recorded!r}"
