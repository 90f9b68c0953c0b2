"""Did a logged call pass authorization? Read off `errorCode` and `errorMessage` by table (mappings/errors.toml).

A call that failed authorization is no new impact of a proposal; one that failed for another reason (throttled,
already exists, a dry run) had passed it. Source: AWS IAM User Guide, troubleshoot_access-denied.
"""

import tomllib
from enum import Enum
from importlib.resources import files
from typing import Final

from simulator.cloudtrail.record import Record


class CallResult(Enum):
    """How a call ended, as far as authorization goes."""

    SUCCEEDED = "succeeded"
    FAILED_LATER = "failed-later"  # it passed authorization and failed for another reason
    DENIED = "denied"
    UNAUTHENTICATED = "unauthenticated"  # never came as far as authorization

    @property
    def passed(self) -> bool:
        """Whether this proves that the call was authorized: it succeeded, or failed for another reason."""
        return self in (CallResult.SUCCEEDED, CallResult.FAILED_LATER)


def result_of(record: Record) -> CallResult:
    """How the call ended."""
    code = record.error_code
    if code is None or code.lower() in _SUCCESS:
        return CallResult.SUCCEEDED
    plain = code.rpartition("#")[2].lower().removeprefix("client.").removeprefix("server.")
    if plain in _DENIED:
        return CallResult.DENIED
    if plain in _UNAUTHENTICATED:
        return CallResult.UNAUTHENTICATED
    message = (record.error_message or "").lower()
    if any(text in message for text in _MESSAGES):
        return CallResult.DENIED
    return CallResult.FAILED_LATER


def authorization_failed(record: Record) -> bool:
    """Whether the call was refused by a policy of any kind, an endpoint's policy included."""
    return result_of(record) is CallResult.DENIED


def failed_otherwise(record: Record) -> bool:
    """Whether the call failed after it had passed authorization."""
    return result_of(record) is CallResult.FAILED_LATER


def passed_authorization(record: Record) -> bool:
    """Whether the log proves that the call was authorized: it succeeded, or failed for another reason."""
    return result_of(record).passed


_TABLE: Final = tomllib.loads(
    files("simulator.cloudtrail.mappings").joinpath("errors.toml").read_text(encoding="utf-8")
)
_DENIED: Final = frozenset(code.lower() for code in _TABLE["denied"]["codes"])
_MESSAGES: Final = tuple(_TABLE["denied"]["messages"])
_UNAUTHENTICATED: Final = frozenset(code.lower() for code in _TABLE["unauthenticated"]["codes"])
_SUCCESS: Final = frozenset(_TABLE["none"]["codes"])
