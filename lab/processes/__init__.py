"""Processes that are kept alive: supervisord starts them, and starts again what dies."""

from lab.processes.group import Group, Program

__all__ = ["Group", "Program"]
