"""The kind of resource `lab:index:Istiod`: what a provider is asked for, put into terms of `control_plane`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.cluster.kwok import BinaryError
from lab.cluster.lifecycle import Status
from lab.cluster.ports import PortTakenError
from lab.istio import control_plane, folders
from lab.istio.control_plane import IstioError
from lab.istio.spec import REPLACING, UPDATING, Spec
from providers.kind import Found, Kind, Values, differing
from providers.patience import Patience


class IstiodKind(Kind):
    """An istiod; its ID is that of its ports. `root` is the project's folder, from which directories are counted."""

    resource_type = "lab:index:Istiod"
    required = REPLACING + UPDATING
    # Everything that comes back is an input as well, and these are secret there.
    secrets = frozenset({"kubeconfig", "certificates"})
    expected = (BinaryError, IstioError, PortTakenError)

    def __init__(self, root: Path) -> None:
        self._root = root

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Compare the settings, and look whether it lives: a plain `up` is to bring a dead one back."""
        changes = {name: name in REPLACING for name in differing(REPLACING + UPDATING, old, new)}
        found = control_plane.status(self._folder(identity))
        if found is not Status.RUNNING or state.get("status") != found:
            changes["status"] = False
        return changes

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """One that is updated runs afterwards."""
        return inputs if state is None else {**state, **inputs, "status": Status.RUNNING.value}

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Start it, or go on with the one that is there."""
        return inputs["ports"], self._make(inputs, patience)

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Look at it. One that does not run is there, and stopped."""
        found = control_plane.status(self._folder(identity))
        if found is Status.MISSING:
            return None
        if not inputs:
            raise IstioError("an istiod of the lab cannot be imported: create it where it is")
        return Found(inputs=inputs, outputs={**state, **inputs, "status": found.value})

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Make it what it should be, and start it if it does not run."""
        del identity, state
        return self._make(inputs, patience)

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Remove it; its ports stay."""
        del state, patience
        folders.empty(self._folder(identity))

    def _make(self, inputs: Values, patience: Patience) -> Values:
        folder = self._folder(inputs["ports"])
        control_plane.create(Spec.of(inputs), folder, patience)
        return {**inputs, "status": control_plane.status(folder).value}

    def _folder(self, identity: str) -> Path:
        return folders.of_identity(self._root, identity)
