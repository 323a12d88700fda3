"""Which regions a tenant's objects go to: a label on the objects, and a policy of Karmada's for each set of regions.

One policy for each tenant would be simpler to read, but Karmada holds every new object against every policy there is.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.mesh.tenant import AUTHORIZATION, SIDECAR

Manifest = dict[str, Any]

REGIONS_LABEL = "fleet/regions"
_SKIP_LABEL = "namespace.karmada.io/skip-auto-propagation"
_LONGEST_LABEL = 50
# What nobody in a tenant may write: a tenant's own object with the label goes nowhere by it.
_KINDS = (
    ("v1", "Namespace"),
    ("v1", "LimitRange"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
)
_MESH_KINDS = (AUTHORIZATION, SIDECAR)
_RBAC = "rbac.authorization.k8s.io"
_LOOKING = "fleet:member-proxy"
_ADMINISTRATORS = (("Group", "system:masters"), ("User", "system:admin"))


def region_set(regions: Iterable[str]) -> str:
    """Return the value of the label for a set of regions: their names, or a digest where those would be too long."""
    names = ".".join(sorted(regions))
    if len(names) <= _LONGEST_LABEL:
        return names
    return f"{names[: _LONGEST_LABEL - 13].rstrip('-.')}.{hashlib.sha256(names.encode()).hexdigest()[:12]}"


def placed(manifest: Manifest, regions: Sequence[str]) -> Manifest:
    """Return the manifest with what Karmada needs to bring it to these regions, and to no other."""
    labels = {**manifest["metadata"]["labels"], REGIONS_LABEL: region_set(regions)}
    if manifest["kind"] == "Namespace":
        labels[_SKIP_LABEL] = "true"  # or Karmada makes it in every member
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def tenant_policies(
    region_sets: Iterable[Iterable[str]], members: Mapping[str, str], *, meshed: bool = False
) -> list[Manifest]:
    """Return a policy for each set of regions that some tenant has; ``members`` are by region.

    Objects stay in a region that fails, so the policies tolerate everything; and what a member has already, from before
    its Karmada was lost, becomes Karmada's again. In a fleet with a mesh Karmada has to know its kinds (`meshed`).
    """
    sets = {region_set(regions): sorted(regions) for regions in region_sets}
    kinds = (*_KINDS, *_MESH_KINDS) if meshed else _KINDS
    return [_policy(name, [members[region] for region in regions], kinds) for name, regions in sorted(sets.items())]


def _policy(name: str, members: list[str], kinds: Sequence[tuple[str, str]]) -> Manifest:
    labels = {"matchLabels": {"app.kubernetes.io/managed-by": "fleet", REGIONS_LABEL: name}}
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "ClusterPropagationPolicy",
        "metadata": {"name": f"tenants.{name}", "labels": {"app.kubernetes.io/managed-by": "fleet"}},
        "spec": {
            "conflictResolution": "Overwrite",
            "resourceSelectors": [
                {"apiVersion": version, "kind": kind, "labelSelector": labels} for version, kind in kinds
            ],
            "placement": {
                "clusterAffinity": {"clusterNames": members},
                "clusterTolerations": [{"operator": "Exists"}],
            },
        },
    }


def proxy_access() -> list[Manifest]:
    """Return what lets Karmada's administrators look into members through Karmada.

    They may do everything in Karmada; a member allows only whom a rule about `clusters/proxy` names (Karmada's
    pkg/controllers/unifiedauth). The provider looks there whether a change has arrived.
    """
    labels = {"app.kubernetes.io/managed-by": "fleet"}
    rule = {"apiGroups": ["cluster.karmada.io"], "resources": ["clusters/proxy"], "verbs": ["get", "list", "watch"]}
    return [
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": _LOOKING, "labels": labels},
            "rules": [rule],
        },
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": _LOOKING, "labels": labels},
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": _LOOKING},
            "subjects": [{"apiGroup": _RBAC, "kind": kind, "name": name} for kind, name in _ADMINISTRATORS],
        },
    ]
