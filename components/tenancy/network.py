"""What the pods of a tenant may talk to: one NetworkPolicy that denies everything else, in both directions."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from stacks.networks import IPNetwork
from stacks.tenants import Egress, Tenant

TENANT_LABEL = "fleet/tenant"
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"
_MESH_NAMESPACES = ["istio-system", "istio-ingress"]
_DNS_PORTS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
_MESH_PORTS = [{"protocol": "TCP", "port": port} for port in (15012, 15443)]
"""istiod's certificates and configuration, and the east-west gateway for other regions."""

_NEVER = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")
"""Link-local addresses and AWS's IPv6 ones for the same: a cloud's metadata service gives out credentials there."""


def policy_spec(tenant: Tenant, address_ranges: Sequence[str]) -> dict[str, Any]:
    """Return the spec of the NetworkPolicy of each namespace of a tenant.

    It selects every pod and covers both directions, so whatever it does not allow is denied.

    Args:
        tenant: whose pods.
        address_ranges: CIDRs of all pods and Services of the fleet, which no egress rule may open.

    """
    own = {"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant.name}}}
    dns = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    mesh = {
        "namespaceSelector": {
            "matchExpressions": [{"key": _NAMESPACE_LABEL, "operator": "In", "values": _MESH_NAMESPACES}]
        }
    }
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [own, mesh]}],
        "egress": [
            {"to": [own]},
            {"to": [dns], "ports": _DNS_PORTS},
            {"to": [mesh], "ports": _MESH_PORTS},
            *(_egress(rule, address_ranges) for rule in tenant.network.egress),
        ],
    }


def _egress(rule: Egress, address_ranges: Sequence[str]) -> dict[str, Any]:
    allowed = ipaddress.ip_network(rule.cidr)
    kept_out = [
        str(network) for each in (*_NEVER, *address_ranges) if _inside(network := ipaddress.ip_network(each), allowed)
    ]
    block: dict[str, Any] = {"cidr": rule.cidr}
    if kept_out:
        block["except"] = sorted(kept_out)
    opened: dict[str, Any] = {"to": [{"ipBlock": block}]}
    if rule.ports:
        opened["ports"] = [{"protocol": rule.protocol.value, "port": port} for port in rule.ports]
    return opened


def _inside(network: IPNetwork, whole: IPNetwork) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(whole, ipaddress.IPv4Network) and network.subnet_of(whole)
    return isinstance(whole, ipaddress.IPv6Network) and network.subnet_of(whole)
