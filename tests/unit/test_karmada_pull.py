"""A member in pull mode, as the provider of Karmada sees it: it joins before it is ready, and may be out of sight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers.karmada import ResourceTemplatesArgs
from providers.karmada.kind import ResourceTemplatesKind
from providers.kind import NotReadyError, Values
from providers.patience import Patience
from tests.unit.karmada_stand_in import Karmada, policy, serving, tenant

_MEMBER = "lab-eu"
_CLUSTER = f"/apis/cluster.karmada.io/v1alpha1/clusters/{_MEMBER}"


@pytest.fixture
def karmada() -> Karmada:
    stand_in = Karmada(_MEMBER)
    stand_in.objects["/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/eu"] = policy("eu", _MEMBER)
    return stand_in


@pytest.fixture
def kind(karmada: Karmada) -> Iterator[ResourceTemplatesKind]:
    with serving(karmada) as kubeconfig:
        one = ResourceTemplatesKind()
        one.configure({"kubeconfig": kubeconfig})
        yield one


def _cluster(mode: str, **metadata: object) -> dict[str, Any]:
    return {
        "apiVersion": "cluster.karmada.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": _MEMBER, **metadata},
        "spec": {"syncMode": mode},
    }


def _inputs(*manifests: dict[str, Any], members: tuple[str, ...] = ()) -> Values:
    return ResourceTemplatesArgs(manifests=manifests, members=members, karmada="uid").properties()


def test_it_has_joined_when_karmada_has_taken_it_in_and_before_it_is_ready(
    kind: ResourceTemplatesKind, karmada: Karmada
) -> None:
    karmada.down = {_MEMBER}
    with pytest.raises(NotReadyError, match="lab-eu is not ready"):
        kind.create(_inputs(_cluster("Pull")), Patience(0.4))
    _, state = kind.create(_inputs(_cluster("Pull", finalizers=["karmada.io/cluster-controller"])), Patience(10))
    assert state["objects"]["Cluster/lab-eu"]


def test_in_push_mode_it_has_to_be_ready(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    karmada.down = {_MEMBER}
    with pytest.raises(NotReadyError, match="cluster is not reachable"):
        kind.create(_inputs(_cluster("Push", finalizers=["karmada.io/cluster-controller"])), Patience(0.4))


@pytest.mark.parametrize(("mode", "looks"), [("Pull", 1), ("Push", 2)])
def test_what_cannot_be_looked_into_in_pull_mode_is_tried_once(
    kind: ResourceTemplatesKind, karmada: Karmada, mode: str, looks: int
) -> None:
    karmada.objects[_CLUSTER] = _cluster(mode)
    karmada.can_look = False
    manifests = tenant("eu", _MEMBER)
    identity, state = kind.create(_inputs(*manifests, members=(_MEMBER,)), Patience(10))
    for each in manifests[:2]:
        each["metadata"]["labels"]["changed"] = "yes"
    karmada.requests.clear()
    kind.update(identity, _inputs(*manifests, members=(_MEMBER,)), state, Patience(10))
    assert len([path for _, path in karmada.requests if "/proxy/" in path]) == looks
