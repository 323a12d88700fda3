"""The provider's client of Karmada's API: who it is, what it repeats, what it says when it cannot."""

from __future__ import annotations

import pytest
import yaml

from providers.karmada.api import Api, ApiError
from providers.karmada.kind import ResourceTemplatesKind
from providers.karmada.objects import Key, within
from providers.patience import Patience
from tests.unit.karmada_stand_in import Karmada, kubeconfig, policy, serving, tenant


def test_a_busy_server_is_asked_again() -> None:
    karmada = Karmada()
    karmada.failures = [429, 503]
    with serving(karmada) as kubeconfig_:
        assert Api(kubeconfig_).get("/api/v1/namespaces/shop") is None
    assert len(karmada.requests) == 3


def test_a_server_that_is_not_there_is_named() -> None:
    with serving(Karmada()) as gone:
        server = yaml.safe_load(gone)["clusters"][0]["cluster"]["server"]
    with pytest.raises(ApiError, match=rf"Karmada's API server {server} cannot be reached"):
        Api(gone).get("/api/v1/namespaces/shop")


@pytest.mark.parametrize("text", ["", "[]", "{", "current-context: x", kubeconfig("https://127.0.0.1:1")])
def test_what_is_no_kubeconfig_is_refused_without_its_contents(text: str) -> None:
    with pytest.raises(ApiError, match="the provider's kubeconfig cannot be used") as caught:
        Api(text)
    assert "127.0.0.1" not in str(caught.value)


def test_an_answer_that_is_an_error_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    karmada = Karmada()
    monkeypatch.setattr(karmada, "answer", lambda *_: (422, {"message": "spec.x: Invalid"}))
    with (
        serving(karmada) as kubeconfig_,
        pytest.raises(ApiError, match=r"^/api/v1/namespaces/shop: spec\.x: Invalid$") as caught,
    ):
        Api(kubeconfig_).apply("/api/v1/namespaces/shop", {})
    assert caught.value.status == 422


def test_a_server_that_serves_no_such_kind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    karmada = Karmada()
    monkeypatch.setattr(karmada, "answer", lambda *_: (404, {"message": "not found"}))
    with serving(karmada) as kubeconfig_, pytest.raises(ApiError, match="is it Karmada's API server"):
        Api(kubeconfig_).apply("/apis/policy.karmada.io/v1alpha1/x/y", {})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Namespace/shop", "/api/v1/namespaces/shop"),
        ("Role/shop/viewer", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/viewer"),
        ("ClusterPropagationPolicy/a", "/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/a"),
    ],
)
def test_a_key_reads_as_it_is_written_and_knows_its_path(text: str, path: str) -> None:
    assert (str(Key.parse(text)), Key.parse(text).path) == (text, path)


def test_works_and_bindings_are_called_as_karmada_1_18_called_them() -> None:
    assert Key.parse("Role/shop/tenant-admin").binding == "tenant-admin-role"
    seen = {
        "Namespace/payments-api": "payments-api-648cbd5989",
        "LimitRange/search/tenant": "tenant-649555bd87",
        "FederatedResourceQuota/shop/tenant": "tenant-79f756946f",
        "RoleBinding/payments-api/tenant-admin": "tenant-admin-8887c88",
    }
    assert {key: Key.parse(key).work for key in seen} == seen


@pytest.mark.parametrize(
    ("wanted", "found", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 2}}),
        ({"a": 1, "b": 2}, {"a": 1}, {"a": 1}),
        ([{"a": 1}], [{"a": 1, "b": 2}], [{"a": 1}]),
        ([1], [1, 2], [1, 2]),
        ({"a": {}}, {"a": None}, {"a": None}),
    ],
)
def test_an_object_is_held_to_the_fields_that_are_ours(wanted: object, found: object, said: object) -> None:
    assert within(wanted, found) == said


def test_a_namespace_that_is_just_being_deleted_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    karmada = Karmada("lab-eu")
    answer, goings = karmada.answer, [2]

    def going(method: str, path: str, *rest: object) -> object:
        status, found = answer(method, path, *rest)  # type: ignore[arg-type]
        if path == "/api/v1/namespaces/shop" and method == "PATCH" and goings[0]:
            goings[0] -= 1
            del karmada.objects[path]
            found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        return status, found

    monkeypatch.setattr(karmada, "answer", going)
    karmada.objects["/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/a"] = policy("a", "lab-eu")
    manifests = {str(Key.of(each)): each for each in tenant("a", "lab-eu")}
    with serving(karmada) as kubeconfig_:
        kind = ResourceTemplatesKind()
        kind.configure({"kubeconfig": kubeconfig_})
        kind.create({"manifests": manifests, "members": ["lab-eu"]}, Patience(10))
    assert goings == [0]
    assert "/api/v1/namespaces/shop" in karmada.members["lab-eu"]
