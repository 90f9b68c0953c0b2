"""Error codes and messages of refused calls, in the forms that AWS documents.

IAM User Guide, troubleshoot_access-denied; S3 User Guide, troubleshoot-403-errors.
"""

from __future__ import annotations

from storybook.identities import Caller
from storybook.world import digest

Error = tuple[str, str]


def _not_authorized(caller: Caller, action: str, resource: str | None, reason: str) -> str:
    place = f" on resource: {resource}" if resource is not None else ""
    return f"User: {caller.arn} is not authorized to perform: {action}{place} {reason}"


def by_policy(
    caller: Caller,
    action: str,
    resource: str | None,
    *,
    kind: str = "service control policy",
    policy: str | None = None,
    code: str = "AccessDenied",
) -> Error:
    """An explicit deny in an SCP or RCP, with the policy's ARN as since 2026 or without it."""
    reason = f"with an explicit deny in a {kind}" + (f": {policy}" if policy else "")
    return code, _not_authorized(caller, action, resource, reason)


def no_scp_allows(caller: Caller, action: str, resource: str) -> Error:
    """An implicit deny: no SCP of some level allows the action."""
    reason = f"because no service control policy allows the {action} action"
    return "AccessDeniedException", _not_authorized(caller, action, resource, reason)


def by_s3(caller: Caller, action: str, arn: str, *, kind: str, policy: str | None = None) -> Error:
    """S3's own form: the resource in quotes, the policy ARN after a comma."""
    reason = f"with an explicit deny in a {kind}" + (f", with policy ARN: {policy}" if policy else "")
    return "AccessDenied", _not_authorized(caller, action, f'"{arn}"', reason)


def s3_bare() -> Error:
    """What S3 tells callers from outside the organization: nothing."""
    return "AccessDenied", "Access Denied"


def _blob(length: int, label: str) -> str:
    """Something that looks like an encoded authorization message."""
    text = ""
    while len(text) < length:
        text += digest("blob", label, str(len(text)))
    return text[:length]


def by_ec2(caller: Caller, action: str, resource: str, *, kind: str = "service control policy", policy: str) -> Error:
    """EC2's form: reason in clear, then an encoded message that CloudTrail cuts when the whole exceeds 1 KB."""
    reason = f"with an explicit deny in a {kind}: {policy}"
    text = (
        f"You are not authorized to perform this operation. {_not_authorized(caller, action, resource, reason)}. "
        f"Encoded authorization failure message: {_blob(900, caller.arn + action)}"
    )
    return "Client.UnauthorizedOperation", text[:1021] + "..."


def by_ec2_encoded(caller: Caller) -> Error:
    """EC2's older form: only the encoded message, so the log does not tell who denied."""
    text = "You are not authorized to perform this operation. Encoded authorization failure message: "
    return "Client.UnauthorizedOperation", text + _blob(420, caller.arn)


def by_identity_policy(caller: Caller, action: str, resource: str | None = None) -> Error:
    """The principal's own policies do not allow it; no organization policy is involved."""
    reason = f"because no identity-based policy allows the {action} action"
    return "AccessDenied", _not_authorized(caller, action, resource, reason)
