"""What the plugin answers without a cluster: inputs, differences, and the provider's own configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from tests.plugins.conftest import unreachable_kubeconfig
from tests.plugins.engine import SECRET, UNKNOWN, CallError, Plugin, State, plain, secret, struct, urn
from tests.plugins.manifests import configmap, definition

HERE = Path(__file__).parent
PROVIDER = "urn:pulumi:test::conformance::pulumi:providers:kubernetes::k"


def cases(name: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in yaml.safe_load((HERE / name).read_text())]


@pytest.mark.parametrize("case", cases("inputs.yaml"))
def test_check_completes_and_normalizes_inputs(offline: Plugin, case: dict[str, Any]) -> None:
    offline.configure(unreachable_kubeconfig(), **case.get("settings", {}))
    checked = offline.check(urn(case["type"], "a"), case["news"], case.get("olds"), autonaming=case.get("autonaming"))
    assert checked == case["checked"]


def test_generated_names_follow_from_the_seed(offline: Plugin) -> None:
    def name(seed: bytes) -> str:
        inputs = offline.check(urn("core/v1:ConfigMap", "web"), {"apiVersion": "v1", "kind": "ConfigMap"}, seed=seed)
        assert inputs["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
        return str(inputs["metadata"]["name"])

    assert name(b"one") == name(b"one") != name(b"two")
    assert name(b"one").startswith("web-")
    assert len(name(b"one")) == len("web-") + 8


@pytest.mark.parametrize(
    ("kind", "news", "settings", "words"),
    [
        ("core/v1:ConfigMapList", {"apiVersion": "v1", "kind": "ConfigMapList", "items": []}, {}, "list"),
        ("core/v1:NamespacePatch", {"apiVersion": "v1", "kind": "Namespace"}, {}, "metadata.name"),
        (
            "core/v1:NamespacePatch",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
            {"enableServerSideApply": "false"},
            "server-side apply",
        ),
        (
            "core/v1:ConfigMap",
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}},
            {},
            "generateName",
        ),
    ],
)
def test_check_refuses(offline: Plugin, kind: str, news: dict[str, Any], settings: dict[str, str], words: str) -> None:
    offline.configure(unreachable_kubeconfig(), **settings)
    with pytest.raises(CallError, match=words):
        offline.check(urn(kind, "a"), news)


def test_names_are_not_generated_where_the_stack_forbids_it(offline: Plugin) -> None:
    with pytest.raises(CallError, match=r"metadata\.name"):
        offline.check(
            urn("core/v1:ConfigMap", "a"), {"apiVersion": "v1", "kind": "ConfigMap"}, autonaming=("DISABLE", "")
        )


def test_a_definition_of_the_program_says_where_its_objects_live(offline: Plugin) -> None:
    """A custom resource of the same program gets no namespace if its CRD says so, before any cluster knows."""
    offline.check(
        urn("apiextensions.k8s.io/v1:CustomResourceDefinition", "d"), definition("globes", "Globe", "Cluster")
    )
    globe = {"apiVersion": "fleet.test/v1", "kind": "Globe", "metadata": {"name": "g"}}
    assert offline.check(urn("fleet.test/v1:Globe", "g"), globe) == globe


@pytest.mark.parametrize("case", cases("differences.yaml"))
def test_diff_says_what_changes_and_what_replaces(offline: Plugin, case: dict[str, Any]) -> None:
    offline.configure(unreachable_kubeconfig(), **case.get("settings", {}))
    resource = urn(case["type"], "a")
    old, news = offline.check(resource, case["old"]), offline.check(resource, case["new"], case["old"])
    # Beside what the program said, the live object has what the server added.
    live = {**json.loads(json.dumps(old)), "status": {"phase": "Active"}}
    live["metadata"] |= {"uid": "u", "resourceVersion": "7"}
    state = State("a", old, {**live, "__inputs": old, "__fieldManager": "pulumi-kubernetes-00000000"})
    difference = offline.diff(resource, state, news, tuple(case.get("ignore", ())))
    assert difference.details == case["details"]
    assert difference.changed == bool(case["details"])
    assert difference.replaces == sorted(path for path, kind in case["details"].items() if kind.endswith("_REPLACE"))
    assert difference.replaces_in_place == case.get("first", False)


def test_diff_finds_what_a_refresh_has_seen(offline: Plugin) -> None:
    """Drift is in the outputs that a refresh wrote, and is an update back to the program's inputs."""
    resource, inputs = (
        urn("core/v1:Service", "a"),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "a", "namespace": "x"},
            "spec": {"type": "ClusterIP", "ports": [{"port": 80}]},
        },
    )
    drifted = {
        **inputs,
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}], "clusterIP": "10.0.0.1"},
    }
    difference = offline.diff(resource, State("x/a", inputs, {**drifted, "__inputs": inputs}), inputs)
    assert difference.details == {"spec.type": "UPDATE"}


def test_previews_need_no_cluster(offline: Plugin) -> None:
    resource = urn("core/v1:ConfigMap", "a")
    inputs = offline.check(resource, configmap("x"))
    assert offline.create(resource, inputs, preview=True).outputs == inputs


def test_an_unreachable_cluster_is_named_and_no_credential_is(offline: Plugin) -> None:
    resource = urn("core/v1:ConfigMap", "a")
    inputs = offline.check(resource, configmap("x"))
    state = State("x/settings", inputs, {**inputs, "__inputs": inputs})
    for call in (
        lambda: offline.create(resource, inputs),
        lambda: offline.update(resource, state, inputs),
        lambda: offline.read(resource, state),
        lambda: offline.delete(resource, state),
    ):
        with pytest.raises(CallError, match=r"127\.0\.0\.1:1.*cannot be reached") as failure:
            call()
        assert "not-for-your-eyes" not in failure.value.message
    with pytest.raises(CallError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
        offline.delete(resource, state)


def test_resources_of_a_lost_cluster_can_leave_the_state(offline: Plugin) -> None:
    offline.configure(unreachable_kubeconfig(), deleteUnreachable="true")
    resource, inputs = urn("core/v1:ConfigMap", "a"), configmap("x")
    state = State("x/settings", inputs, {**inputs, "__inputs": inputs})
    assert offline.read(resource, state).id == ""
    offline.delete(resource, state)


def test_resources_of_an_unreachable_cluster_can_stay_as_they_are(offline: Plugin) -> None:
    offline.configure(unreachable_kubeconfig(), skipUpdateUnreachable="true")
    resource, inputs = urn("core/v1:ConfigMap", "a"), configmap("x")
    state = State("x/settings", inputs, {**inputs, "__inputs": inputs})
    assert offline.read(resource, state) == state
    assert offline.check(resource, configmap("x", color="red"), inputs) == inputs


def test_a_useless_kubeconfig_spoils_neither_configuration_nor_preview(offline: Plugin) -> None:
    offline.configure("neither a file nor: [a kubeconfig")
    resource = urn("core/v1:ConfigMap", "a")
    inputs = offline.check(resource, configmap("x"))
    assert offline.create(resource, inputs, preview=True).outputs == inputs
    with pytest.raises(CallError, match="kubeconfig"):
        offline.create(resource, inputs)


def kubeconfig(server: str, ca: str = "QQ==") -> str:
    content = json.loads(unreachable_kubeconfig())
    content["clusters"][0]["cluster"] = {"server": server, "certificate-authority-data": ca}
    return json.dumps(content)


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": kubeconfig("https://a")}, None),
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": kubeconfig("https://b")}, ["kubeconfig"]),
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": kubeconfig("https://a", "Qg==")}, ["kubeconfig"]),
        (
            {"kubeconfig": kubeconfig("https://a"), "clusterIdentifier": "x"},
            {"kubeconfig": kubeconfig("https://b", "Qg=="), "clusterIdentifier": "x"},
            [],
        ),
        (
            {"kubeconfig": kubeconfig("https://a"), "clusterIdentifier": "x"},
            {"kubeconfig": UNKNOWN, "clusterIdentifier": "x"},
            [],
        ),
        (
            {"kubeconfig": kubeconfig("https://a"), "clusterIdentifier": "x"},
            {"kubeconfig": kubeconfig("https://a"), "clusterIdentifier": "y"},
            ["clusterIdentifier"],
        ),
        (
            {"kubeconfig": kubeconfig("https://a")},
            {"kubeconfig": kubeconfig("https://a"), "clusterIdentifier": "x"},
            [],
        ),
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": UNKNOWN}, ["kubeconfig"]),
        ({"namespace": "a"}, {"namespace": "b"}, []),
        ({"kubeconfig": secret(kubeconfig("https://a"))}, {"kubeconfig": kubeconfig("https://a")}, None),
    ],
)
def test_only_another_cluster_replaces_the_provider(
    offline: Plugin, old: dict[str, Any], new: dict[str, Any], replaces: list[str] | None
) -> None:
    """`None` stands for no change at all."""
    request = provider_pb2.DiffRequest(urn=PROVIDER, olds=struct(old), news=struct(new))
    answer = offline.call("DiffConfig", request)
    assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == (replaces is not None)
    assert list(answer.replaces) == (replaces or [])


def test_check_config_gives_the_inputs_back_and_refuses_what_is_not_offered(offline: Plugin) -> None:
    news = {"kubeconfig": secret("x"), "clusterIdentifier": "y"}
    answer = offline.call("CheckConfig", provider_pb2.CheckRequest(urn=PROVIDER, news=struct(news)))
    assert plain(answer.inputs) == news
    assert not answer.failures
    rendering = {"renderYamlToDirectory": "out"}
    answer = offline.call("CheckConfig", provider_pb2.CheckRequest(urn=PROVIDER, news=struct(rendering)))
    assert [failure.property for failure in answer.failures] == ["renderYamlToDirectory"]
    strict = {"strictMode": "true", "context": "a"}
    answer = offline.call("CheckConfig", provider_pb2.CheckRequest(urn=PROVIDER, news=struct(strict)))
    assert [failure.property for failure in answer.failures] == ["kubeconfig"]


def test_the_plugin_introduces_itself(offline: Plugin) -> None:
    assert offline.call("GetPluginInfo", empty_pb2.Empty()).version == "4.34.2"
    schema = json.loads(offline.call("GetSchema", provider_pb2.GetSchemaRequest()).schema)
    assert (schema["name"], schema["version"]) == ("kubernetes", "4.34.2")
    assert offline.call("Handshake", provider_pb2.ProviderHandshakeRequest()).accept_secrets


@pytest.mark.parametrize("token", ["kubernetes:yaml/v2:ConfigGroup", "kubernetes:helm.sh/v4:Chart"])
def test_components_are_refused_with_a_way_out(offline: Plugin, token: str) -> None:
    with pytest.raises(CallError, match=r"not offered by this stand-in.*official plugin"):
        offline.call("Construct", provider_pb2.ConstructRequest(type=token))


def test_yaml_is_decoded_for_the_sdk(offline: Plugin) -> None:
    document = (
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n---\n# nothing\n---\nkind: Namespace\napiVersion: v1\n"
    )
    arguments = struct({"text": document, "defaultNamespace": "team"})
    answer = offline.call("Invoke", provider_pb2.InvokeRequest(tok="kubernetes:yaml:decode", args=arguments))
    assert getattr(answer, "return")["result"][0]["metadata"]["namespace"] == "team"
    assert "metadata" not in getattr(answer, "return")["result"][1]


def test_a_secret_stays_out_of_what_is_said_of_it(offline: Plugin) -> None:
    """The mark itself is part of the protocol and not of what anybody may read."""
    resource = urn("core/v1:Secret", "s")
    inputs = offline.check(
        resource,
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": secret({"pw": "hunter2"})},
    )
    assert inputs["data"]["4dabf18193072939515e22adb298388d"] == SECRET
    with pytest.raises(CallError) as failure:
        offline.create(resource, inputs)
    assert "aHVudGVyMg==" not in failure.value.message
