"""A Pulumi program that breaks every policy at least once; nothing of it is ever made."""

import pulumi
import pulumi_kubernetes as kubernetes

from lab.cluster import Cluster, ClusterArgs, NodePool
from lab.karmada import Karmada, KarmadaArgs
from providers.karmada import Provider, ResourceTemplates, ResourceTemplatesArgs

_RBAC = "rbac.authorization.k8s.io"
_SECRET = pulumi.Output.secret("c2VjcmV0LXRva2Vu")


def _cluster(name: str) -> Cluster:
    return Cluster(
        name,
        ClusterArgs(
            name=name,
            directory=".fleet/stacks/test",
            version="v1.30.0",
            region="us-east-1",
            zones=["us-east-1a"],
            node_pools=[NodePool(count=1, cpu="1", memory="1Gi")],
        ),
    )


def _namespace(name: str, **labels: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


na, manager = _cluster("test-na"), _cluster("test-manager")
karmada = Karmada("test-karmada", KarmadaArgs(name="test-karmada", directory=".fleet/stacks/test", version="v1.18.2"))
templates = Provider("templates", kubeconfig=karmada.kubeconfig, identifier=karmada.identifier)
quota = {
    "apiVersion": "policy.karmada.io/v1alpha1",
    "kind": "FederatedResourceQuota",
    "metadata": {"name": "tenant", "namespace": "shop"},
    "spec": {
        "overall": {"requests.cpu": "100"},
        "staticAssignments": [{"clusterName": "test-na", "hard": {"requests.cpu": "100"}}],
    },
}
role = {
    "apiVersion": f"{_RBAC}/v1",
    "kind": "Role",
    "metadata": {"name": "all", "namespace": "shop"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
}
binding = {
    "apiVersion": f"{_RBAC}/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "all", "namespace": "shop"},
    "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [
        {"kind": "Group", "name": "system:authenticated"},
        {"kind": "ServiceAccount", "name": "robot", "namespace": "search"},
    ],
}
secret = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "token", "namespace": "shop"},
    "data": {"token": _SECRET},
}
namespaces = [_namespace("shop", **{"fleet/tenant": "shop"}), _namespace("search", **{"fleet/tenant": "search"})]
ResourceTemplates(
    "shop-templates",
    ResourceTemplatesArgs(
        manifests=[*namespaces, quota, role, binding, secret], members=["test-na"], karmada=karmada.identifier
    ),
    pulumi.ResourceOptions(provider=templates),
)
tenant = pulumi.ComponentResource("fleet:tenancy:FederatedTenant", "shop")
tenant.register_outputs({"namespaces": {"eu": ["shop"]}})

direct = pulumi.ResourceOptions(provider=kubernetes.Provider("test-na-kubernetes", kubeconfig=na.kubeconfig))
kubernetes.apps.v1.Deployment(
    "web",
    metadata={"name": "web", "namespace": "kube-system"},
    spec={
        "selector": {"match_labels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "example.com/web:latest"}]},
        },
    },
    opts=direct,
)
kubernetes.helm.v3.Release("chart", chart="web", repository_opts={"repo": "https://example.com/charts"}, opts=direct)
