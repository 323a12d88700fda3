"""From a stack's configuration to settings: each part read by itself, so that an error in one hides none in another."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from stacks import checks, mesh_checks
from stacks.clusters import read_cluster
from stacks.documents import read_mapping
from stacks.errors import Place, SettingsError, shown, suggestion
from stacks.federation import read_federation
from stacks.fleet import Settings
from stacks.mesh import read_mesh
from stacks.names import MANAGER, why_not_label
from stacks.tenants import read_tenant

PREFIX = "fleet:"
"""What the project's own keys start with in a stack's configuration."""

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""

_SHAPES: Mapping[str, tuple[type, str]] = {
    "environment": (str, "text"),
    "regions": (dict, "a mapping of region names to clusters"),
    "manager": (dict, "a mapping with cloud, location and network"),
    "federation": (dict, "a mapping with failover and placements"),
    "mesh": (dict, "a mapping with trust, failover and traffic"),
    "tenants": (list, "a list of tenants"),
    "tenantsFolder": (str, "the path of a folder"),
}

Part = TypeVar("Part")
Arguments = ParamSpec("Arguments")


def load(config: Mapping[str, Any], *, stack: str, root: Path = ROOT) -> Settings:
    """Return the settings written in a stack's configuration.

    Args:
        config: values by key without ``fleet:``; structures, or JSON text of them (as ``pulumi config set`` keeps
            them).
        stack: name of the stack.
        root: folder that ``tenantsFolder`` is relative to.

    Raises:
        SettingsError: with a line for every error that could be found.

    """
    errors: list[str] = []
    values = _values(config, errors)
    errors += [
        f"{PREFIX}{key}: is missing; it should be {_SHAPES[key][1]}"
        for key in ("regions", "manager")
        if key not in config
    ]

    environment = str(values.get("environment", stack))
    if problem := why_not_label(environment):
        whose = "" if "environment" in values else "left out, it is the stack's name, and "
        errors.append(f"{PREFIX}environment: {whose}{problem}")

    # Sorted, as Pulumi hands them on: the order of the file must not be part of what it means.
    regions = {str(name): raw for name, raw in sorted(values.get("regions", {}).items(), key=lambda item: str(item[0]))}
    if "regions" in values and not regions:
        errors.append(f"{PREFIX}regions: is empty; a fleet has one region or more")
    places = {name: Place(f"{PREFIX}regions") / name for name in regions}
    errors += checks.region_names(places)
    raw_clusters = {name: (places[name], raw) for name, raw in regions.items()}
    if "manager" in values:
        raw_clusters[MANAGER] = (Place(f"{PREFIX}manager"), values["manager"])
    clusters = {
        name: (place, cluster)
        for name, (place, raw) in raw_clusters.items()
        if (cluster := _attempt(errors, read_cluster, raw, place, name))
    }

    federation_place = Place(f"{PREFIX}federation")
    federation = _attempt(errors, read_federation, values.get("federation", {}), federation_place, tuple(regions))
    mesh_place = Place(f"{PREFIX}mesh")
    mesh = _attempt(errors, read_mesh, values.get("mesh", {}), mesh_place, tuple(regions))

    entries = [*_inline_tenants(values.get("tenants", [])), *_tenant_files(values.get("tenantsFolder"), root, errors)]
    tenants = [
        (place, tenant)
        for place, raw in entries
        if (tenant := _attempt(errors, read_tenant, raw, place, tuple(regions)))
    ]

    errors += checks.members(raw_clusters)
    if federation:
        errors += checks.control_plane(federation, federation_place, clusters)
    errors += checks.cluster_names(environment, clusters)
    errors += checks.address_ranges(clusters)
    errors += checks.tenant_names(entries)
    errors += checks.shared_namespaces(entries)
    errors += checks.egress_ranges(tenants, clusters)
    if mesh:
        errors += mesh_checks.locations(mesh, mesh_place, clusters)
        errors += mesh_checks.external_trust(mesh, mesh_place, clusters)
        errors += mesh_checks.grants(mesh, tenants)
    if errors:
        raise SettingsError(errors)
    return Settings.model_validate(
        {
            "environment": environment,
            "regions": {name: clusters[name][1] for name in regions},
            "manager": clusters[MANAGER][1],
            "federation": federation,
            "mesh": mesh,
            "tenants": tuple(tenant for _, tenant in tenants),
            "tenantsFolder": values.get("tenantsFolder", ""),
        }
    )


def _values(config: Mapping[str, Any], errors: list[str]) -> dict[str, Any]:
    """Return the known values that have the right shape; tell of the others."""
    values: dict[str, Any] = {}
    for key, written in config.items():
        if key not in _SHAPES:
            errors.append(f"{PREFIX}{key}: is not a known setting; {suggestion(key, _SHAPES)}")
            continue
        shape, name = _SHAPES[key]
        value = written
        if shape is not str and isinstance(value, str):
            with suppress(ValueError, RecursionError):  # what is no JSON is told as the text that it is
                value = json.loads(value)
        elif shape is str and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # as Pulumi keeps it
        if isinstance(value, shape):
            values[key] = value
        else:
            errors.append(f"{PREFIX}{key}: should be {name}, is {shown(value)}")
    return values


def _attempt(
    errors: list[str], read: Callable[Arguments, Part], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Part | None:
    """Return what ``read`` returns; where it raises, keep its lines and return None."""
    try:
        return read(*args, **kwargs)
    except SettingsError as error:
        errors += error.errors
        return None


def _inline_tenants(tenants: Sequence[object]) -> Iterator[tuple[Place, object]]:
    """Yield the tenants of the stack file, each placed by its name, or by its position where that says no more."""
    names = [raw.get("name") if isinstance(raw, dict) else None for raw in tenants]
    for at, (name, raw) in enumerate(zip(names, tenants, strict=True)):
        known = isinstance(name, str) and bool(name) and names.count(name) == 1
        yield (Place(f"{PREFIX}tenants[{name}]") if known else Place(f"{PREFIX}tenants") / at), raw


def _tenant_files(folder: str | None, root: Path, errors: list[str]) -> list[tuple[Place, object]]:
    """Return what the files of the tenants' folder hold, in the order of their names."""
    if folder is None:
        return []
    place = Place(f"{PREFIX}tenantsFolder")
    try:
        files = sorted(
            path for path in (root / folder).iterdir() if path.suffix in {".yaml", ".yml"} and path.name[0] != "."
        )
    except FileNotFoundError:
        errors.append(place.problem(f"there is no folder {folder!r} in the project"))
        return []
    except NotADirectoryError:
        errors.append(place.problem(f"{folder!r} is not a folder; name one that holds a YAML file for each tenant"))
        return []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        errors.append(place.problem(f"{folder!r} cannot be read: {reason.lower()}"))
        return []
    found: list[tuple[Place, object]] = []
    for path in files:
        shown_as = f"{folder.rstrip('/')}/{path.name}"
        raw = _attempt(errors, read_mapping, path, shown_as)
        if raw is not None:
            found.append((Place(shown_as, is_file=True), raw))
    return found
