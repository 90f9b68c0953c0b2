"""Cross-region inference: one logged Bedrock call, authorized in regions that the caller never asked for.

Source: Amazon Bedrock User Guide, inference-profiles-prereq: a policy that denies any destination region of the
profile makes the call fail. Which regions a profile holds is not in the log; the serving region is.
"""

import tomllib
from importlib.resources import files
from typing import Any, Final

from simulator.cloudtrail.call import Call
from simulator.decision.request import UNKNOWN, ContextValue


def inference_regions(call: Call, action: str) -> tuple[ContextValue, ...]:
    """The further values of `aws:RequestedRegion` under which `action` was authorized; mostly none.

    `UNKNOWN` among them stands for the profile's regions that the log does not name.
    """
    if action.lower() not in _ACTIONS:
        return ()
    regions: list[ContextValue] = []
    served = call.extra.get("inferenceRegion")
    if isinstance(served, str) and served and served != call.record.aws_region:
        regions.append(served)
    if any(_is_profile(model) for path in _TABLE["model_paths"] for model in call.parameters.all(path)):
        regions.append(UNKNOWN)
    return tuple(regions)


def _is_profile(model: str) -> bool:
    return model.startswith(_PREFIXES) or any(part in model for part in _ARN_PARTS)


_TABLE: Final[dict[str, Any]] = tomllib.loads(
    files("simulator.cloudtrail.mappings").joinpath("regions.toml").read_text(encoding="utf-8")
)["inference"]
_ACTIONS: Final = frozenset(name.lower() for name in _TABLE["actions"])
_PREFIXES: Final = tuple(_TABLE["profile_prefixes"])
_ARN_PARTS: Final = tuple(_TABLE["profile_arn_parts"])
