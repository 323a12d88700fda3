"""The tools that the fleet runs on: which, at which version, and how each is built from its pinned Go module."""
