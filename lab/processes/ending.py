"""Ends processes that are nobody's children here, and knows when they have ended."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Sequence

import psutil

_KILL_SECONDS = 30
_POLL_SECONDS = 0.02


def kill(processes: Sequence[psutil.Process]) -> None:
    """End processes without asking, and return when they have let go of their ports and files."""
    send(processes, signal.SIGKILL)
    await_end(processes, _KILL_SECONDS)


def send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those of `processes` that are there still."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def await_end(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Wait until all have ended, for no longer than `seconds`."""
    end = time.monotonic() + seconds
    while any(_is_alive(process) for process in processes) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    # A zombie whose threads have ended has let go of its ports and files; when it vanishes is up to the machine's init.
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False
