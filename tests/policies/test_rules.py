"""Each policy lets the recorded stacks pass, and refuses the one thing that it is there for."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from policies.catalogue import RULES
from policies.rules import Report, evaluate
from policies.values import UNKNOWN
from tests.policies.recorded import Recorded

_TODAY = datetime.date(2026, 3, 1)
_PASSES_UNPROTECTED = {"clusters-protected"}
_BY_NAME = {rule.name: rule for rule in RULES}
_UNKNOWN = min(UNKNOWN)
Breaks = Callable[[Recorded], Any]


def _report(name: str, recorded: Recorded, **settings: object) -> Report:
    return evaluate(_BY_NAME[name], recorded.stack(), settings, _TODAY)


def _messages(report: Report) -> str:
    return "\n".join(finding.message for finding in report.violations)


def _workload(image: str, **labels: str) -> dict[str, Any]:
    pod = {"spec": {"containers": [{"name": "web", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": labels},
        "spec": {"template": pod},
    }


def _bound(recorded: Recorded, **subject: str) -> None:
    recorded.manifest("RoleBinding/shop/tenant-admin")["subjects"].append(subject)


def _release(recorded: Recorded, **props: object) -> None:
    recorded.add("kubernetes:helm.sh/v3:Release", "karmada", {"chart": "karmada", **props})


_KARMADA = {"repo": "https://karmada-io.github.io/karmada"}
_WILD = {"apiGroups": [""], "resources": ["*"], "verbs": ["get"]}
_BROKEN: list[tuple[str, str, Breaks]] = [
    (
        "tenancy-namespace-owner",
        "has no annotation fleet/owner",
        lambda it: it.manifest("Namespace/shop")["metadata"].pop("annotations"),
    ),
    (
        "tenancy-namespace-owner",
        "has no label fleet/tenant",
        lambda it: it.manifest("Namespace/shop")["metadata"]["labels"].pop("fleet/tenant"),
    ),
    (
        "tenancy-pod-security",
        "enforce=privileged",
        lambda it: it.manifest("Namespace/shop")["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "privileged"}
        ),
    ),
    ("tenancy-quota", "has no quota of", lambda it: it.manifests().pop("FederatedResourceQuota/shop/tenant")),
    (
        "tenancy-quota",
        "has no quota of pods",
        lambda it: it.manifest("FederatedResourceQuota/shop/tenant")["spec"]["overall"].pop("pods"),
    ),
    ("tenancy-limit-range", "has no LimitRange", lambda it: it.manifests().pop("LimitRange/shop/tenant")),
    ("tenancy-default-deny", "denies both directions", lambda it: it.manifests().pop("NetworkPolicy/shop/tenant")),
    (
        "tenancy-default-deny",
        "denies both directions",
        lambda it: it.manifest("NetworkPolicy/shop/tenant")["spec"]["policyTypes"].remove("Egress"),
    ),
    (
        "tenancy-default-deny",
        "allows ingress for everybody",
        lambda it: it.manifest("NetworkPolicy/shop/tenant")["spec"]["ingress"].append({}),
    ),
    (
        "tenancy-role-wildcards",
        "has * in resources",
        lambda it: it.manifest("Role/shop/tenant-admin")["rules"].append(_WILD),
    ),
    (
        "tenancy-role-wildcards",
        "allows escalate",
        lambda it: it.manifest("Role/shop/tenant-admin")["rules"].append({"verbs": ["escalate"]}),
    ),
    (
        "tenancy-bindings",
        "binds a cluster-wide role",
        lambda it: it.manifest("RoleBinding/shop/tenant-admin")["roleRef"].update(kind="ClusterRole"),
    ),
    (
        "tenancy-bindings",
        "a subject of system:*",
        lambda it: _bound(it, kind="Group", name="system:authenticated"),
    ),
    (
        "tenancy-bindings",
        "rights in the whole cluster",
        lambda it: it.add(
            "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "all", {"metadata": {"name": "all"}}
        ),
    ),
    (
        "tenancy-cross-tenant",
        "service account of namespace reports",
        lambda it: _bound(it, kind="ServiceAccount", name="robot", namespace="reports"),
    ),
    (
        "tenancy-overcommit",
        "the quotas of requests.cpu in lab-na",
        lambda it: it.props("Cluster", "lab-na")["nodePools"][0].update(count=0),
    ),
    (
        "clusters-version",
        "runs Kubernetes v1.30.0",
        lambda it: it.props("Cluster", "lab-eu").update(version="v1.30.0"),
    ),
    ("clusters-zones", "has 1 zones", lambda it: it.props("Cluster", "lab-eu").update(zones=["a"])),
    (
        "clusters-address-ranges",
        "overlaps",
        lambda it: it.props("Cluster", "lab-eu").update(podCidr="10.1.128.0/17"),
    ),
    ("clusters-regions", "there are 2 regions", lambda it: it.remove("Cluster", "lab-sea")),
    ("federation-members", "lab-sea is no member", lambda it: it.remove("ResourceTemplates", "lab-sea-cluster")),
    (
        "federation-failover",
        "no ClusterTaintPolicy",
        lambda it: it.remove("ResourceTemplates", "lab-karmada-taint-policy"),
    ),
    (
        "federation-failover",
        "without --feature-gates=Failover=true",
        lambda it: it.props("Karmada", "lab-karmada")["arguments"].clear(),
    ),
    (
        "federation-tenant-regions",
        "namespace shop of shop is not delivered to sea",
        lambda it: it.props("ResourceTemplates", "shop-templates")["members"].remove("lab-sea"),
    ),
    (
        "federation-placement",
        "has no PropagationPolicy for workloads",
        lambda it: [it.manifests().pop(key) for key in [*it.manifests()] if "/workloads-" in key],
    ),
    (
        "federation-placement",
        "has no label fleet/placement",
        lambda it: it.manifests().update(web=_workload("web:1.0.0")),
    ),
    ("supply-charts", "has no version", lambda it: _release(it, repositoryOpts=_KARMADA)),
    (
        "supply-charts",
        "which is not exact",
        lambda it: _release(it, version="^1.18", repositoryOpts=_KARMADA),
    ),
    (
        "supply-charts",
        "is from https://example.com",
        lambda it: _release(it, version="1.18.2", repositoryOpts={"repo": "https://example.com/charts"}),
    ),
    ("supply-images", "runs web:latest", lambda it: it.manifests().update(web=_workload("example.com/web:latest"))),
    (
        "supply-images",
        "runs web:(no tag)",
        lambda it: it.manifests().update(web=_workload("example.com:5000/web")),
    ),
]


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.name not in _PASSES_UNPROTECTED])
@pytest.mark.parametrize("recorded", ["federated", "direct"])
def test_the_recorded_stacks_pass(name: str, recorded: str) -> None:
    assert _report(name, Recorded(recorded)) == Report()


@pytest.mark.parametrize(("name", "message", "breaks"), _BROKEN)
def test_each_policy_refuses_what_it_is_for(name: str, message: str, breaks: Breaks) -> None:
    recorded = Recorded("federated")
    breaks(recorded)
    assert message in _messages(_report(name, recorded))


def test_every_policy_has_an_example_that_fails() -> None:
    assert {name for name, *_ in _BROKEN} | _PASSES_UNPROTECTED == set(_BY_NAME)


def test_a_cluster_is_to_be_protected_where_the_environment_asks_for_it() -> None:
    recorded = Recorded("federated")
    assert "is not protected" in _messages(_report("clusters-protected", recorded))
    for name in ("lab-na", "lab-eu", "lab-sea", "lab-manager"):
        recorded.resource("Cluster", name)["protect"] = True
    recorded.resource("Karmada", "lab-karmada")["protect"] = True
    assert _report("clusters-protected", recorded) == Report()


def test_without_federation_the_same_rules_judge_what_pulumi_delivers() -> None:
    recorded = Recorded("direct")
    for kind, policy, message in (
        ("ResourceQuota", "tenancy-quota", "has no quota"),
        ("NetworkPolicy", "tenancy-default-deny", "no NetworkPolicy"),
        ("LimitRange", "tenancy-limit-range", "has no LimitRange"),
    ):
        (found,) = [
            each
            for each in recorded.stack().resources
            if each.type.endswith(f":{kind}") and each.name.startswith("shop-na/")
        ]
        recorded.remove(kind, found.name)
        assert message in _messages(_report(policy, recorded))


def test_a_chart_and_an_image_that_are_pinned_pass() -> None:
    recorded = Recorded("federated")
    _release(recorded, version="1.18.2", repositoryOpts=_KARMADA)
    recorded.manifests().update(web=_workload("example.com:5000/web@sha256:0", **{"fleet/placement": "even"}))
    assert _report("supply-charts", recorded) == Report()
    assert _report("supply-images", recorded) == Report()


@pytest.mark.parametrize(
    ("name", "hide"),
    [
        ("clusters-version", lambda it: it.props("Cluster", "lab-eu").update(version=_UNKNOWN)),
        ("clusters-address-ranges", lambda it: it.props("Cluster", "lab-eu").update(podCidr=_UNKNOWN)),
        (
            "tenancy-pod-security",
            lambda it: it.manifest("Namespace/shop")["metadata"].update(labels=_UNKNOWN),
        ),
        ("tenancy-quota", lambda it: it.props("ResourceTemplates", "shop-templates").update(manifests=_UNKNOWN)),
        ("supply-images", lambda it: it.manifests().update(web=_workload(_UNKNOWN))),
    ],
)
def test_what_is_not_known_yet_is_told_and_does_not_pass(name: str, hide: Breaks) -> None:
    recorded = Recorded("federated")
    hide(recorded)
    report = _report(name, recorded)
    assert report.violations == []
    assert "is known only after `up`" in report.unknown[0].message


def test_what_is_unknown_of_one_object_does_not_hide_what_is_wrong_with_another() -> None:
    recorded = Recorded("federated")
    recorded.manifest("Namespace/shop")["metadata"]["labels"] = _UNKNOWN
    recorded.manifest("Namespace/reports", "reports")["metadata"]["labels"].clear()
    report = _report("tenancy-pod-security", recorded)
    assert len(report.unknown) == 1
    assert "Namespace/reports has no label" in _messages(report)


@pytest.mark.parametrize(
    ("resource", "until", "expected"),
    [
        ("lab-eu", "2026-03-01", ""),
        ("*Cluster::lab-eu", "2026-12-31", ""),
        ("lab-na", "2026-12-31", "runs Kubernetes v1.30.0; the oldest that is supported is 1.34"),
        ("lab-eu", "2026-02-28", "(its exemption ended on 2026-02-28: moves in spring)"),
    ],
)
def test_an_exemption_holds_for_its_resource_until_its_last_day(resource: str, until: str, expected: str) -> None:
    recorded = Recorded("federated")
    recorded.props("Cluster", "lab-eu")["version"] = "v1.30.0"
    exemption = {"resource": resource, "reason": "moves in spring", "until": until}
    messages = _messages(_report("clusters-version", recorded, exemptions=[exemption]))
    assert expected in messages
    assert bool(messages) == bool(expected)


def test_an_environment_changes_parameters() -> None:
    assert "4 are asked for" in _messages(_report("clusters-regions", Recorded("federated"), regions=4))
