"""Tests of the whole fleet: `./fleet` and plain `pulumi`, as a user runs them, on real clusters of the lab."""
