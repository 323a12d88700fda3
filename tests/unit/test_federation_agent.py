"""The agent of a member in pull mode: who it is to Karmada, what it may do there, and how it runs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import MockResourceArgs, set_mocks

from components.federation.agent_rights import agent_rights
from components.federation.member import Member, MemberArgs
from stacks.clusters import Cloud, ClusterSettings
from stacks.federation import FederationSettings
from tests.unit.federation_samples import SampleControlPlane
from tests.unit.karmada_chart_samples import settings as chart
from tests.unit.settings_samples import cluster, loaded
from tests.unit.test_federation_member import SECRET, Eu
from tests.unit.test_federation_member import Recorder as MemberRecorder
from tests.unit.test_tenancy_delivery import Recorder as PlainRecorder


class OtherCloud(StrEnum):
    """A cloud with real pods."""

    KIND = "kind"


class Recorder(MemberRecorder):
    """As a member's API server and the provider `pki` answer."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        identity, state = super().new_resource(args)
        if args.typ == "kubernetes:core/v1:Secret":
            state = {**state, "data": {"token": b64encode(state["metadata"]["name"].encode()).decode()}}
        if args.typ == "kubernetes:core/v1:NamespacePatch":
            state = {**state, "metadata": {**state["metadata"], "uid": "uid-of-eu"}}
        if args.typ == "pki:index:Certificate":
            number = state["commonName"].rpartition(":")[2]
            outputs = {"certificate": f"crt-{number}", "privateKey": f"key-{number}", "fingerprint": f"print-{number}"}
            state = {**state, **outputs}
        return identity, state

    def one(self, kind: str, name: str) -> MockResourceArgs:
        """The resource of a type with a name."""
        (found,) = [each for each in self.created if (each.typ, each.name) == (kind, name)]
        return found

    def plain(self, kind: str, name: str) -> dict[str, Any]:
        """The inputs of a resource, with what is secret in them."""
        plain: dict[str, Any] = _plain(self.one(kind, name).inputs)
        return plain


@pytest.fixture
def joined() -> Iterator[Callable[..., Recorder]]:
    recorder = Recorder()
    set_mocks(recorder, project="fleet", stack="lab")

    def join(cloud: str = "lab", credential: int = 1) -> Recorder:
        written = {**cluster(1), "zones": ["eu-west-1a"], "federation": {"mode": "pull", "credential": credential}}
        settings = loaded(regions={"eu": written}).regions["eu"]
        federation = FederationSettings()
        if cloud != "lab":
            settings = _in(OtherCloud(cloud), settings)
            federation = FederationSettings.model_validate(
                {"controlPlane": chart(registry="registry.example.com/mirror")}
            )

        @pulumi.runtime.test  # type: ignore[untyped-decorator]
        def run() -> pulumi.Output[None]:
            eu, control_plane = Eu(settings), SampleControlPlane()
            args = MemberArgs(cluster=eu, control_plane=control_plane, settings=settings, federation=federation)
            return Member("lab-eu", args).urn.apply(lambda _: None)

        run()
        return recorder

    yield join
    set_mocks(PlainRecorder())


def _in(cloud: StrEnum, settings: ClusterSettings) -> ClusterSettings:
    return settings.model_copy(update={"cloud": cast("Cloud", cloud)})


def _plain(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    if isinstance(value, dict):
        return _plain(value["value"]) if value.keys() >= SECRET.keys() else {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def _manifests(recorder: Recorder, name: str) -> dict[str, Any]:
    manifests: dict[str, Any] = recorder.plain("karmada:index:ResourceTemplates", name)["manifests"]
    return manifests


def test_karmada_knows_a_member_in_pull_mode_by_the_uid_that_its_agent_finds(joined: Callable[..., Recorder]) -> None:
    spec = _manifests(joined(), "lab-eu-cluster")["Cluster/lab-eu"]["spec"]
    assert (spec["syncMode"], spec["id"]) == ("Pull", "uid-of-eu")
    assert (spec["provider"], spec["region"], spec["zones"]) == ("lab", "eu-west-1", ["eu-west-1a"])
    assert spec["impersonatorSecretRef"] == {"namespace": "karmada-cluster", "name": "lab-eu-impersonator"}


@pytest.mark.parametrize("credential", [1, 2])
def test_the_agent_s_rights_are_those_of_the_user_of_its_certificate(
    joined: Callable[..., Recorder], credential: int
) -> None:
    recorder = joined(credential=credential)
    certificate = recorder.plain("pki:index:Certificate", f"lab-eu-agent-certificate-{credential}")
    assert certificate["usages"] == ["client"]
    assert certificate["issuer"] == {"certificate": "ca", "privateKey": "ca-key"}
    bindings = [each for each in _manifests(recorder, "lab-eu-agent-rights").values() if "subjects" in each]
    assert len(bindings) == 4
    users = {subject["name"] for each in bindings for subject in each["subjects"]}
    assert users == {certificate["commonName"]} == {f"fleet:agent:lab-eu:{credential}"}


def test_in_the_lab_it_is_a_process_whose_credentials_are_secret(joined: Callable[..., Recorder]) -> None:
    recorder = joined()
    inputs = recorder.one("lab:index:KarmadaAgent", "lab-eu-agent").inputs
    for key in ("karmadaKubeconfig", "memberKubeconfig"):
        assert SECRET.items() <= inputs[key].items()
    karmada, member = (_plain(inputs[key]) for key in ("karmadaKubeconfig", "memberKubeconfig"))
    assert "https://127.0.0.1:5443" in karmada
    assert "Y3J0LTE=" in karmada, "the certificate, in base64"
    assert "https://127.0.0.1:6443" in member
    assert '"token": "karmada-token-1"' in member, "the token that the member made, decoded"
    flags = inputs["arguments"]
    assert "--cluster-api-endpoint=https://127.0.0.1:6443" in flags
    assert "--report-secrets=None" in flags
    assert "--cluster-zones=eu-west-1a" in flags


def test_elsewhere_it_is_pods_in_the_member_that_are_made_anew_with_new_credentials(
    joined: Callable[..., Recorder],
) -> None:
    recorder = joined("kind", credential=2)
    deployment = recorder.one("kubernetes:apps/v1:Deployment", "lab-eu-agent")
    assert "lab-eu-kubernetes" in (deployment.provider or "")
    template = _plain(deployment.inputs)["spec"]["template"]
    assert template["metadata"]["annotations"] == {"fleet/credentials": "print-2"}
    pod = template["spec"]
    accounts = [each.inputs["metadata"]["name"] for each in recorder.created if each.typ.endswith(":ServiceAccount")]
    assert pod["serviceAccountName"] in accounts
    (container,) = pod["containers"]
    assert container["image"] == "registry.example.com/mirror/karmada/karmada-agent:v1.18.2"
    assert "--cluster-name=lab-eu" in container["command"]
    assert "--cluster-provider=kind" in container["command"]
    secret = recorder.one("kubernetes:core/v1:Secret", "lab-eu-agent-kubeconfig").inputs
    assert (
        SECRET.items() <= secret["stringData"].items() or SECRET.items() <= secret["stringData"]["kubeconfig"].items()
    )
    (volume,) = pod["volumes"]
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert "kubeconfig" in _plain(secret["stringData"])


def test_an_agent_writes_where_its_own_member_s_things_are_and_nowhere_else() -> None:
    written: dict[str, set[tuple[str, str]]] = {}
    for each in agent_rights("lab-eu", "agent"):
        for rule in each.get("rules", []):
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            assert "secrets" not in rule["resources"]
            if {"create", "update", "patch", "delete"} & set(rule["verbs"]):
                where = each["metadata"].get("namespace", "")
                written.setdefault(where, set()).add((rule["resources"][0], str(rule.get("resourceNames", ""))))
    assert written == {
        "": {("clusters/status", "['lab-eu']"), ("events", "")},
        "karmada-es-lab-eu": {("works", ""), ("works/status", "")},
        "karmada-cluster": {("leases", ""), ("leases", "['lab-eu']")},
        "karmada-system": {("leases", ""), ("leases", "['karmada-agent-lab-eu']")},
    }
