"""The kind of resource `lab:index:Karmada`: what a provider is asked for, put into terms of `control_plane`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.cluster.api import ApiError
from lab.cluster.kwok import BinaryError
from lab.cluster.lifecycle import Status
from lab.cluster.ports import PortTakenError
from lab.karmada import control_plane, credentials
from lab.karmada.control_plane import KarmadaError, Record
from lab.karmada.spec import REPLACING, UPDATING, Spec
from providers.kind import Found, Kind, Values, differing
from providers.patience import Patience


class KarmadaKind(Kind):
    """A control plane of Karmada. `root` is the folder of the project, from which directories are counted."""

    resource_type = "lab:index:Karmada"
    required = REPLACING + UPDATING
    secrets = frozenset({"kubeconfig", "caKey"})
    expected = (ApiError, BinaryError, KarmadaError, PortTakenError)

    def __init__(self, root: Path) -> None:
        self._root = root

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Compare the settings, and look whether it lives: a plain `up` is to bring a dead one back."""
        changes = {name: name in REPLACING for name in differing(REPLACING + UPDATING, old, new)}
        folder = self._folder(identity)
        record, found = Record.read(folder), control_plane.status(folder)
        if record is None or found is not Status.RUNNING or state.get("status") != found:
            # Also of one that is gone: it is made anew in its place, and what is in it is put in again.
            changes["status"] = False
        elif record.identifier != state.get("identifier"):
            changes["identifier"] = False
        return changes

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """One that is updated runs afterwards."""
        return inputs if state is None else {**state, **inputs, "status": Status.RUNNING.value}

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Make the control plane, or go on with the one that is there."""
        return f"{inputs['directory']}/{inputs['name']}", self._make(inputs, patience)

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Look at the control plane. One without its data is gone; one that does not run is there, and stopped."""
        folder = self._folder(identity)
        record = Record.read(folder)
        if record is None:
            return None
        if not inputs:
            raise KarmadaError("a control plane of the lab cannot be imported: create it where it is")
        return Found(inputs=inputs, outputs=_outputs({**state, **inputs}, folder, record))

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Start what does not run, with what was in it, and make version and arguments what they should be."""
        del identity, state
        return self._make(inputs, patience)

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Remove the control plane."""
        del state, patience
        control_plane.remove(self._folder(identity))

    def _make(self, inputs: Values, patience: Patience) -> Values:
        folder = control_plane.folder_of(self._root, inputs["directory"], inputs["name"])
        return _outputs(inputs, folder, control_plane.create(Spec.of(inputs), folder, patience))

    def _folder(self, identity: str) -> Path:
        directory, _, name = identity.rpartition("/")
        return control_plane.folder_of(self._root, directory, name)


def _outputs(values: Values, folder: Path, record: Record) -> Values:
    return {
        **values,
        "kubeconfig": credentials.kubeconfig(record.name, record.ports.api_server, folder / "pki"),
        "server": record.server,
        "caData": credentials.encoded(folder / "pki" / "ca.crt"),
        "caKey": (folder / "pki" / "ca.key").read_text(),
        "identifier": record.identifier,
        "status": control_plane.status(folder).value,
    }
