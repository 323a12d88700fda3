"""How long to wait for something, and when to stop because the user has enough of it."""

from __future__ import annotations

import threading
import time


class CancelledError(Exception):
    """The user cancelled what was going on."""


class Patience:
    """A deadline in `seconds` from now, that ends early when `cancelled` is set."""

    def __init__(self, seconds: float, cancelled: threading.Event | None = None) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._cancelled = cancelled or threading.Event()

    def pause(self, what: str, seconds: float = 0.1) -> None:
        """Wait a moment for `what`.

        Raises `CancelledError`, or `TimeoutError` with `what` in its message when the time is up.
        """
        if self._cancelled.wait(seconds):
            raise CancelledError(f"cancelled while waiting for {what}")
        if time.monotonic() > self._end:
            raise TimeoutError(f"{what} did not come in {self._seconds:.0f} s")
