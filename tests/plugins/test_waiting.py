"""What the plugin waits for, how long, and what it says meanwhile and when it has been in vain."""

from __future__ import annotations

import time

import pytest

from tests.plugins.conftest import Cluster
from tests.plugins.engine import CallError, Plugin, Properties, State, urn
from tests.plugins.manifests import configmap, deployment, never_scheduled, pod_template


def make(plugin: Plugin, kind: str, manifest: Properties, seconds: float = 0) -> State:
    resource = urn(kind, "it")
    return plugin.create(resource, plugin.check(resource, manifest), seconds=seconds)


def workload(namespace: str, kind: str, **spec: object) -> Properties:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": pod_template(), **spec},
    }


def job(namespace: str) -> Properties:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job", "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": pod_template(restartPolicy="Never")},
    }


def service(namespace: str, **spec: object) -> Properties:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"ports": [{"port": 80}], **spec},
    }


def test_a_deployment_is_ready_when_its_pods_are(plugin: Plugin, namespace: str) -> None:
    state = make(plugin, "apps/v1:Deployment", deployment(namespace, count=2))
    assert state.outputs["status"]["availableReplicas"] == 2
    resource = urn("apps/v1:Deployment", "it")
    changed = plugin.check(resource, deployment(namespace, image="web:2", count=3), state.inputs)
    status = plugin.update(resource, state, changed).outputs["status"]
    assert (status["updatedReplicas"], status["availableReplicas"], status["replicas"]) == (3, 3, 3)


def test_other_workloads_are_ready_when_their_pods_are(plugin: Plugin, namespace: str) -> None:
    stateful = make(plugin, "apps/v1:StatefulSet", workload(namespace, "StatefulSet", serviceName="web", replicas=2))
    assert stateful.outputs["status"]["readyReplicas"] == 2
    daemons = make(plugin, "apps/v1:DaemonSet", workload(namespace, "DaemonSet"))
    assert daemons.outputs["status"]["numberReady"] == daemons.outputs["status"]["desiredNumberScheduled"] > 0
    template = pod_template()
    metadata = {"name": "alone", "namespace": namespace}
    pod = make(
        plugin, "core/v1:Pod", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    )
    assert pod.outputs["status"]["phase"] == "Running"


def test_a_job_is_ready_when_it_has_completed(plugin: Plugin, namespace: str) -> None:
    assert make(plugin, "batch/v1:Job", job(namespace)).outputs["status"]["succeeded"] == 1


def test_a_failed_job_is_not_waited_for(plugin: Plugin, namespace: str) -> None:
    failing = job(namespace)
    failing["spec"]["activeDeadlineSeconds"] = 1
    failing["spec"]["template"]["spec"]["nodeSelector"] = {"there-is": "no-such-node"}
    with pytest.raises(CallError, match=r"Job .* failed: \[DeadlineExceeded\]"):
        make(plugin, "batch/v1:Job", failing)


def test_waiting_has_an_end_that_says_why(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    stuck = never_scheduled(deployment(namespace, timeoutSeconds="1"))
    with pytest.raises(CallError, match=rf"Deployment {namespace}/web .* not ready after 1s.*0 of 1 updated|1 of 1"):
        make(plugin, "apps/v1:Deployment", stuck)
    assert cluster.get("deployment", "web", "--namespace", namespace) is not None


def test_what_is_not_ready_is_kept_with_the_reasons(plugin: Plugin, namespace: str) -> None:
    with pytest.raises(CallError) as failure:
        make(plugin, "apps/v1:Deployment", never_scheduled(deployment(namespace)), seconds=2)
    partial = failure.value.partial
    assert partial.id == f"{namespace}/web"
    assert partial.properties["__inputs"]["kind"] == "Deployment"
    assert any("didn't match" in reason for reason in partial.reasons), partial.reasons


def test_a_refresh_says_that_a_workload_is_not_ready(plugin: Plugin, namespace: str) -> None:
    resource = urn("apps/v1:Deployment", "it")
    with pytest.raises(CallError) as failure:
        make(plugin, "apps/v1:Deployment", never_scheduled(deployment(namespace)), seconds=0.5)
    inputs = plugin.check(resource, never_scheduled(deployment(namespace)))
    state = State(failure.value.partial.id, inputs, {"__inputs": inputs, **inputs})
    with pytest.raises(CallError, match="not ready") as again:
        plugin.read(resource, state)
    assert again.value.partial.inputs["kind"] == "Deployment"


def test_meanwhile_it_says_what_it_waits_for(plugin: Plugin, namespace: str) -> None:
    with pytest.raises(CallError):
        make(plugin, "apps/v1:Deployment", never_scheduled(deployment(namespace)), seconds=1)
    shown = [message.message for message in plugin.terminal.messages if message.ephemeral]
    assert any("Waiting for the Deployment" in message for message in shown)
    assert shown[-1] == ""


def test_cancel_ends_the_waiting_at_once(plugin: Plugin, namespace: str) -> None:
    timer = plugin.cancel_after(0.5)
    before = time.monotonic()
    with pytest.raises(CallError, match="cancelled") as failure:
        make(plugin, "apps/v1:Deployment", never_scheduled(deployment(namespace)))
    timer.join()
    assert time.monotonic() - before < 20
    assert failure.value.partial.id == f"{namespace}/web"


def test_nothing_is_waited_for_where_the_program_says_so(plugin: Plugin, namespace: str) -> None:
    state = make(plugin, "apps/v1:Deployment", never_scheduled(deployment(namespace, skipAwait="true")))
    assert "availableReplicas" not in state.outputs["status"]


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("jsonpath={.data.color}=blue", True),
        ("jsonpath={.data.color}", True),
        ('["jsonpath={.metadata.name}=settings", "jsonpath={.data.color}=blue"]', True),
        ("jsonpath={.data.color}=red", False),
        ("jsonpath={.data.size}", False),
        ("condition=Ready", False),
    ],
)
def test_a_program_can_say_what_to_wait_for(plugin: Plugin, namespace: str, *, expression: str, met: bool) -> None:
    manifest = configmap(namespace)
    manifest["metadata"]["annotations"] = {"pulumi.com/waitFor": expression}
    if met:
        make(plugin, "core/v1:ConfigMap", manifest)
        return
    with pytest.raises(CallError, match="not ready after 500ms"):
        make(plugin, "core/v1:ConfigMap", manifest, seconds=0.5)


def test_a_condition_is_waited_for(plugin: Plugin, namespace: str) -> None:
    state = make(plugin, "apps/v1:Deployment", deployment(namespace, waitFor="condition=Available"))
    assert state.outputs["status"]["availableReplicas"] == 1


@pytest.mark.parametrize("expression", ["[]", "Ready", "jsonpath=.data", "jsonpath={.data}="])
def test_what_cannot_be_waited_for_is_said(plugin: Plugin, namespace: str, expression: str) -> None:
    manifest = configmap(namespace)
    manifest["metadata"]["annotations"] = {"pulumi.com/waitFor": expression}
    with pytest.raises(CallError, match="waitFor"):
        make(plugin, "core/v1:ConfigMap", manifest)


def test_a_load_balancer_is_ready_when_it_has_an_address(plugin: Plugin, namespace: str) -> None:
    state = make(plugin, "core/v1:Service", service(namespace, type="LoadBalancer", selector={"app": "web"}))
    assert state.outputs["status"]["loadBalancer"]["ingress"]


def test_a_service_waits_for_pods_that_are_on_their_way(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", **pod_template()}
    cluster.apply({**pod, "metadata": {"name": "p", "namespace": namespace, "labels": {"app": "web"}}})
    cluster.kubectl("wait", "--namespace", namespace, "pod/p", "--for=condition=Ready")
    unready = '{"status": {"conditions": [{"type": "Ready", "status": "False"}]}}'
    cluster.kubectl("patch", "pod/p", "--namespace", namespace, "--subresource=status", "--patch", unready)
    with pytest.raises(CallError, match="pods behind the Service"):
        make(plugin, "core/v1:Service", service(namespace, selector={"app": "web"}), seconds=4)
    make(plugin, "core/v1:Service", {**service(namespace), "metadata": {"name": "bare", "namespace": namespace}})


def test_a_quota_is_ready_when_it_is_enforced(plugin: Plugin, namespace: str) -> None:
    metadata = {"name": "q", "namespace": namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "3"}}}
    assert make(plugin, "core/v1:ResourceQuota", quota).outputs["status"]["hard"] == {"pods": "3"}


def test_a_service_accounts_token_is_waited_for(plugin: Plugin, namespace: str) -> None:
    account = {"kubernetes.io/service-account.name": "default"}
    metadata = {"name": "token", "namespace": namespace, "annotations": account}
    token = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": metadata}
    data = make(plugin, "core/v1:Secret", token).outputs["data"]["value"]
    assert data["token"]


def test_an_ingress_waits_for_an_address(plugin: Plugin, namespace: str) -> None:
    metadata = {"name": "i", "namespace": namespace}
    spec = {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}
    with pytest.raises(CallError, match="Ingress's address"):
        make(plugin, "networking.k8s.io/v1:Ingress", ingress, seconds=0.5)


def test_a_claim_waits_for_its_volume(plugin: Plugin, cluster: Cluster, namespace: str) -> None:
    claim: Properties = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c", "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": namespace,
        },
    }
    with pytest.raises(CallError, match="claim to be bound"):
        make(plugin, "core/v1:PersistentVolumeClaim", claim, seconds=0.5)
    lazy = {"volumeBindingMode": "WaitForFirstConsumer", "provisioner": "kubernetes.io/no-provisioner"}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": namespace}}
    cluster.apply({**kind, **lazy})
    claim["metadata"]["name"] = "lazy"
    try:
        assert make(plugin, "core/v1:PersistentVolumeClaim", claim).outputs["status"]["phase"] == "Pending"
    finally:
        cluster.kubectl("delete", "storageclass", namespace)


def test_a_namespace_is_deleted_with_all_that_is_in_it(plugin: Plugin, cluster: Cluster) -> None:
    resource = urn("core/v1:Namespace", "it")
    state = make(plugin, "core/v1:Namespace", {"apiVersion": "v1", "kind": "Namespace"})
    make(plugin, "core/v1:ConfigMap", configmap(state.id))
    plugin.delete(resource, state)
    assert cluster.get("namespace", state.id) is None
