"""Sets of manifests in Karmada: there when every member has everything, and gone when none has anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from providers.karmada import ResourceTemplatesArgs
from providers.karmada.api import ApiError
from providers.karmada.kind import ResourceTemplatesKind
from providers.kind import UNKNOWN, NotReadyError, Values
from providers.patience import Patience
from tests.unit.karmada_stand_in import Karmada, policy, serving, tenant

ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/viewer"
QUOTA = "/apis/policy.karmada.io/v1alpha1/namespaces/shop/federatedresourcequotas/tenant"
NAMESPACE = "/api/v1/namespaces/shop"
BOTH = ("lab-eu", "lab-na")


def inputs(manifests: list[dict[str, Any]], *members: str) -> Values:
    return ResourceTemplatesArgs(manifests=manifests, members=members, karmada="uid").properties()


@pytest.fixture
def karmada() -> Karmada:
    stand_in = Karmada(*BOTH)
    for each in (policy("both", *BOTH), policy("one", "lab-eu")):
        path = f"/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/{each['metadata']['name']}"
        stand_in.objects[path] = each
    return stand_in


@pytest.fixture
def kind(karmada: Karmada) -> Iterator[ResourceTemplatesKind]:
    with serving(karmada) as kubeconfig:
        one = ResourceTemplatesKind()
        one.configure({"kubeconfig": kubeconfig})
        yield one


def create(kind: ResourceTemplatesKind, wanted: Values, seconds: float = 10) -> tuple[str, Values]:
    return kind.create(wanted, Patience(seconds))


def not_ready(kind: ResourceTemplatesKind, wanted: Values) -> NotReadyError:
    with pytest.raises(NotReadyError) as caught:
        create(kind, wanted, 0.4)
    return caught.value


def test_a_created_set_is_in_every_member(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    assert identity
    for member in BOTH:
        assert set(karmada.members[member]) == {NAMESPACE, ROLE, QUOTA}
    assert list(state["objects"]) == ["FederatedResourceQuota/shop/tenant", "Namespace/shop", "Role/shop/viewer"]
    assert all(state["objects"].values())
    assert "rules" not in str(state), "manifests are in the state once, as inputs"


def test_the_namespace_comes_first_and_policies_before_what_they_place(
    kind: ResourceTemplatesKind, karmada: Karmada
) -> None:
    create(kind, inputs([*tenant("new", "lab-eu"), policy("new", "lab-eu")], "lab-eu"))
    applied = [path for method, path in karmada.requests if method == "PATCH"]
    assert applied[0] == NAMESPACE
    assert applied[1].endswith("clusterpropagationpolicies/new")


def test_what_does_not_arrive_is_told_with_object_member_and_karmadas_own_words(
    kind: ResourceTemplatesKind, karmada: Karmada
) -> None:
    karmada.refuses = {ROLE: "roles.rbac is forbidden: no"}
    error = not_ready(kind, inputs(tenant("both", *BOTH), *BOTH))
    assert error.reasons == [f"Role/shop/viewer is not in {member}: roles.rbac is forbidden: no" for member in BOTH]
    assert set(error.outputs["objects"]) >= {"Namespace/shop", "Role/shop/viewer"}
    assert not any(error.outputs["objects"].values()), "nothing is taken for arrived"


def test_a_quota_that_a_member_does_not_enforce_is_missing(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    karmada.refuses = {QUOTA: "quota is unknown here"}
    error = not_ready(kind, inputs(tenant("both", *BOTH), *BOTH))
    assert error.reasons[0] == "FederatedResourceQuota/shop/tenant is not in lab-eu: quota is unknown here"


def test_what_no_policy_places_is_told(kind: ResourceTemplatesKind) -> None:
    error = not_ready(kind, inputs(tenant("none", *BOTH), *BOTH))
    assert "Role/shop/viewer is not in lab-na: no policy has placed it yet" in error.reasons


def test_a_member_that_is_down_is_told_once_with_the_reason(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    karmada.down = {"lab-na"}
    (reason,) = not_ready(kind, inputs(tenant("both", *BOTH), *BOTH)).reasons
    assert reason.startswith("lab-na is not ready (cluster is not reachable) and has not got ")
    assert "Role/shop/viewer" in reason


def test_what_was_not_ready_is_made_ready_by_the_next_update(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    wanted = inputs(tenant("both", *BOTH), *BOTH)
    karmada.down = {"lab-na"}
    error = not_ready(kind, wanted)
    karmada.down = set()
    state = kind.update(error.identity, wanted, error.outputs, Patience(10))
    assert all(state["objects"].values())
    assert ROLE in karmada.members["lab-na"]


@pytest.mark.parametrize("can_look", [True, False])
def test_a_change_is_waited_for_although_the_old_object_counts_as_applied(
    kind: ResourceTemplatesKind, karmada: Karmada, *, can_look: bool
) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    karmada.frozen, karmada.can_look = True, can_look
    wanted = inputs(tenant("both", *BOTH, verbs=("get", "list")), *BOTH)
    with pytest.raises(NotReadyError) as caught:
        kind.update(identity, wanted, state, Patience(0.4))
    assert caught.value.reasons == [f"Role/shop/viewer is not in {member}: it is still as it was" for member in BOTH]
    karmada.frozen = False
    kind.update(identity, wanted, caught.value.outputs, Patience(10))
    assert karmada.members["lab-na"][ROLE]["rules"][0]["verbs"] == ["get", "list"]


def test_a_changed_quota_is_waited_for(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    karmada.frozen = True
    with pytest.raises(NotReadyError, match=r"FederatedResourceQuota/shop/tenant is not in lab-eu"):
        kind.update(identity, inputs(tenant("both", *BOTH, pods=20), *BOTH), state, Patience(0.4))


def test_what_has_not_changed_is_not_looked_at_in_members(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    wanted = inputs(tenant("both", *BOTH), *BOTH)
    identity, state = create(kind, wanted)
    kind.update(identity, wanted, state, Patience(10))
    assert not [path for _, path in karmada.requests if "/proxy/" in path]


def test_a_member_that_is_left_loses_everything(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    state = kind.update(identity, inputs(tenant("one", "lab-eu"), "lab-eu"), state, Patience(10))
    assert karmada.members["lab-na"] == {}
    assert set(karmada.members["lab-eu"]) == {NAMESPACE, ROLE, QUOTA}
    assert state["members"] == ["lab-eu"]


def test_a_member_that_is_left_is_waited_for(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    karmada.slow = {"lab-na"}
    with pytest.raises(NotReadyError, match=r"the end of .* in lab-na did not come") as caught:
        kind.update(identity, inputs(tenant("one", "lab-eu"), "lab-eu"), state, Patience(1))
    assert caught.value.outputs["members"] == ["lab-eu", "lab-na"], "it is left by the next update"


def test_a_member_that_is_joined_gets_everything(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    identity, state = create(kind, inputs(tenant("one", "lab-eu"), "lab-eu"))
    kind.update(identity, inputs(tenant("both", *BOTH), *BOTH), state, Patience(10))
    assert set(karmada.members["lab-na"]) == {NAMESPACE, ROLE, QUOTA}


def test_what_is_no_longer_listed_goes(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    manifests = tenant("both", *BOTH)
    identity, state = create(kind, inputs(manifests, *BOTH))
    state = kind.update(identity, inputs([manifests[0], manifests[2]], *BOTH), state, Patience(10))
    assert ROLE not in karmada.objects
    assert ROLE not in karmada.members["lab-na"]
    assert "Role/shop/viewer" not in state["objects"]


def test_a_deleted_set_is_gone_from_karmada_and_members(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    kind.delete(identity, state, Patience(10))
    assert not [path for path in karmada.objects if "shop" in path]
    assert karmada.members == {"lab-eu": {}, "lab-na": {}}
    assert [path for method, path in karmada.requests if method == "DELETE"] == [NAMESPACE]
    kind.delete(identity, state, Patience(10))


def test_a_delete_waits_for_members(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    karmada.frozen = True
    with pytest.raises(TimeoutError, match=r"the end of .* in lab-eu did not come in 0 s"):
        kind.delete(identity, state, Patience(0.4))


def test_a_delete_does_not_wait_for_a_member_that_is_down_or_gone(
    kind: ResourceTemplatesKind, karmada: Karmada
) -> None:
    identity, state = create(kind, inputs(tenant("both", *BOTH), *BOTH))
    karmada.down = {"lab-na"}
    kind.delete(identity, {**state, "members": [*BOTH, "lab-sea"]}, Patience(10))
    assert karmada.members["lab-eu"] == {}
    assert karmada.members["lab-na"], "Karmada takes it away when the member is back"


def test_a_refresh_of_what_is_as_it_should_be_changes_nothing(kind: ResourceTemplatesKind) -> None:
    wanted = inputs(tenant("both", *BOTH), *BOTH)
    identity, state = create(kind, wanted)
    found = kind.read(identity, wanted, state)
    assert found is not None
    assert (found.inputs, found.outputs) == (wanted, state)


def test_a_refresh_shows_what_is_gone_and_what_differs_and_the_next_update_mends_it(
    kind: ResourceTemplatesKind, karmada: Karmada
) -> None:
    wanted = inputs(tenant("both", *BOTH), *BOTH)
    identity, state = create(kind, wanted)
    del karmada.objects[QUOTA]
    karmada.objects[ROLE]["rules"][0]["verbs"] = ["*"]
    found = kind.read(identity, wanted, state)
    assert found is not None
    assert "FederatedResourceQuota/shop/tenant" not in found.inputs["manifests"]
    assert found.inputs["manifests"]["Role/shop/viewer"]["rules"][0]["verbs"] == ["*"]
    changes = kind.changes(identity, found.inputs, wanted, found.outputs)
    assert set(changes) == {'manifests["FederatedResourceQuota/shop/tenant"]', 'manifests["Role/shop/viewer"]'}
    karmada.frozen = True
    with pytest.raises(NotReadyError, match="Role/shop/viewer"):
        kind.update(identity, wanted, found.outputs, Patience(0.4))
    karmada.frozen = False
    kind.update(identity, wanted, found.outputs, Patience(10))
    assert karmada.members["lab-na"][ROLE]["rules"][0]["verbs"] == ["get"]
    assert QUOTA in karmada.members["lab-na"]


def test_a_set_of_which_nothing_is_left_is_gone(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    wanted = inputs(tenant("both", *BOTH), *BOTH)
    identity, state = create(kind, wanted)
    karmada.objects.clear()
    assert kind.read(identity, wanted, state) is None


def _joining() -> list[dict[str, Any]]:
    place = {"name": "lab-sea", "namespace": "karmada-cluster"}
    return [
        {"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "lab-sea"}, "spec": {}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": place, "data": {"token": "dA=="}},
    ]


def test_a_member_joins_after_its_credentials_and_leaves_before_them(
    kind: ResourceTemplatesKind, karmada: Karmada
) -> None:
    wanted = inputs(_joining())
    identity, state = create(kind, wanted)
    assert set(state["objects"]) == {"Cluster/lab-sea", "Secret/karmada-cluster/lab-sea"}
    assert "lab-sea" in karmada.members
    found = kind.read(identity, wanted, state)
    assert found is not None
    assert (found.inputs, found.outputs) == (wanted, state)
    kind.delete(identity, state, Patience(10))
    assert "lab-sea" not in karmada.members
    changes = [(method, path.split("/")[-2]) for method, path in karmada.requests if method != "GET"]
    assert changes == [("PATCH", "secrets"), ("PATCH", "clusters"), ("DELETE", "clusters"), ("DELETE", "secrets")]
    last = [path for _, path in karmada.requests if "clusters" in path][-1]
    assert karmada.requests.index(("GET", last)) < karmada.requests.index(("DELETE", karmada.requests[-2][1]))


def test_a_member_that_does_not_get_ready_is_told(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    karmada.down = {"lab-sea"}
    assert not_ready(kind, inputs(_joining())).reasons == ["lab-sea is not ready (cluster is not reachable)"]


def test_a_karmada_that_was_made_anew_gets_everything_again(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    wanted = inputs(tenant("both", *BOTH), *BOTH)
    identity, state = create(kind, wanted)
    kept = {path: each for path, each in karmada.objects.items() if "propagationpolicies" in path}
    karmada.objects = kept
    anew = {**wanted, "karmada": "another"}
    assert kind.changes(identity, wanted, anew, state) == {"karmada": False}
    kind.update(identity, anew, state, Patience(10))
    assert {NAMESPACE, ROLE, QUOTA} <= karmada.objects.keys()


def test_an_import_is_refused(kind: ResourceTemplatesKind) -> None:
    with pytest.raises(ApiError, match="cannot be imported: create them"):
        kind.read("id", {}, {})


def test_settings_are_compared_without_a_request(kind: ResourceTemplatesKind, karmada: Karmada) -> None:
    wanted = inputs(tenant("both", *BOTH), *BOTH)
    assert kind.changes("id", wanted, wanted, {}) == {}
    assert kind.changes("id", wanted, inputs(tenant("both", *BOTH), "lab-eu"), {}) == {"members": False}
    assert kind.changes("id", wanted, {**wanted, "manifests": UNKNOWN}, {}) == {"manifests": False}
    assert karmada.requests == []


def test_a_user_who_has_enough_of_it_leaves_a_state_that_knows_the_objects(
    kind: ResourceTemplatesKind, karmada: Karmada
) -> None:
    karmada.frozen = True
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(NotReadyError, match="cancelled while waiting") as caught:
        kind.create(inputs(tenant("both", *BOTH), *BOTH), Patience(10, cancelled))
    assert "Namespace/shop" in caught.value.outputs["objects"]


def test_a_refusal_half_way_leaves_a_state_that_knows_the_objects(
    kind: ResourceTemplatesKind, karmada: Karmada, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = karmada.answer
    refused = (422, {"message": "Role is invalid"})
    monkeypatch.setattr(
        karmada, "answer", lambda method, path, *rest: refused if path == ROLE else answer(method, path, *rest)
    )
    with pytest.raises(NotReadyError, match="Role is invalid") as caught:
        create(kind, inputs(tenant("both", *BOTH), *BOTH))
    assert "Role/shop/viewer" in caught.value.outputs["objects"]


def test_a_refusal_before_anything_is_made_is_a_plain_error(
    kind: ResourceTemplatesKind, karmada: Karmada, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(karmada, "answer", lambda *_: (403, {"message": "no rights"}))
    with pytest.raises(ApiError, match=r"/api/v1/namespaces/shop: no rights"):
        create(kind, inputs(tenant("both", *BOTH), *BOTH))


def test_manifests_that_cannot_be_kept_are_refused() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}}
    role = tenant("both", *BOTH)[1]
    problems = dict(ResourceTemplatesKind().problems({"manifests": {"Pod/shop/p": pod, "Role/shop/other": role}}))
    assert problems['manifests["Pod/shop/p"]'].startswith("is of a kind that cannot be kept; known are Auth")
    assert problems['manifests["Role/shop/other"]'] == "is Role/shop/viewer; its key should say so"
    with pytest.raises(ValueError, match="Pod/shop/p is of a kind that cannot be kept"):
        ResourceTemplatesArgs(manifests=[pod], members=[], karmada="uid")
    with pytest.raises(ValueError, match="Role/shop/viewer is there more than once"):
        ResourceTemplatesArgs(manifests=[role, role], members=[], karmada="uid")
