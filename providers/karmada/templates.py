"""Objects in Karmada's own API: applied so that every step can be repeated, and removed until they are gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from providers.karmada.api import Api, ApiError
from providers.karmada.objects import CLUSTER, CLUSTER_POLICY, NAMESPACE, Key, Manifest
from providers.patience import Patience

_CLAIM_ID = "clusterpropagationpolicy.karmada.io/permanent-id"
_CLAIM_NAME = "clusterpropagationpolicy.karmada.io/name"
_GOING = 403
"""What a namespace answers that is being deleted, to whoever would create something in it."""


def apply(api: Api, manifests: Mapping[Key, Manifest], patience: Patience) -> Iterator[tuple[Key, bool]]:
    """Make Karmada's objects what the manifests say, one with each step.

    Yields each with whether it is a new one.
    Namespaces come first, policies before what they may place, and a member after its credentials. What is just being
    deleted is waited for.
    """
    policies: dict[str, Manifest | None] = {}
    for key in sorted(manifests, key=_order):
        yield key, _apply(api, key, manifests[key], policies, patience)


def _order(key: Key) -> tuple[bool, bool, bool, Key]:
    return key.kind != NAMESPACE, key.kind == CLUSTER, key.is_in_members, key


def _apply(api: Api, key: Key, manifest: Manifest, policies: dict[str, Manifest | None], patience: Patience) -> bool:
    while True:
        try:
            is_new, found = api.apply(key.path, manifest)
        except ApiError as error:
            namespace = api.get(Key(NAMESPACE, "", key.namespace).path) if key.namespace else None
            if error.status != _GOING or not _is_going(namespace):
                raise
        else:
            if not _is_going(found):
                break
        patience.pause(f"{key}, which is just being deleted,")
    if _is_outgrown(api, found, policies):
        release = {"labels": {_CLAIM_ID: None}, "annotations": {_CLAIM_NAME: None}}
        api.merge(key.path, {"metadata": release})
    return is_new


def _is_going(found: Manifest | None) -> bool:
    return bool(found and found["metadata"].get("deletionTimestamp"))


def _is_outgrown(api: Api, found: Manifest, policies: dict[str, Manifest | None]) -> bool:
    """Whether an object is claimed by a policy that does not select it any longer.

    Karmada never asks again which policy fits an object that one has claimed, until its claim is taken away (pkg/
    detector: a claimed object that its policy does not select is left as it is).
    """
    name = found["metadata"].get("annotations", {}).get(_CLAIM_NAME)
    if not name:
        return False
    if name not in policies:
        policies[name] = api.get(Key(CLUSTER_POLICY, "", name).path)
    policy = policies[name]
    return policy is not None and not any(_selects(each, found) for each in policy["spec"]["resourceSelectors"])


def _selects(selector: Manifest, found: Manifest) -> bool:
    metadata, labels = found["metadata"], selector.get("labelSelector", {})
    return (
        (selector["apiVersion"], selector["kind"]) == (found["apiVersion"], found["kind"])
        and selector.get("namespace", "") in {"", metadata.get("namespace")}
        and (
            selector["name"] == metadata["name"]
            if selector.get("name")
            # What an expression selects is not judged here: it is taken to fit.
            else labels.get("matchLabels", {}).items() <= metadata.get("labels", {}).items()
        )
    )


def remove(api: Api, keys: Iterable[Key], patience: Patience) -> None:
    """Delete objects and wait until they are gone. What lies in a namespace that goes too is left to it.

    A member goes before the rest: by its credentials Karmada takes back what it has put there.
    """
    everything = set(keys)
    going = {key.name for key in everything if key.kind == NAMESPACE}
    rest = sorted((key for key in everything if key.namespace not in going), key=_order, reverse=True)
    for waiting in ([key for key in rest if key.kind == CLUSTER], [key for key in rest if key.kind != CLUSTER]):
        for key in waiting:
            api.delete(key.path)
        for key in waiting:
            while api.get(key.path) is not None:
                patience.pause(f"the end of {key} in Karmada", 0.2)


def found(api: Api, keys: Iterable[Key]) -> Iterator[tuple[Key, Manifest]]:
    """The objects that are there and are not just being deleted."""
    for key in keys:
        manifest = api.get(key.path)
        if manifest and not _is_going(manifest):
            yield key, manifest
