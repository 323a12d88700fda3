"""Istio's control plane in the lab: the real istiod of a region, as a supervised process on loopback.

`IstiodPorts` and `Istiod` are the Pulumi resources. What a provider does for them is in `ports.py` and `kind.py`, and
to the machine in `control_plane.py`.
"""

from lab.istio.resource import Istiod, IstiodArgs, IstiodPorts

__all__ = ["Istiod", "IstiodArgs", "IstiodPorts"]
