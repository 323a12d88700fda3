"""Serves the engine that started this process."""

from .host import main

main()
