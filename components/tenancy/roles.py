"""What the roles of a tenant may do, as RBAC rules: every resource and verb by name, no wildcards.

Nobody in a tenant may write what isolates or limits it (the namespace, quota, limit range, network policies, roles and
bindings): settings decide that. Nor Endpoints and EndpointSlices, which could point a Service at another tenant's pods.
Who may create pods may mount every Secret of the namespace, so developers see Secrets and only viewers do not.

The same roles hold on Karmada's API: hence the autoscalers there. Of its policies, members and Works nobody in a tenant
may see or write anything: they decide where things run.
"""

from typing import Any

from stacks.access import Role

Rule = dict[str, Any]

_READ = ["get", "list", "watch"]
_WRITE = ["create", "update", "patch", "delete"]


def _rule(group: str, resources: list[str], verbs: list[str]) -> Rule:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


_VIEWER = [
    _rule(
        "",
        [
            "configmaps",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ],
        _READ,
    ),
    _rule("", ["namespaces"], ["get"]),
    _rule("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"], _READ),
    _rule("autoscaling", ["horizontalpodautoscalers"], _READ),
    _rule("autoscaling.karmada.io", ["cronfederatedhpas", "federatedhpas"], _READ),
    _rule("batch", ["cronjobs", "jobs"], _READ),
    _rule("discovery.k8s.io", ["endpointslices"], _READ),
    _rule("events.k8s.io", ["events"], _READ),
    _rule("metrics.k8s.io", ["pods"], ["get", "list"]),
    _rule("networking.k8s.io", ["networkpolicies"], _READ),
    _rule("policy", ["poddisruptionbudgets"], _READ),
]

_DEVELOPER = [
    _rule("", ["configmaps", "persistentvolumeclaims", "pods", "services"], _WRITE),
    _rule("", ["secrets"], _READ + _WRITE),
    # kubectl opens these by a WebSocket, which asks for `get`, or by SPDY, which asks for `create`.
    _rule("", ["pods/attach", "pods/exec", "pods/portforward"], ["get", "create"]),
    _rule("", ["pods/ephemeralcontainers"], ["get", "update", "patch"]),
    _rule("apps", ["daemonsets", "deployments", "statefulsets"], _WRITE),
    _rule("apps", ["deployments/scale", "statefulsets/scale"], ["get", "update", "patch"]),
    _rule("autoscaling", ["horizontalpodautoscalers"], _WRITE),
    _rule("autoscaling.karmada.io", ["cronfederatedhpas", "federatedhpas"], _WRITE),
    _rule("batch", ["cronjobs", "jobs"], _WRITE),
]

_ADMIN = [
    _rule("", ["serviceaccounts"], _WRITE),
    _rule("", ["serviceaccounts/token", "pods/eviction"], ["create"]),
    _rule("policy", ["poddisruptionbudgets"], _WRITE),
    _rule("rbac.authorization.k8s.io", ["rolebindings", "roles"], _READ),
]


def rules(role: Role) -> list[Rule]:
    """Return the RBAC rules of a role; each role may do what the one below it may."""
    return {
        Role.VIEWER: _VIEWER,
        Role.DEVELOPER: [*_VIEWER, *_DEVELOPER],
        Role.ADMIN: [*_VIEWER, *_DEVELOPER, *_ADMIN],
    }[role]
