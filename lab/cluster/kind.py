"""The kind of resource `lab:index:Cluster`: what a provider is asked for, put into terms of `lifecycle`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.cluster import lifecycle, nodes
from lab.cluster.api import Api, ApiError
from lab.cluster.kwok import BinaryError
from lab.cluster.lifecycle import ClusterError, Status
from lab.cluster.ports import PortTakenError
from lab.cluster.record import Record
from lab.cluster.spec import REPLACING, UPDATING, Spec, problems
from providers.kind import Found, Kind, Values, differing
from providers.patience import Patience


class ClusterKind(Kind):
    """A lab cluster. `root` is the folder of the project, from which clusters' directories are counted."""

    resource_type = "lab:index:Cluster"
    required = REPLACING + UPDATING
    secrets = frozenset({"kubeconfig"})
    seconds = lifecycle.DEFAULT_SECONDS
    expected = (ApiError, BinaryError, ClusterError, PortTakenError)

    def __init__(self, root: Path) -> None:
        self._root = root

    def problems(self, inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """As `spec.problems` says."""
        return problems(inputs)

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Compare the settings, and look whether the cluster lives: a plain `up` is to bring a dead one back."""
        changes = {name: name in REPLACING for name in differing(REPLACING + UPDATING, old, new)}
        folder = self._folder(identity)
        record = Record.read(folder)
        found = lifecycle.status(folder)
        if found is Status.MISSING or record is None:
            changes["status"] = True
        elif found is not Status.RUNNING or state.get("status") != found:
            changes["status"] = False
        elif record.identifier != state.get("identifier"):
            changes["identifier"] = False
        return changes

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """A cluster that is updated runs afterwards."""
        return inputs if state is None else {**state, **inputs, "status": Status.RUNNING.value}

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Make the cluster, or go on with the one that is there."""
        return f"{inputs['directory']}/{inputs['name']}", self._make(inputs, patience)

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Look at the cluster. One without its data is gone; one that does not run is there, and stopped."""
        folder = self._folder(identity)
        record = Record.read(folder)
        if record is None:
            return None
        if not inputs:
            raise ClusterError("a lab cluster cannot be imported: create it where it is")
        return Found(inputs=inputs, outputs=_outputs({**state, **inputs}, folder, record))

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Start what does not run, with what was in it, and make version and nodes what they should be."""
        del identity, state
        return self._make(inputs, patience)

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Remove the cluster."""
        del state, patience
        lifecycle.remove(self._folder(identity))

    def _make(self, inputs: Values, patience: Patience) -> Values:
        spec = Spec.of(inputs)
        folder = lifecycle.folder_of(self._root, spec.directory, spec.name)
        return _outputs(inputs, folder, lifecycle.create(spec, folder, patience))

    def _folder(self, identity: str) -> Path:
        directory, _, name = identity.rpartition("/")
        return lifecycle.folder_of(self._root, directory, name)


def _outputs(values: Values, folder: Path, record: Record) -> Values:
    status = lifecycle.status(folder)
    outputs = {
        **values,
        "kubeconfig": record.kubeconfig(folder),
        "server": record.server,
        "caData": record.ca_data(folder),
        "identifier": record.identifier,
        "status": status.value,
    }
    if status is Status.RUNNING:
        with Api(record.ports.api_server, folder / "pki") as api:
            outputs["nodeCount"] = nodes.count(api)
    return outputs
