"""A member of the federation: what is in its cluster, and what Karmada knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import MockResourceArgs, set_mocks

from components.cluster import Cluster, ClusterArgs
from components.federation.member import Member, MemberArgs
from stacks.clusters import ClusterSettings
from stacks.federation import FederationSettings
from tests.unit.federation_samples import SampleControlPlane
from tests.unit.settings_samples import cluster, loaded
from tests.unit.test_tenancy_delivery import Recorder as PlainRecorder

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


class Recorder(PlainRecorder):
    """Fills in the tokens as a member's API server does."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        identity, state = super().new_resource(args)
        if args.typ == "kubernetes:core/v1:Secret":
            state = {**state, "data": {"token": f"{state['metadata']['name']}-of-{args.provider}"}}
        return identity, state


class Eu(Cluster):
    """The cluster of eu."""

    def __init__(self, settings: ClusterSettings) -> None:
        super().__init__("Sample", "lab-eu", ClusterArgs(region="eu", settings=settings))
        text = pulumi.Output.from_input
        self.finish(
            resource=self,
            kubeconfig=text("key"),
            server=text("https://127.0.0.1:6443"),
            ca_data=text("Y2E="),
            identifier=text("eu"),
        )


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    mocks = Recorder()
    set_mocks(mocks, project="fleet", stack="lab")
    yield mocks
    set_mocks(PlainRecorder())


def _joined(recorder: Recorder, credential: int = 1) -> dict[str, Any]:
    """The inputs of the one resource that Karmada knows the member by; its manifests are a secret."""
    written = {**cluster(1), "zones": ["eu-west-1a"], "federation": {"credential": credential}}
    settings = loaded(regions={"eu": written}).regions["eu"]

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        eu, karmada = Eu(settings), SampleControlPlane()
        args = MemberArgs(cluster=eu, control_plane=karmada, settings=settings, federation=FederationSettings())
        return Member("lab-eu", args).urn.apply(lambda _: None)

    run()
    (templates,) = [each for each in recorder.created if each.typ == "karmada:index:ResourceTemplates"]
    secret = templates.inputs["manifests"]
    assert SECRET.items() <= secret.items()
    return {**templates.inputs, "manifests": secret["value"]}


def test_karmada_knows_where_and_what_the_member_is(recorder: Recorder) -> None:
    inputs = _joined(recorder)
    assert (inputs["members"], inputs["karmada"]) == ([], "1")
    assert inputs["manifests"]["Cluster/lab-eu"]["metadata"] == {"name": "lab-eu", "labels": {"fleet/region": "eu"}}
    assert inputs["manifests"]["Cluster/lab-eu"]["spec"] == {
        "syncMode": "Push",
        "apiEndpoint": "https://127.0.0.1:6443",
        "secretRef": {"namespace": "karmada-cluster", "name": "lab-eu"},
        "impersonatorSecretRef": {"namespace": "karmada-cluster", "name": "lab-eu-impersonator"},
        "provider": "lab",
        "region": cluster(1)["location"],
        "zones": ["eu-west-1a"],
    }


@pytest.mark.parametrize("credential", [1, 2])
def test_karmada_has_the_tokens_that_the_member_made(recorder: Recorder, credential: int) -> None:
    manifests = _joined(recorder, credential)["manifests"]
    tokens = {
        "Secret/karmada-cluster/lab-eu": f"karmada-token-{credential}",
        "Secret/karmada-cluster/lab-eu-impersonator": f"karmada-impersonator-token-{credential}",
    }
    for key, wanted in tokens.items():
        token = manifests[key]["data"]["token"]
        assert token.startswith(f"{wanted}-of-")
        assert "lab-eu-kubernetes" in token
    assert manifests["Secret/karmada-cluster/lab-eu"]["data"]["caBundle"] == "Y2E="


def test_what_the_member_s_cluster_has_goes_with_it(recorder: Recorder) -> None:
    _joined(recorder)
    inside = recorder.objects()
    assert {each.typ.rpartition(":")[2] for each in inside} == {
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Secret",
    }
    assert all("lab-eu-kubernetes" in (each.provider or "") for each in inside)
