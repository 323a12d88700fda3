"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# A machine that is busy with something else is no failure.
settings.register_profile("fleet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fleet")
