"""The settings of a fleet, from a stack file or from Pulumi's configuration, refused when anything in them is wrong.

Both ways end in ``load``, so ``./fleet`` and ``pulumi up`` accept the same files with the same words. docs/settings.md
is the reference of every field.
"""

from pathlib import Path

import pulumi
from pulumi.runtime import config as pulumi_config

from stacks.clusters import Cloud, ClusterSettings, LabClusterSettings
from stacks.documents import read_mapping
from stacks.errors import Place, SettingsError, shown, suggestion
from stacks.fleet import Settings
from stacks.reading import PREFIX, ROOT, load
from stacks.tenants import Tenant

__all__ = [
    "Cloud",
    "ClusterSettings",
    "LabClusterSettings",
    "Settings",
    "SettingsError",
    "Tenant",
    "from_file",
    "from_pulumi",
    "load",
]

_STACK_FILE_FIELDS = ("config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider")


def from_file(path: Path, *, root: Path = ROOT) -> Settings:
    """Return the settings of a stack file ``Pulumi.<stack>.yaml``.

    Args:
        path: the file.
        root: the project's folder, which ``tenantsFolder`` is relative to.

    Raises:
        SettingsError: with a line for every error that could be found.

    """
    absolute = path.absolute()
    shown_as = str(absolute.relative_to(root)) if absolute.is_relative_to(root) else str(path)
    document = read_mapping(path, shown_as)
    place = Place(shown_as, is_file=True)
    errors = [
        (place / key).problem(f"is not a known field of a stack file; {suggestion(key, _STACK_FILE_FIELDS)}")
        for key in document
        if key not in _STACK_FILE_FIELDS
    ]
    config = {} if document.get("config") is None else document["config"]
    if not isinstance(config, dict):
        raise SettingsError([*errors, (place / "config").problem(f"should be a mapping, is {shown(config)}")])
    keys = [str(key) for key in config]
    errors += [
        (place / "config").problem(f"the key {key!r} has no namespace; write {PREFIX}{key}")
        for key in keys
        if ":" not in key
    ]
    own = {
        key.removeprefix(PREFIX): value
        for key, value in zip(keys, config.values(), strict=True)
        if key.startswith(PREFIX)
    }
    try:
        settings = load(own, stack=path.stem.removeprefix("Pulumi."), root=root)
    except SettingsError as error:
        raise SettingsError([*errors, *error.errors]) from None
    if errors:
        raise SettingsError(errors)
    return settings


def from_pulumi(*, root: Path = ROOT) -> Settings:
    """Return the settings of the stack that the running Pulumi program is for.

    Raises:
        SettingsError: with a line for every error that could be found.

    """
    keys = [key for key in {**pulumi_config.CONFIG.get(), **pulumi_config.get_config_env()} if key.startswith(PREFIX)]
    values = {key.removeprefix(PREFIX): pulumi_config.get_config(key) for key in keys}
    return load(values, stack=pulumi.get_stack(), root=root)
