"""What the pods of a tenant may talk to: one NetworkPolicy that denies everything else, in both directions."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from components.mesh.names import EAST_WEST_PORT
from components.mesh.tenant import TenantInMesh
from stacks.networks import IPNetwork
from stacks.tenants import Egress, Tenant

TENANT_LABEL = "fleet/tenant"
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"
_MESH_NAMESPACES = ["istio-system", "istio-ingress"]
_DNS_PORTS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
_MESH_PORTS = [{"protocol": "TCP", "port": port} for port in (15012, EAST_WEST_PORT)]
"""istiod's certificates and configuration, and the east-west gateway for other regions."""

_NEVER = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")
"""Link-local addresses and AWS's IPv6 ones for the same: a cloud's metadata service gives out credentials there."""


def policy_spec(tenant: Tenant, address_ranges: Sequence[str], mesh: TenantInMesh | None = None) -> dict[str, Any]:
    """Return the spec of the NetworkPolicy of each namespace of a tenant.

    It selects every pod and covers both directions, so whatever it does not allow is denied.

    Args:
        tenant: whose pods.
        address_ranges: CIDRs of all pods and Services of the fleet, which no egress rule may open.
        mesh: the tenant in the mesh; None if it is not in one.

    """
    own = _pods_of(tenant.name)
    callers, callees, gateways = _across(mesh)
    dns = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    gateway = {
        "namespaceSelector": {
            "matchExpressions": [{"key": _NAMESPACE_LABEL, "operator": "In", "values": _MESH_NAMESPACES}]
        }
    }
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [own, gateway, *callers]}],
        "egress": [
            {"to": [own, *callees]},
            {"to": [dns], "ports": _DNS_PORTS},
            {"to": [gateway], "ports": _MESH_PORTS},
            *gateways,
            *(_egress(rule, address_ranges) for rule in tenant.network.egress),
        ],
    }


def _across(mesh: TenantInMesh | None) -> tuple[list[Any], list[Any], list[Any]]:
    """Return other tenants' pods that may call, those that may be called, and the rules towards other regions."""
    if mesh is None:
        return [], [], []
    callers = [_pods_of(caller) for caller in mesh.caller_tenants]
    callees = [_pods_of(granter) for granter, _ in mesh.granters]
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in mesh.gateway_ranges]
    ports = [{"protocol": "TCP", "port": EAST_WEST_PORT}]
    return callers, callees, [{"to": blocks, "ports": ports}] if blocks else []


def _pods_of(tenant: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant}}}


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
