"""The ports of an istiod, all on loopback, and the kind of resource `lab:index:IstiodPorts`, which keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.cluster import ports as claims
from lab.cluster.ports import LOOPBACK, PortTakenError
from lab.istio import folders
from providers.kind import Found, Kind, Values, differing
from providers.patience import Patience

HOST = "localhost"
"""istiod's name for those who check its certificate, in which there are no addresses."""

_INPUTS = ("name", "directory")


@dataclass(frozen=True, kw_only=True)
class Ports:
    """A port for each address that istiod listens on."""

    webhooks: int
    discovery: int
    plain_discovery: int
    status: int
    monitoring: int
    introspection: int

    @classmethod
    def read(cls, folder: Path) -> Ports | None:
        """The ports of the istiod in `folder`; None if it never had any."""
        try:
            return cls(**json.loads((folder / folders.PORTS).read_text()))
        except FileNotFoundError:
            return None

    @classmethod
    def claim(cls, folder: Path) -> Ports:
        """Give the istiod in `folder` its ports, or those that it has already. Raises `PortTakenError`."""
        with folders.lock(folder):
            if (found := cls.read(folder)) is not None:
                return found
            folder.mkdir(mode=0o700, exist_ok=True)
            ports = claims.claim(folder, cls)
            folders.write(folder / folders.PORTS, json.dumps(asdict(ports), indent=1))
            return ports

    @property
    def addresses(self) -> dict[str, str]:
        """What `IstiodPorts` tells a program."""
        return {
            "injectionUrl": f"https://{HOST}:{self.webhooks}/inject",
            "validationUrl": f"https://{HOST}:{self.webhooks}/validate",
            "discoveryAddress": f"{HOST}:{self.discovery}",
            "plainDiscoveryAddress": f"{LOOPBACK}:{self.plain_discovery}",
            "statusUrl": f"http://{LOOPBACK}:{self.status}",
            "monitoringUrl": f"http://{LOOPBACK}:{self.monitoring}",
        }


class PortsKind(Kind):
    """The ports of an istiod. `root` is the folder of the project, from which directories are counted."""

    resource_type = "lab:index:IstiodPorts"
    required = _INPUTS
    expected = (PortTakenError,)

    def __init__(self, root: Path) -> None:
        self._root = root

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Ports that nothing is known of any more are others: the charts that name them have to hear of it."""
        changes = dict.fromkeys(differing(_INPUTS, old, new), True)
        ports = Ports.read(folders.of_identity(self._root, identity))
        if ports is None or ports.addresses.items() - state.items():
            changes["statusUrl"] = True
        return changes

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Claim the ports."""
        del patience
        identity = f"{inputs['directory']}/{inputs['name']}"
        return identity, {**inputs, **Ports.claim(folders.of_identity(self._root, identity)).addresses}

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Look at the ports."""
        ports = Ports.read(folders.of_identity(self._root, identity))
        if ports is None:
            return None
        directory, _, name = identity.rpartition("/")
        known = {**state, "directory": directory, "name": name}
        return Found(inputs=inputs or {key: known[key] for key in _INPUTS}, outputs={**known, **ports.addresses})

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Nothing about ports can change but which they are, and then they are others."""
        del identity, patience
        return {**state, **inputs}

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Give up the ports."""
        del state, patience
        folders.remove(folders.of_identity(self._root, identity))
