"""Settings for the whole suite: deterministic hypothesis, no deadline on shared machines, the packaged tables alone."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile(
    "orgsim", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("orgsim")

# A developer's own `orgsim catalog update` must not change what is tested, here and in the processes that tests start.
os.environ["ORGSIM_CACHE"] = str(Path(__file__).parent / "no-such-folder")
