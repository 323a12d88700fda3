"""The federation of the regions: one Kubernetes API, Karmada's, that reaches all of them."""

from components.federation.federation import Federation, FederationArgs

__all__ = ["Federation", "FederationArgs"]
