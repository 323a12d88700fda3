"""The kind of resource `lab:index:KarmadaRestart`: a program of Karmada's, started anew when something changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.karmada import control_plane
from lab.karmada.control_plane import KarmadaError
from providers.kind import Found, Kind, Values, differing
from providers.patience import Patience

_INPUTS = ("controlPlane", "program", "triggers")


class KarmadaRestartKind(Kind):
    """A program's last start. `root` is the folder of the project, from which directories are counted."""

    resource_type = "lab:index:KarmadaRestart"
    required = _INPUTS
    expected = (KarmadaError,)

    def __init__(self, root: Path) -> None:
        self._root = root

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Whatever changes is a reason to start the program anew."""
        del identity, state
        return dict.fromkeys(differing(_INPUTS, old, new), False)

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Note what there is: the program was started just now."""
        del patience
        return f"{inputs['controlPlane']}/{inputs['program']}", inputs

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Nothing of it can drift."""
        del identity
        return Found(inputs=inputs, outputs=state)

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Start the program anew, and wait until it works."""
        del identity, state
        directory, _, name = inputs["controlPlane"].rpartition("/")
        control_plane.restart(control_plane.folder_of(self._root, directory, name), inputs["program"], patience)
        return inputs

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Leave the program as it is."""
        del identity, state, patience
