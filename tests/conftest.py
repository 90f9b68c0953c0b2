"""Settings for the whole suite: deterministic hypothesis, no deadline on shared machines."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "orgsim", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("orgsim")
