"""The flags that the settings of the federation ask of Karmada's programs."""

from components.federation.failover import agent_flags, failover_flags, webhook_flags
from stacks.federation import FederationSettings, RateSettings

# The two that are off by default let a HorizontalPodAutoscaler of a member scale its part of a Deployment; without them
# Karmada takes that for drift and puts its own number back.
_CONTROLLERS = "--controllers=*,hpaScaleTargetMarker,deploymentReplicasSyncer"

# A step that fails is tried again after longer and longer pauses, by default of up to 1000 s: much too long for what
# waits for a region that is back.
_LONGEST_PAUSE = "--rate-limiter-max-delay=30s"


def control_plane_flags(federation: FederationSettings) -> dict[str, list[str]]:
    """Return lists of flags by program, as `LabKarmadaArgs` and `HelmKarmadaArgs` take them."""
    rates = federation.rates
    return {
        "karmada-controller-manager": [_CONTROLLERS, *failover_flags(federation.failover), *_controller_rates(rates)],
        "karmada-scheduler": [*_requests(rates), *_queue(rates)],
        "karmada-webhook": [*webhook_flags(federation.failover), *_requests(rates)],
    }


def member_flags(federation: FederationSettings) -> list[str]:
    """Return flags of the agent of a member in pull mode: it does for the member what the controller manager does."""
    rates = federation.rates
    return [
        *agent_flags(federation.failover),
        *_requests(rates),
        *_member_requests(rates),
        *_queue(rates),
        f"--concurrent-work-syncs={rates.parallel_syncs}",
    ]


def _controller_rates(rates: RateSettings) -> list[str]:
    many, few = rates.parallel_syncs, max(rates.parallel_syncs // 3, 1)
    kinds = {
        "work": many,
        "resourcebinding": many,
        "clusterresourcebinding": many,
        "resource-template": many,
        # One of these makes several of the others.
        "namespace": few,
        "propagation-policy": few,
        "cluster-propagation-policy": few,
        "dependent-resource": few,
    }
    return [
        *_requests(rates),
        *_member_requests(rates),
        *_queue(rates),
        *(f"--concurrent-{kind}-syncs={count}" for kind, count in kinds.items()),
    ]


def _requests(rates: RateSettings) -> list[str]:
    return [f"--kube-api-qps={rates.requests_per_second}", f"--kube-api-burst={2 * rates.requests_per_second}"]


def _member_requests(rates: RateSettings) -> list[str]:
    return [
        f"--cluster-api-qps={rates.member_requests_per_second}",
        f"--cluster-api-burst={2 * rates.member_requests_per_second}",
    ]


def _queue(rates: RateSettings) -> list[str]:
    return [
        f"--rate-limiter-qps={rates.queued_per_second}",
        f"--rate-limiter-bucket-size={2 * rates.queued_per_second}",
        _LONGEST_PAUSE,
    ]
