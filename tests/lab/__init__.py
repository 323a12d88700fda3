"""Tests against real clusters of the lab."""
