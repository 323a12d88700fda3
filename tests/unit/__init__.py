"""Tests that need nothing but the Python environment."""
