"""Makes the project's virtual environment from the lock file; needs nothing but Python's own library.

`./fleet` calls it when `.venv` is missing or its copy of the lock file is not today's. That copy is written last, so an
environment that was left half-made is made anew.
"""

import fcntl
import shutil
import subprocess
import sys
import venv
from pathlib import Path

_LOCK_FILE = "requirements.lock"


def bootstrap(root: Path) -> None:
    """Make `root/.venv` hold exactly what the lock file names; of two that try, one does it and the other waits."""
    home = root / ".fleet"
    home.mkdir(mode=0o700, exist_ok=True)
    with (home / "bootstrap.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        place = root / ".venv"
        stamp = place / _LOCK_FILE
        if stamp.exists() and stamp.read_bytes() == (root / _LOCK_FILE).read_bytes():
            return
        print("Setting up the Python environment (about a minute) ...", file=sys.stderr, flush=True)  # noqa: T201
        if place.is_symlink():  # another clone's: that one is not ours to clear
            place.unlink()
        try:
            venv.create(place, clear=True, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit("fleet: this Python has no ensurepip: install it, on Debian and Ubuntu the package python3-venv")
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "--require-hashes", "-r", str(root / _LOCK_FILE)], check=False).returncode != 0:
            sys.exit(
                "fleet: the Python packages could not be installed: is a package index reachable, is the disk full?"
            )
        shutil.copyfile(root / _LOCK_FILE, stamp)


if __name__ == "__main__":
    bootstrap(Path(sys.argv[1]))
