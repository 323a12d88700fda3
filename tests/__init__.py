"""Tests of the fleet: every promise that something breaks turns one red."""
