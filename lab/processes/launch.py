"""Becomes the program that a JSON file describes: `command`, `environment`, and `after`, a file to wait for before.

Started by supervisord as a script, for each program of a group: what its configuration would have to quote is plain.
"""

import json
import os
import sys
import time
from pathlib import Path

_POLL_SECONDS = 0.05


def main() -> None:
    """Wait if there is something to wait for, and become the program."""
    program = json.loads(Path(sys.argv[1]).read_text())
    while program["after"] and not Path(program["after"]).exists():
        time.sleep(_POLL_SECONDS)
    os.execve(program["command"][0], program["command"], {**os.environ, **program["environment"]})  # noqa: S606


if __name__ == "__main__":
    main()
