"""Tests of the real Helm charts, rendered with the values of the program."""
