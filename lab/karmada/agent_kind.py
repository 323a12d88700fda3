"""The kind of resource `lab:index:KarmadaAgent`: what a provider is asked for, put into terms of `agent`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.cluster.kwok import BinaryError
from lab.cluster.lifecycle import Status
from lab.cluster.ports import PortTakenError
from lab.karmada import agent, control_plane
from lab.karmada.agent import REPLACING, UPDATING, AgentSpec
from lab.karmada.control_plane import KarmadaError
from providers.karmada.api import ApiError
from providers.kind import Found, Kind, Values, differing
from providers.patience import Patience


class KarmadaAgentKind(Kind):
    """An agent. `root` is the folder of the project, from which directories are counted."""

    resource_type = "lab:index:KarmadaAgent"
    required = REPLACING + UPDATING
    # They come back as they were given, and are secret there.
    secrets = frozenset({"karmadaKubeconfig", "memberKubeconfig"})
    expected = (ApiError, BinaryError, KarmadaError, PortTakenError)

    def __init__(self, root: Path) -> None:
        self._root = root

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Compare the settings, and look whether it lives: a plain `up` is to bring a dead one back."""
        changes = {name: name in REPLACING for name in differing(REPLACING + UPDATING, old, new)}
        found = agent.status(self._folder(identity))
        if found is not Status.RUNNING or state.get("status") != found:
            changes["status"] = False
        return changes

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """One that is updated runs afterwards."""
        return inputs if state is None else {**state, **inputs, "status": Status.RUNNING.value}

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Make the agent, or go on with the one that is there."""
        return f"{inputs['directory']}/{inputs['name']}", self._make(inputs, patience)

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Look at the agent. One without its files is gone; one that does not run is there, and stopped."""
        found = agent.status(self._folder(identity))
        if found is Status.MISSING:
            return None
        if not inputs:
            raise KarmadaError("an agent of the lab cannot be imported: create it where it is")
        return Found(inputs=inputs, outputs={**state, **inputs, "status": found.value})

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Start it if it does not run, and make it what the inputs say."""
        del identity, state
        return self._make(inputs, patience)

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Remove the agent."""
        del state, patience
        control_plane.remove(self._folder(identity))

    def _make(self, inputs: Values, patience: Patience) -> Values:
        folder = control_plane.folder_of(self._root, inputs["directory"], inputs["name"])
        agent.create(AgentSpec.of(inputs), folder, patience)
        return {**inputs, "status": agent.status(folder).value}

    def _folder(self, identity: str) -> Path:
        directory, _, name = identity.rpartition("/")
        return control_plane.folder_of(self._root, directory, name)
