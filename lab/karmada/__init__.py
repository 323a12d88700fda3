"""Karmada in the lab: its own API server and its real programs, as supervised processes on loopback.

`Karmada` is the Pulumi resource. What a provider does for it is in `kind.py`, and to the machine in `control_plane.py`.
"""

from lab.karmada.resource import Karmada, KarmadaArgs, KarmadaRestart, Script

__all__ = ["Karmada", "KarmadaArgs", "KarmadaRestart", "Script"]
