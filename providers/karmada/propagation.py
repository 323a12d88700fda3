"""What Karmada says of objects in its members: which have arrived, what holds up the others, and what is gone.

Karmada keeps a binding of each propagated object, which lists for each member whether the object was applied there
(`status.aggregatedStatus`), and a Work in each member's execution namespace. That a *change* has arrived no status of
Karmada tells: `applied` stays true from the time before. So an object that was there already is also looked at in the
member, through Karmada's proxy; where the member cannot be looked into (pull mode), in the Work that is applied to it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.karmada.api import Api
from providers.karmada.objects import CLUSTER, FEDERATED_QUOTA, Key, Manifest, within
from providers.patience import Patience

Arrival = tuple[Key, str]
"""An object, and the member that it goes to."""

_WORK_API = "/apis/work.karmada.io"
_CLUSTERS = "/apis/cluster.karmada.io/v1alpha1/clusters"
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.25, 2.0, 1.4
_SECONDS_FOR_A_MEMBER = 60
"""How long a member that is not ready may keep everybody waiting."""
_FOUND, _NONE = 200, 404
_PULL = "Pull"


@dataclass(frozen=True)
class Expectation:
    """Manifests that members are to have.

    Those in `changed` were in Karmada before, so that members may still have them as they were.
    """

    manifests: Mapping[Key, Manifest]
    members: Collection[str]
    changed: Collection[Key]

    @property
    def arrivals(self) -> list[Arrival]:
        """Every object with every member that it goes to; a member itself arrives when it has joined."""
        joining = [(key, key.name) for key in sorted(self.manifests) if key.kind == CLUSTER]
        return joining + [
            (key, member) for key in sorted(self.manifests) if key.is_in_members for member in self.members
        ]


def wait_until_there(api: Api, expected: Expectation, patience: Patience) -> list[str]:
    """Wait until every member has every object; returns what is missing where, as lines, when waiting is no use.

    Raises what `Patience` raises.
    """
    missing = dict.fromkeys(expected.arrivals, "")
    pause, start = _FIRST_PAUSE, time.monotonic()
    closed: set[str] = set()
    while missing := _still_missing(api, expected, missing, closed):
        if time.monotonic() - start > _SECONDS_FOR_A_MEMBER:
            unready = {member: reason for member in _members(missing) if (reason := why_unready(api, member))}
            if unready.keys() == set(_members(missing)):
                return list(_told(api, missing, unready))
        try:
            patience.pause("the members", pause)
        except TimeoutError:
            unready = {member: reason for member in _members(missing) if (reason := why_unready(api, member))}
            return list(_told(api, missing, unready))
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    return []


def wait_until_gone(api: Api, keys: Iterable[Key], members: Collection[str], patience: Patience) -> None:
    """Wait until Karmada has taken objects out of members; not out of those that are gone or not ready.

    What a member that is not ready still has is removed when it is back: its Works stay, with their finalizers.
    """
    waiting = [(key, member) for key in sorted(keys) if key.is_in_members for member in members]
    pause, skipped = _FIRST_PAUSE, {member for member in members if why_unready(api, member)}
    start = time.monotonic()
    while waiting := [each for each in waiting if each[1] not in skipped and api.get(_work_path(*each)) is not None]:
        key, member = waiting[0]
        patience.pause(f"the end of {key} in {member}", pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        if time.monotonic() - start > _SECONDS_FOR_A_MEMBER:
            skipped |= {member for _, member in waiting if why_unready(api, member)}


def why_unready(api: Api, member: str) -> str | None:
    """What Karmada says of a member that it cannot work with; None of one that is ready."""
    cluster = api.get(f"{_CLUSTERS}/{member}")
    if cluster is None:
        return "it is no member"
    condition = _condition(cluster, "Ready")
    return None if condition.get("status") == "True" else condition.get("message", "Karmada has not reached it yet")


def _still_missing(
    api: Api, expected: Expectation, before: Mapping[Arrival, str], closed: set[str]
) -> dict[Arrival, str]:
    """Those of the arrivals that have not happened, each with what Karmada says of it.

    Members that cannot be looked into are added to `closed`, and not tried again.
    """
    propagated = {key for key, _ in before if key.is_propagated}
    bindings = dict(_bindings(api, propagated))
    quotas = {key: api.get(key.path) for key, _ in before if key.kind == FEDERATED_QUOTA}
    missing: dict[Arrival, str] = {}
    for key, member in before:
        if key.kind == CLUSTER:
            reason = _why_not_joined(api, expected.manifests[key])
        elif key.is_propagated:
            reason = _why_not_applied(bindings.get(key), member)
            if not reason and key in expected.changed:
                reason = _why_not_changed(api, key, member, expected.manifests[key], closed)
        else:
            reason = _why_no_share(quotas[key], member, expected.manifests[key])
        if reason:
            missing[key, member] = reason
    return missing


def _why_not_joined(api: Api, cluster: Manifest) -> str:
    """Why a member is not one yet: in push mode it has to be ready.

    In pull mode that takes its agent, which starts when Karmada has made a place for it: the member's namespace, before
    the finalizer (syncCluster in Karmada's pkg/controllers/cluster).
    """
    name = cluster["metadata"]["name"]
    if not _is_pulling(cluster):
        return why_unready(api, name) or ""
    found = api.get(f"{_CLUSTERS}/{name}")
    return "" if found and found["metadata"].get("finalizers") else "Karmada has not taken it in yet"


def _bindings(api: Api, keys: Collection[Key]) -> Iterator[tuple[Key, dict[str, Any]]]:
    for namespace in sorted({key.namespace for key in keys}):
        own = {key.binding: key for key in keys if key.namespace == namespace}
        if namespace:
            path = f"{_WORK_API}/v1alpha2/namespaces/{namespace}/resourcebindings?resourceVersion=0"
            found = (api.get(path) or {}).get("items", [])
        else:
            paths = (f"{_WORK_API}/v1alpha2/clusterresourcebindings/{name}" for name in own)
            found = [binding for path in paths if (binding := api.get(path))]
        yield from ((own[each["metadata"]["name"]], each) for each in found if each["metadata"]["name"] in own)


def _why_not_applied(binding: dict[str, Any] | None, member: str) -> str:
    if binding is None:
        return "no policy has placed it yet"
    status = binding.get("status", {})
    for item in status.get("aggregatedStatus", []):
        if item["clusterName"] == member:
            return "" if item.get("applied") else item.get("appliedMessage") or "it is not applied yet"
    scheduled = _condition(binding, "Scheduled")
    if scheduled.get("status") == "True":
        return "it is not placed there, or not sent yet"
    return str(scheduled.get("message") or "it is not scheduled yet")


def _why_not_changed(api: Api, key: Key, member: str, manifest: Manifest, closed: set[str]) -> str:
    status, found = (0, {}) if member in closed else api.look(f"{_CLUSTERS}/{member}/proxy{key.path}")
    if status not in {_FOUND, _NONE}:
        if _is_pulling(api.get(f"{_CLUSTERS}/{member}") or {}):
            closed.add(member)  # whatever cannot be reached is waited for, each time for half a minute
        work = api.get(_work_path(key, member)) or {}
        found = next(iter(work.get("spec", {}).get("workload", {}).get("manifests", [])), {})
    return "" if within(manifest, found) == manifest else "it is still as it was"


def _is_pulling(cluster: Mapping[str, Any]) -> bool:
    return bool(cluster.get("spec", {}).get("syncMode") == _PULL)


def _why_no_share(quota: dict[str, Any] | None, member: str, manifest: Manifest) -> str:
    """Why a federated quota's share is not enforced in a member; one that was changed is known by its numbers."""
    assignments = manifest["spec"].get("staticAssignments", [])
    share = next((each["hard"] for each in assignments if each["clusterName"] == member), None)
    statuses = (quota or {}).get("status", {}).get("aggregatedStatus", [])
    hard = next((each.get("hard") for each in statuses if each["clusterName"] == member), None)
    return "" if share == hard else "its ResourceQuota is not enforced there yet"


def _told(api: Api, missing: Mapping[Arrival, str], unready: Mapping[str, str]) -> Iterator[str]:
    """A line for each member that is not ready, and for each object that another has not got."""
    for member, reason in unready.items():
        keys = [str(key) for key, where in missing if where == member and key.kind != CLUSTER]
        yield f"{member} is not ready ({reason})" + (f" and has not got {', '.join(keys)}" if keys else "")
    for (key, member), reason in missing.items():
        if member not in unready:
            work = api.get(_work_path(key, member)) or {}
            applied = _condition(work, "Applied")
            said = applied.get("message") if applied.get("status") == "False" else None
            yield f"{key} is not in {member}: {said or reason}"


def _work_path(key: Key, member: str) -> str:
    return f"{_WORK_API}/v1alpha1/namespaces/karmada-es-{member}/works/{key.work}"


def _condition(found: Mapping[str, Any], kind: str) -> dict[str, Any]:
    conditions = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def _members(arrivals: Iterable[Arrival]) -> list[str]:
    return sorted({member for _, member in arrivals})
