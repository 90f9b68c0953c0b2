"""Keys of the request itself: time, region, user agent.

Source: AWS IAM User Guide, reference_policies_condition-keys ("Properties of the request").
"""

import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from simulator.cloudtrail.call import Call
from simulator.cloudtrail.caller_keys import CallRule
from simulator.cloudtrail.principal import is_service_name
from simulator.decision.request import UNKNOWN, ContextValue

_CUT: Final = 1000
"""CloudTrail cuts `userAgent` at 1 KB; a text of about that length may have lost its end."""


def current_time(call: Call) -> ContextValue | None:
    """`aws:CurrentTime`: always there, to the second."""
    return UNKNOWN if call.time is None else call.time.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_time(call: Call) -> ContextValue | None:
    """`aws:EpochTime`: seconds since 1970."""
    return UNKNOWN if call.time is None else str(int(call.time.timestamp()))


def user_agent(call: Call) -> ContextValue | None:
    """`aws:UserAgent`: unknown where it was cut or replaced by a service's name."""
    agent = call.record.user_agent
    if not agent or len(agent) >= _CUT or is_service_name(agent) or agent == "AWS Internal" or call.identity.invoked_by:
        return UNKNOWN
    if call.record.event_source == "s3.amazonaws.com" and agent.startswith("[") and agent.endswith("]"):
        # S3 writes the header in brackets.
        return agent[1:-1]
    return agent


def _region_rule() -> CallRule:
    text = files("simulator.cloudtrail.mappings").joinpath("regions.toml").read_text(encoding="utf-8")
    table: Mapping[str, Any] = tomllib.loads(text)
    fixed = {f"{service}.amazonaws.com": row["region"] for row in table["global"] for service in row["services"]}
    sts = table["sts_global"]

    def region(call: Call) -> ContextValue | None:
        """`aws:RequestedRegion`: always there."""
        source, logged = call.record.event_source or "", call.record.aws_region
        if source in fixed and call.partition == "aws":
            return str(fixed[source])
        if source == "sts.amazonaws.com" and call.partition == "aws" and _is_global(call):
            return str(sts["region"])
        return logged or UNKNOWN

    def _is_global(call: Call) -> bool:
        tls = call.record.tls_details
        host = tls.client_provided_host_header if tls is not None else None
        serving = call.extra.get("awsServingRegion")
        return host in sts["hosts"] or call.extra.get("endpointType") == sts["endpoint_type"] or bool(serving)

    return region


def _unknown(_call: Call) -> ContextValue | None:
    return UNKNOWN


REQUEST_RULES: Final[Mapping[str, Callable[[Call], ContextValue | None]]] = MappingProxyType(
    {
        "aws:currenttime": current_time,
        "aws:epochtime": epoch_time,
        "aws:useragent": user_agent,
        "aws:requestedregion": _region_rule(),
        # No log holds the Referer header.
        "aws:referer": _unknown,
    }
)
"""Rules that a record alone decides."""
