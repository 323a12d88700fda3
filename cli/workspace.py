"""Where things are, and the environment in which `pulumi` finds them.

All that a stack leaves on the machine lies in `.fleet/` of the clone, readable by its owner alone: the state, the
passphrase that encrypts its secrets, Pulumi's own home with the plugins, links to the tools, and a folder per stack.
Pulumi's home is ours and not `~/.pulumi`, so that a plugin that stands in here never serves another project.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.cluster import lifecycle
from lab.istio import folders as istiod
from lab.karmada import control_plane

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The clone at `root`, seen from one of its stacks."""

    stack: str
    root: Path = ROOT

    @property
    def home(self) -> Path:
        """The folder of everything that is not in the repository."""
        return self.root / ".fleet"

    @property
    def bin(self) -> Path:
        """The folder with a link to every tool."""
        return self.home / "bin"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own folder: plugins and credentials."""
        return self.home / "pulumi"

    @property
    def state(self) -> Path:
        """The file backend, used unless `PULUMI_BACKEND_URL` names another."""
        return self.home / "state"

    @property
    def own_backend(self) -> str:
        """URL of the file backend.

        Without the metadata that is written beside every file: it is not written in one step as the files are, and an
        update that is killed meanwhile leaves a state that cannot be read.
        """
        return f"{self.state.as_uri()}?metadata=skip"

    @property
    def passphrase(self) -> Path:
        """The file that holds the passphrase of the stacks' secrets."""
        return self.home / "passphrase"

    @property
    def stack_folder(self) -> Path:
        """The stack's own folder, with all that its lab clusters keep."""
        return self.home / "stacks" / self.stack

    @property
    def settings_file(self) -> Path:
        """The stack's settings."""
        return self.root / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def pulumi(self) -> Path:
        """The Pulumi CLI."""
        return self.bin / "pulumi"

    def variables(self) -> dict[str, str]:
        """The environment variables that make plain `pulumi` work in the clone; what the user has set is kept."""
        path = [str(self.bin), str(Path(sys.prefix) / "bin")]
        path += [part for part in os.environ.get("PATH", "").split(os.pathsep) if part not in path]
        variables = {
            "PATH": os.pathsep.join(path),
            "VIRTUAL_ENV": sys.prefix,
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_BACKEND_URL": os.environ.get("PULUMI_BACKEND_URL", self.own_backend),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",  # none but those of the pinned versions in Pulumi's home
            # The salt of the passphrase is taken from the state: setting up a stack leaves its settings file as it is.
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        }
        if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys():
            variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(self.passphrase)
        return variables

    def environment(self) -> dict[str, str]:
        """The whole environment for a child process."""
        return os.environ | self.variables()

    def create(self) -> None:
        """Make the folders and the passphrase where they are missing; nobody but the owner can read them.

        Pulumi writes a debug log of every command to the folder `logs` of its home, at two fifths of the engine's time;
        where a file has that name it goes without.
        """
        for folder in (self.home, self.bin, self.pulumi_home, self.state, self.stack_folder.parent, self.stack_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.pulumi_home / "logs").touch(mode=0o600)
        if not self.passphrase.exists():
            descriptor = os.open(self.passphrase, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))

    def remove_stack_files(self) -> None:
        """Remove what the destroyed stack left here: its folder, and its history and backups in the state.

        What the state does not know, because its making was killed, goes as well.
        """
        control_plane.remove_all(self.stack_folder)
        istiod.remove_all(self.stack_folder)
        lifecycle.remove_all(self.stack_folder)
        shutil.rmtree(self.stack_folder, ignore_errors=True)
        for half_written in (self.state / ".pulumi" / "stacks").glob(f"**/{self.stack}.json*.tmp"):
            half_written.unlink()
        for kind in ("history", "backups", "locks"):
            for folder in (self.state / ".pulumi" / kind).glob(f"**/{self.stack}"):
                shutil.rmtree(folder, ignore_errors=True)
        for file in (self.state / ".pulumi" / "stacks").glob(f"*/{self.stack}.json*"):
            file.unlink()
