"""Karmada in the lab: its own API server and its real programs, as supervised processes on loopback.

`Karmada` is the Pulumi resource. What a provider does for it is in `kind.py`, and to the machine in `control_plane.py`;
for `KarmadaAgent`, the agent of a member in pull mode, in `agent_kind.py` and `agent.py`.
"""

from lab.karmada.agent_resource import KarmadaAgent, KarmadaAgentArgs
from lab.karmada.resource import Karmada, KarmadaArgs, KarmadaRestart, Script

__all__ = ["Karmada", "KarmadaAgent", "KarmadaAgentArgs", "KarmadaArgs", "KarmadaRestart", "Script"]
