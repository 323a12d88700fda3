"""The life of objects in a real API server: created, found, changed, taken over, imported, deleted."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.plugins.conftest import Cluster
from tests.plugins.engine import SIGNATURE, CallError, Plugin, Properties, State, secret, urn
from tests.plugins.manifests import configmap, definition, deployment, never_scheduled, pod_template

MAP = "core/v1:ConfigMap"


def make(plugin: Plugin, kind: str, manifest: Properties, name: str = "it") -> tuple[str, State]:
    resource = urn(kind, name)
    return resource, plugin.create(resource, plugin.check(resource, manifest))


def data_of(cluster: Cluster, namespace: str, name: str = "settings") -> object:
    found = cluster.get("configmap", name, "--namespace", namespace)
    return found and found["data"]


def test_create_makes_the_object_and_keeps_what_the_server_made_of_it(
    plugin: Plugin, cluster: Cluster, namespace: str
) -> None:
    _, state = make(plugin, MAP, configmap(namespace, color="blue"))
    assert state.id == f"{namespace}/settings"
    assert data_of(cluster, namespace) == {"color": "blue"}
    assert state.outputs["__inputs"] == state.inputs
    assert state.outputs["__initialApiVersion"] == "v1"
    live = cluster.get("configmap", "settings", "--namespace", namespace)
    assert live is not None
    assert state.outputs["metadata"]["uid"] == live["metadata"]["uid"]
    # Under the name that the official plugin would have used.
    assert [entry["manager"] for entry in state.outputs["metadata"]["managedFields"]] == ["pulumi-kubernetes"]


def test_a_preview_shows_the_servers_defaults_and_leaves_nothing(
    plugin: Plugin, cluster: Cluster, namespace: str
) -> None:
    resource = urn("apps/v1:Deployment", "web")
    planned = plugin.create(resource, plugin.check(resource, deployment(namespace)), preview=True)
    assert planned.id == ""
    assert planned.outputs["spec"]["strategy"]["type"] == "RollingUpdate"
    assert "status" not in planned.outputs
    assert cluster.get("deployment", "web", "--namespace", namespace) is None


def test_a_preview_in_a_namespace_that_comes_later_gives_the_inputs(plugin: Plugin) -> None:
    resource = urn(MAP, "a")
    inputs = plugin.check(resource, configmap("not-yet-there"))
    assert plugin.create(resource, inputs, preview=True).outputs == inputs


def test_a_preview_says_what_the_server_would_refuse(plugin: Plugin, namespace: str) -> None:
    resource = urn("core/v1:ResourceQuota", "q")
    metadata = {"name": "q", "namespace": namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "three"}}}
    with pytest.raises(CallError, match=f"ResourceQuota {namespace}/q was not created.*quantities"):
        plugin.create(resource, plugin.check(resource, quota), preview=True)


def test_an_object_of_somebody_else_is_not_touched(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    cluster.apply(configmap(namespace, color="theirs"))
    resource = urn(MAP, "it")
    with pytest.raises(CallError, match=r"already exists.*127\.0\.0\.1.*pulumi import"):
        plugin.create(resource, plugin.check(resource, configmap(namespace, color="theirs")))
    assert data_of(cluster, namespace) == {"color": "theirs"}
    assert plugin.create(resource, configmap(namespace), preview=True).outputs == configmap(namespace)


def test_a_provider_told_so_takes_over_what_exists(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "settings", "--namespace", namespace, "--from-literal", "theirs=1")
    plugin.configure(cluster.kubeconfig, upsertExistingObjects="true")
    make(plugin, MAP, configmap(namespace, ours="1"))
    assert data_of(cluster, namespace) == {"theirs": "1", "ours": "1"}


def test_what_an_interrupted_create_made_is_found_again(
    plugin: Plugin, binary: str, cluster: Cluster, namespace: str
) -> None:
    """The engine was killed between the create and its note of it: asking for the same again gives that object."""
    _, lost = make(plugin, MAP, configmap(namespace))
    with Plugin(binary) as again:
        again.configure(cluster.kubeconfig)
        _, found = make(again, MAP, configmap(namespace))
    assert found.outputs["metadata"]["uid"] == lost.outputs["metadata"]["uid"]
    assert found == lost


@pytest.mark.parametrize(
    "difference", ["another resource", "other content", "a resource that is in the state", "no server-side apply"]
)
def test_nothing_else_is_taken_for_the_remains_of_a_create(
    plugin: Plugin, cluster: Cluster, namespace: str, difference: str
) -> None:
    if difference == "no server-side apply":
        # Every object has the same creator then.
        plugin.configure(cluster.kubeconfig, enableServerSideApply="false")
    make(plugin, MAP, configmap(namespace))
    resource, wanted = urn(MAP, "it"), configmap(namespace)
    olds = None
    if difference == "another resource":
        resource = urn(MAP, "renamed")
    elif difference == "other content":
        wanted = configmap(namespace, color="red")
    elif difference == "a resource that is in the state":
        # The engine replaces it: what it would find is the object that it is about to delete.
        olds = configmap(namespace)
    inputs = plugin.check(resource, wanted, olds)
    with pytest.raises(CallError, match="already exists"):
        plugin.create(resource, inputs)


def test_an_object_waits_for_its_namespace(plugin: Plugin, cluster: Cluster) -> None:
    resource = urn(MAP, "it")
    inputs = plugin.check(resource, configmap("comes-late"))
    with ThreadPoolExecutor() as pool:
        pending = pool.submit(plugin.create, resource, inputs)
        while not any("comes-late" in message.message for message in plugin.terminal.messages):
            assert not pending.done()
        cluster.kubectl("create", "namespace", "comes-late")
        assert pending.result().id == "comes-late/settings"
    cluster.kubectl("delete", "namespace", "comes-late", "--wait=false")


def test_a_refresh_finds_drift(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    manifest = never_scheduled(deployment(namespace, skipAwait="true"))
    resource, state = make(plugin, "apps/v1:Deployment", manifest)
    cluster.kubectl("scale", "deployment/web", "--namespace", namespace, "--replicas=3")
    drifted = plugin.read(resource, state)
    assert drifted.inputs["spec"]["replicas"] == 3
    assert plugin.diff(resource, drifted, state.inputs).details == {"spec.replicas": "UPDATE"}


def test_a_refresh_ignores_what_the_program_says_nothing_of(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    resource, state = make(plugin, MAP, configmap(namespace))
    cluster.kubectl("label", "configmap/settings", "--namespace", namespace, "by=hand")
    read = plugin.read(resource, state)
    assert read.inputs == state.inputs
    assert read.outputs["metadata"]["labels"] == {"by": "hand"}
    assert not plugin.diff(resource, read, state.inputs).changed


def test_a_refresh_finds_that_an_object_is_gone(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    resource, state = make(plugin, MAP, configmap(namespace))
    cluster.kubectl("delete", "configmap/settings", "--namespace", namespace)
    assert plugin.read(resource, state).id == ""


def test_an_import_needs_no_more_than_an_id(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    cluster.apply(configmap(namespace, color="green"))
    resource = urn(MAP, "imported")
    state = plugin.read(resource, State(f"{namespace}/settings"))
    assert state.inputs == configmap(namespace, color="green") | {"metadata": state.inputs["metadata"]}
    assert state.inputs["metadata"] == {"name": "settings", "namespace": namespace, "annotations": {}}
    inputs = plugin.check(resource, configmap(namespace, color="green"), state.inputs)
    assert plugin.diff(resource, state, inputs).replaces == []
    assert plugin.read(resource, State(f"{namespace}/nothing")).id == ""


def test_an_update_changes_what_the_program_says_and_nothing_else(
    plugin: Plugin, cluster: Cluster, namespace: str
) -> None:
    plugin.configure(cluster.kubeconfig, enableConfigMapMutable="true")
    resource, state = make(plugin, MAP, configmap(namespace, color="blue", size="1"))
    other = {**configmap(namespace, theirs="1"), "data": {"theirs": "1"}}
    cluster.kubectl("apply", "--server-side", "--field-manager", "other", "-f", "-", stdin=json.dumps(other))
    inputs = plugin.check(resource, configmap(namespace, color="red"), state.inputs)
    planned = plugin.update(resource, state, inputs, preview=True)
    assert planned.outputs["data"]["color"] == "red"
    assert data_of(cluster, namespace) == {"color": "blue", "size": "1", "theirs": "1"}
    plugin.update(resource, state, inputs)
    assert data_of(cluster, namespace) == {"color": "red", "theirs": "1"}


def test_a_conflict_names_the_field_and_its_owner(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    manifest = never_scheduled(deployment(namespace, skipAwait="true"))
    resource, state = make(plugin, "apps/v1:Deployment", manifest)
    cluster.kubectl("scale", "deployment/web", "--namespace", namespace, "--replicas=3")
    manifest["spec"]["replicas"] = 2
    inputs = plugin.check(resource, manifest, state.inputs)
    with pytest.raises(CallError, match=r'conflict with "kubectl".*\.spec\.replicas') as failure:
        plugin.update(resource, state, inputs)
    # What is there is kept, so that the next update knows of it.
    assert failure.value.partial.id == f"{namespace}/web"
    assert failure.value.partial.properties["spec"]["replicas"] == 3

    kept = plugin.update(resource, state, inputs, ignore=("spec.replicas",))
    assert kept.outputs["spec"]["replicas"] == 3
    manifest["metadata"]["annotations"]["pulumi.com/patchForce"] = "true"
    forced = plugin.update(resource, kept, plugin.check(resource, manifest, state.inputs))
    assert forced.outputs["spec"]["replicas"] == 2


def test_what_kubectl_set_is_taken_over_by_an_update(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    plugin.configure(cluster.kubeconfig, enableConfigMapMutable="true")
    resource, state = make(plugin, MAP, configmap(namespace, color="blue"))
    cluster.kubectl("label", "configmap/settings", "--namespace", namespace, "by=hand")
    updated = plugin.update(resource, state, plugin.check(resource, configmap(namespace, color="red"), state.inputs))
    assert "labels" not in updated.outputs["metadata"]


def test_a_program_can_choose_its_field_manager(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    plugin.configure(cluster.kubeconfig, enableConfigMapMutable="true")
    chosen = configmap(namespace, color="blue", size="1")
    chosen["metadata"]["annotations"] = {"pulumi.com/patchFieldManager": "team"}
    resource, state = make(plugin, MAP, chosen)
    assert state.outputs["__fieldManager"] == "team"
    chosen["data"] = {"color": "red"}
    state = plugin.update(resource, state, plugin.check(resource, chosen, state.inputs))
    assert data_of(cluster, namespace) == {"color": "red"}
    with pytest.raises(CallError, match="already exists"):
        make(plugin, MAP, chosen, "another")
    chosen["metadata"]["annotations"] = {"pulumi.com/patchFieldManager": "other", "pulumi.com/patchForce": "true"}
    chosen["data"] = {"color": "red", "by": "other"}
    state = plugin.update(resource, state, plugin.check(resource, chosen, state.inputs))
    managers = [entry["manager"] for entry in state.outputs["metadata"]["managedFields"]]
    assert "other" in managers
    live = cluster.get("configmap", "settings", "--namespace", namespace, "--show-managed-fields")
    assert live is not None
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == ["other"]


def test_without_server_side_apply_an_update_merges(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    plugin.configure(cluster.kubeconfig, enableConfigMapMutable="true", enableServerSideApply="false")
    resource, state = make(plugin, MAP, configmap(namespace, color="blue", size="1"))
    inputs = plugin.check(resource, configmap(namespace, color="red"), state.inputs)
    plugin.update(resource, state, inputs)
    assert data_of(cluster, namespace) == {"color": "red"}


def test_a_patch_sets_fields_and_gives_them_up(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    kind, metadata = "core/v1:NamespacePatch", {"name": namespace, "labels": {"fleet": "1"}}
    patch = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    resource, state = make(plugin, kind, patch)
    changed = {**patch, "metadata": {"name": namespace, "labels": {"fleet": "2"}}}
    state = plugin.update(resource, state, plugin.check(resource, changed, state.inputs))
    assert state.outputs["metadata"]["labels"]["fleet"] == "2"
    plugin.delete(resource, state)
    found = cluster.get("namespace", namespace)
    assert found is not None
    assert "fleet" not in found["metadata"]["labels"]


def test_delete_waits_until_the_object_is_gone(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    held = configmap(namespace)
    held["metadata"]["finalizers"] = ["fleet.test/hold"]
    resource, state = make(plugin, MAP, held)
    with pytest.raises(CallError, match=r"still there.*fleet\.test/hold") as failure:
        plugin.delete(resource, state, seconds=0.5)
    assert failure.value.partial.id == state.id
    with ThreadPoolExecutor() as pool:
        pending = pool.submit(plugin.delete, resource, state)
        while not any("fleet.test/hold" in message.message for message in plugin.terminal.messages[-1:]):
            assert not pending.done()
        release = '{"metadata": {"finalizers": null}}'
        cluster.kubectl("patch", "configmap/settings", "--namespace", namespace, "--type=merge", "--patch", release)
        pending.result()
    assert data_of(cluster, namespace) is None
    plugin.delete(resource, state)


def test_delete_leaves_orphans_where_it_is_told_to(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    manifest = never_scheduled(deployment(namespace, skipAwait="true", deletionPropagationPolicy="orphan"))
    resource, state = make(plugin, "apps/v1:Deployment", manifest)
    cluster.kubectl("wait", "--namespace", namespace, "--for=create", "replicaset", "--selector=app=web")
    plugin.delete(resource, state)
    sets = cluster.get("replicasets", "--namespace", namespace)
    assert sets is not None
    assert len(sets["items"]) == 1


def test_a_definition_and_its_objects_come_in_one_program(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    """In any order: the object waits for its kind, and is forgotten with it."""
    kind = "fleet.test/v1:Gadget"
    gadget = {"apiVersion": "fleet.test/v1", "kind": "Gadget", "metadata": {"name": "g", "namespace": namespace}}
    resource = urn(kind, "g")
    inputs = plugin.check(resource, gadget)
    assert plugin.create(resource, inputs, preview=True).outputs == inputs
    crd = "apiextensions.k8s.io/v1:CustomResourceDefinition"
    with ThreadPoolExecutor() as pool:
        pending = pool.submit(plugin.create, resource, inputs)
        _, defined = make(plugin, crd, definition("gadgets", "Gadget"), "crd")
        state = pending.result()
    schema = defined.outputs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["x_kubernetes_preserve_unknown_fields"] is True
    plugin.delete(urn(crd, "crd"), defined)
    assert cluster.get("customresourcedefinition", "gadgets.fleet.test") is None
    assert plugin.read(resource, state).id == ""
    plugin.delete(resource, state)


def test_an_unready_job_is_replaced_where_it_is_told_to_be(plugin: Plugin, namespace: str) -> None:
    annotations = {"pulumi.com/skipAwait": "true", "pulumi.com/replaceUnready": "true"}
    metadata = {"name": "job", "namespace": namespace, "annotations": annotations}
    template = pod_template(restartPolicy="Never", nodeSelector={"there-is": "no-such-node"})
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}
    resource, state = make(plugin, "batch/v1:Job", job)
    difference = plugin.diff(resource, state, state.inputs)
    assert difference.replaces == ['metadata.annotations["pulumi.com/replaceUnready"]']
    assert difference.replaces_in_place


def test_secrets_stay_secret_through_the_life_of_an_object(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    metadata = {"name": "s", "namespace": namespace, "annotations": {"token": secret("in-metadata")}}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": secret({"pw": "hunter2"})}
    resource, state = make(plugin, "core/v1:Secret", manifest)
    for outputs in (state.outputs, plugin.read(resource, state).outputs):
        for kept in (outputs, outputs["__inputs"]):
            assert SIGNATURE in kept["data"]
            assert SIGNATURE in kept["metadata"]["annotations"]["token"]
    found = cluster.get("secret", "s", "--namespace", namespace)
    assert found is not None
    assert base64.b64decode(found["data"]["pw"]) == b"hunter2"
    manifest["data"] = secret({"not-base64": "hunter2!"})
    broken = urn("core/v1:Secret", "broken")
    manifest["metadata"] = {"name": "broken", "namespace": namespace}
    with pytest.raises(CallError) as failure:
        plugin.create(broken, plugin.check(broken, manifest))
    assert "hunter2" not in failure.value.message


def test_many_calls_at_once_do_not_get_in_each_others_way(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    def live(number: int) -> str:
        resource, state = make(plugin, MAP, configmap(namespace, f"m{number}", n=str(number)), f"m{number}")
        assert plugin.read(resource, state).outputs["data"] == {"n": str(number)}
        plugin.delete(resource, state)
        return state.id

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(live, range(48)))) == 48
    maps = cluster.get("configmaps", "--namespace", namespace)
    assert maps is not None
    assert [item["metadata"]["name"] for item in maps["items"]] in ([], ["kube-root-ca.crt"])
