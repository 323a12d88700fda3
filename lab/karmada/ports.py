"""The ports of a Karmada control plane, all on loopback."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class KarmadaPorts:
    """A port for each program, and where it tells whether it is well and what it measures."""

    api_server: int
    etcd: int
    etcd_peer: int
    kube_controller_manager: int
    aggregated_api_server: int
    webhook: int
    webhook_metrics: int
    controller_manager_health: int
    controller_manager_metrics: int
    scheduler_health: int
    scheduler_metrics: int
