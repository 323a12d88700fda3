"""The kind of resource `karmada:index:ResourceTemplates`: many objects, one resource in Pulumi's state."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from providers.karmada import propagation, templates
from providers.karmada.api import Api, ApiError
from providers.karmada.objects import KINDS, Key, fingerprint, within
from providers.karmada.propagation import Expectation
from providers.kind import Found, Kind, NotReadyError, Values, differing
from providers.patience import CancelledError, Patience

_INPUTS = ("manifests", "members", "karmada")


class ResourceTemplatesKind(Kind):
    """A set of manifests that Karmada keeps.

    The state has the manifests once, as inputs, and as output `objects`: a fingerprint of each manifest that has been
    seen in every member, and nothing for an object that may not have arrived everywhere.
    """

    resource_type = "karmada:index:ResourceTemplates"
    required = _INPUTS
    seconds = 600
    expected = (ApiError,)

    def __init__(self) -> None:
        self._kubeconfig = ""
        self._connected: Api | None = None
        self._connecting = threading.Lock()

    def configure(self, settings: Values) -> None:
        """Take the provider's settings; Karmada is not asked for anything before something is needed of it."""
        with self._connecting:
            self._kubeconfig, self._connected = str(settings.get("kubeconfig", "")), None

    def problems(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Refuse manifests of kinds that are not known, and those that say another name than their key."""
        for text, manifest in inputs.get("manifests", {}).items():
            if text.partition("/")[0] not in KINDS:
                yield f'manifests["{text}"]', f"is of a kind that cannot be kept; known are {', '.join(sorted(KINDS))}"
            elif str(Key.of(manifest)) != text:
                yield f'manifests["{text}"]', f"is {Key.of(manifest)}; its key should say so"

    def changes(self, identity: str, old: Values, new: Values, state: Values) -> Mapping[str, bool]:
        """Compare the settings alone: Karmada itself keeps what is in the members."""
        del identity, state
        changes = dict.fromkeys(differing(("members", "karmada"), old, new), False)
        before, after = old.get("manifests"), new.get("manifests")
        if not isinstance(before, dict) or not isinstance(after, dict):
            return {**changes, **({"manifests": False} if before != after else {})}
        # Each by itself, so that a preview shows those that differ and no others.
        keys = differing(sorted({*before, *after}), before, after)
        return {**changes, **{f'manifests["{key}"]': False for key in keys}}

    def planned(self, inputs: Values, state: Values | None) -> Values:
        """Nothing is known before Karmada has been asked."""
        del inputs, state
        return {}

    def create(self, inputs: Values, patience: Patience) -> tuple[str, Values]:
        """Apply everything, and wait until every member has it."""
        identity = str(uuid.uuid4())
        return identity, self._keep(identity, inputs, {}, patience)

    def update(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        """Apply everything, remove what is no longer listed, and wait until members have it, or no longer have it."""
        return self._keep(identity, inputs, state, patience)

    def read(self, identity: str, inputs: Values, state: Values) -> Found | None:
        """Look at every object in Karmada; one that is gone or says something else is to be applied again."""
        del identity
        if not inputs:
            raise ApiError("resource templates cannot be imported: create them, which takes over what is there")
        wanted = {Key.parse(text): manifest for text, manifest in inputs["manifests"].items()}
        found = {key: within(wanted[key], each) for key, each in templates.found(self._api(), sorted(wanted))}
        if not found:
            return None
        known = {
            text: value
            for text, value in state["objects"].items()
            if found.get(key := Key.parse(text)) == wanted.get(key)
        }
        return Found(
            inputs={**inputs, "manifests": {str(key): each for key, each in found.items()}},
            outputs={**state, "objects": {**dict.fromkeys(state["objects"], ""), **known}},
        )

    def delete(self, identity: str, state: Values, patience: Patience) -> None:
        """Remove every object from Karmada and from the members that are there."""
        del identity
        keys = [Key.parse(text) for text in state["objects"]]
        templates.remove(self._api(), keys, patience)
        propagation.wait_until_gone(self._api(), keys, state["members"], patience)

    def _keep(self, identity: str, inputs: Values, state: Values, patience: Patience) -> Values:
        api, members = self._api(), inputs["members"]
        manifests = {Key.parse(text): manifest for text, manifest in inputs["manifests"].items()}
        arrived = {Key.parse(text): known for text, known in state.get("objects", {}).items()}
        gone = arrived.keys() - manifests.keys()
        left = [member for member in state.get("members", []) if member not in members]
        changed: set[Key] = set()
        has_begun = False
        try:
            for key, is_new in templates.apply(api, manifests, patience):
                has_begun = True
                if not is_new and arrived.get(key) != fingerprint(manifests[key]):
                    changed.add(key)
            templates.remove(api, gone, patience)
            reasons = propagation.wait_until_there(api, Expectation(manifests, members, changed), patience)
            if not reasons:
                propagation.wait_until_gone(api, gone, members, patience)
                propagation.wait_until_gone(api, [*manifests, *gone], left, patience)
        except (*self.expected, CancelledError, TimeoutError) as error:
            if not has_begun:
                raise
            reasons = [str(error)]
        if reasons:
            # Whatever was or is to be: all of it is removed if the resource is, and looked at again before that.
            raise NotReadyError(
                identity, _outputs(dict.fromkeys([*arrived, *manifests], ""), [*members, *left]), reasons
            )
        return _outputs({key: fingerprint(manifest) for key, manifest in manifests.items()}, members)

    def _api(self) -> Api:
        with self._connecting:
            if self._connected is None:
                self._connected = Api(self._kubeconfig)
            return self._connected


def _outputs(objects: Mapping[Key, str], members: Sequence[str]) -> Values:
    return {"objects": {str(key): objects[key] for key in sorted(objects)}, "members": list(members)}
