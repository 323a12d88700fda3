"""Configurations that tests of the settings start from."""

from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import Settings, SettingsError, load


def cluster(number: int, **changes: object) -> dict[str, Any]:
    """Return a cluster with address ranges of its own, by its number."""
    network = {"pods": f"10.{number}.0.0/16", "services": f"10.{100 + number}.0.0/16"}
    return {"cloud": "lab", "location": "eu-west-1", "network": network, **changes}


def tenant(name: str = "shop", /, **changes: object) -> dict[str, Any]:
    """Return the least that a tenant can say."""
    return {"name": name, "owner": "team@example.com", **changes}


def config(*tenants: object, **changes: object) -> dict[str, Any]:
    """Return the configuration of a fleet in ``na`` and ``eu`` with some tenants."""
    regions = {"na": cluster(1), "eu": cluster(2)}
    return {"regions": regions, "manager": cluster(9), "tenants": list(tenants), **changes}


def loaded(*tenants: object, **changes: object) -> Settings:
    """Return the settings of ``config``."""
    return load(config(*tenants, **changes), stack="lab")


def errors_of(configuration: Mapping[str, Any], stack: str = "lab") -> list[str]:
    """Return the lines with which a configuration is refused."""
    with pytest.raises(SettingsError) as caught:
        load(configuration, stack=stack)
    return caught.value.errors


def outcome(configuration: Mapping[str, Any]) -> tuple[Settings | None, list[str]]:
    """Return the settings, or None and the lines with which the configuration is refused."""
    try:
        return load(configuration, stack="lab"), []
    except SettingsError as error:
        return None, error.errors
