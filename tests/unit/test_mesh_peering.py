"""Every region reads the endpoints of every other, by a credential that can do nothing else."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.mesh.peering import READER, Peering, PeeringArgs, reader_manifests
from stacks.settings import Settings
from tests.unit.mesh_samples import MeshRecorder, SampleCluster, decoded, encoded, fleet, is_secret
from tests.unit.settings_samples import cluster, loaded

SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type


def peer(settings: Settings) -> MeshRecorder:
    recorder = MeshRecorder()

    def program() -> pulumi.Resource:
        clusters = {region: SampleCluster(region, settings) for region in settings.regions}
        credentials = {region: each.mesh.credential for region, each in settings.regions.items()}
        args = PeeringArgs(clusters=clusters, namespaces=clusters, credentials=credentials, revisions=["default"])
        return Peering("lab", args)

    recorder.run(program)
    return recorder


def remote_secrets(recorder: MeshRecorder) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in recorder.of(SECRET).items() if "-remote-" in name}


def test_every_region_has_a_remote_secret_of_every_other_and_none_of_itself() -> None:
    recorder = peer(fleet())
    assert set(remote_secrets(recorder)) == {
        f"lab-{one}-remote-{other}" for one in ("eu", "na", "sea") for other in ("eu", "na", "sea") if one != other
    }
    for each in recorder.created:
        if "-remote-" in each.name:
            assert f"::lab-{each.name.split('-')[1]}-kubernetes::" in (each.provider or "")


def test_a_remote_secret_is_one_that_istiod_looks_for() -> None:
    each = remote_secrets(peer(fleet()))["lab-na-remote-eu"]
    assert each["metadata"]["name"] == "istio-remote-secret-lab-eu"
    assert each["metadata"]["namespace"] == "istio-system"
    assert each["metadata"]["labels"]["istio/multiCluster"] == "true"
    assert each["metadata"]["annotations"] == {"networking.istio.io/cluster": "lab-eu"}
    assert set(each["data"]) == {"lab-eu"}


def test_it_holds_a_token_and_the_ca_of_that_region_and_no_client_key() -> None:
    recorder = peer(fleet())
    kubeconfig = json.loads(decoded(remote_secrets(recorder)["lab-na-remote-eu"]["data"]["lab-eu"]))
    assert kubeconfig["users"] == [
        {"name": "lab-eu", "user": {"token": f"{READER}-token-1 in lab-eu-reader-token"}},
    ]
    (there,) = kubeconfig["clusters"]
    assert there["cluster"] == {
        "server": "https://eu.example.com:6443",
        "certificate-authority-data": encoded("CA of eu"),
    }
    assert kubeconfig["current-context"] == kubeconfig["contexts"][0]["name"] == "lab-eu"
    assert all(is_secret(each.inputs["data"]) for each in recorder.created if "-remote-" in each.name)


def test_another_credential_is_another_token_for_all_the_others() -> None:
    data = remote_secrets(peer(fleet(eu={"mesh": {"credential": 4}})))
    assert f"{READER}-token-4" in decoded(data["lab-na-remote-eu"]["data"]["lab-eu"])
    assert f"{READER}-token-4" in decoded(data["lab-sea-remote-eu"]["data"]["lab-eu"])
    assert f"{READER}-token-1" in decoded(data["lab-eu-remote-na"]["data"]["lab-na"])


def test_the_account_reads_what_an_istiod_asks_for_and_writes_nothing() -> None:
    recorder = peer(fleet())
    roles = recorder.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
    assert set(roles) == {f"lab-{region}-reader-role" for region in ("eu", "na", "sea")}
    for role in roles.values():
        for rule in role["rules"]:
            assert set(rule["verbs"]) == {"get", "list", "watch"}
            assert "*" not in [*rule["resources"], *rule["apiGroups"]]
            assert not {"configmaps", "tokenreviews", "serviceexports"} & set(rule["resources"])
        named = {resource for rule in role["rules"] for resource in rule["resources"]}
        assert {"services", "endpointslices", "pods", "nodes", "namespaces", "secrets"} <= named
    tokens = {name: each for name, each in recorder.of(SECRET).items() if each.get("type")}
    for token in tokens.values():
        assert token["type"] == "kubernetes.io/service-account-token"
        assert token["metadata"]["annotations"] == {"kubernetes.io/service-account.name": READER}


def test_of_settings_it_reads_the_meshs_own_alone() -> None:
    role = reader_manifests(["default", "1-32"])[3]
    assert role["metadata"]["namespace"] == "istio-system"
    (rule,) = role["rules"]
    assert (rule["resources"], rule["resource_names"]) == (["configmaps"], ["istio", "istio-1-32"])


def test_one_region_has_no_peers() -> None:
    recorder = peer(loaded(regions={"eu": cluster(1)}))
    assert [each for each in recorder.created if each.typ.startswith("kubernetes:")] == []


def test_a_region_without_a_credential_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no credential for eu"):
        PeeringArgs(clusters={"eu": object()}, namespaces={"eu": object()}, credentials={}, revisions=[])  # type: ignore[dict-item]
