"""Settings of small fleets."""

from __future__ import annotations

from typing import Any


def region(number: int, location: str = "us-east-1") -> dict[str, Any]:
    """A region of one node, with addresses that no region of another number has."""
    return {
        "cloud": "lab",
        "location": location,
        "network": {"pods": f"10.{number}.0.0/16", "services": f"10.{100 + number}.0.0/16"},
        "nodePools": [{"count": 1}],
    }


def tenant(name: str, **fields: object) -> dict[str, Any]:
    """A tenant with an admin."""
    groups = {"admin": {"groups": [f"{name}-admins"]}}
    return {"name": name, "owner": f"{name}@example.com", "access": groups, **fields}


def small(*tenants: dict[str, Any], **regions: dict[str, Any]) -> dict[str, Any]:
    """A manager and one region, `na`, or `regions` instead; without `tenants` a tenant `shop`.

    There is neither a federation nor a mesh.
    """
    return {
        "federation": {"enabled": False},
        "mesh": {"enabled": False},
        "regions": regions or {"na": region(1)},
        "manager": region(9),
        "tenants": list(tenants) or [tenant("shop")],
    }
