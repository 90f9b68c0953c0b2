"""Keys that the credentials of a workload carry to every service: EC2, Lambda, Glue, CodeBuild, Systems Manager.

Source: AWS IAM User Guide, reference_policies_condition-keys ("cross-service condition keys"). The session name
alone is no proof (whoever assumes a role may choose it), but what cannot be such a session surely lacks the key.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from simulator.cloudtrail.call import Call, is_identity_center_role
from simulator.cloudtrail.caller_keys import CallRule
from simulator.decision.request import UNKNOWN, ContextValue, OneOf, PrincipalKind

_INSTANCE_ID: Final = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")

_MAYBE_WORKLOAD: Final = frozenset({PrincipalKind.ROLE, PrincipalKind.ACCOUNT, PrincipalKind.UNKNOWN})

_ANYWHERE: Final = frozenset({"s3", "sts", "iam", "organizations", "route53", "cloudfront", "support", "health"})
"""Services that an instance calls across regions as a matter of course: `awsRegion` is not the instance's."""


def role_delivery(call: Call) -> ContextValue | None:
    """`ec2:RoleDelivery`: the instance metadata version, logged as `1.0` or `2.0`."""
    session = call.session
    if session is not None and session.ec2_role_delivery:
        return session.ec2_role_delivery
    return UNKNOWN if _on_instance(call) is not False else None


def source_instance(call: Call) -> ContextValue | None:
    """`ec2:SourceInstanceArn`: built of the session name, which is the instance's id."""
    issued_to = _issued_to(call, "AWS::EC2::Instance")
    if issued_to:
        return issued_to
    on_instance = _on_instance(call)
    if on_instance is False:
        return None
    account, region, partition = call.principal.account, call.record.aws_region, call.partition
    service = (call.record.event_source or "").partition(".")[0]
    if on_instance is None or not (account and region and partition) or service in _ANYWHERE:
        return UNKNOWN
    return f"arn:{partition}:ec2:{region}:{account}:instance/{call.session_name}"


def on_instance_only(call: Call) -> ContextValue | None:
    """Keys of EC2 instance credentials that no log shows (`aws:Ec2InstanceSourceVpc`, its private address)."""
    return UNKNOWN if _on_instance(call) is not False else None


def source_function(call: Call) -> ContextValue | None:
    """`lambda:SourceFunctionArn`: the function whose credentials signed the call."""
    return _issued_to(call, "AWS::Lambda::Function") or elsewhere(call)


def elsewhere(call: Call) -> ContextValue | None:
    """Keys of other workloads' credentials: absent where the caller surely is none, else unknown."""
    if call.principal.kind not in _MAYBE_WORKLOAD or is_identity_center_role(call.principal.arn):
        return None
    return None if _on_instance(call) is True else UNKNOWN


def managed_instance(call: Call) -> ContextValue | None:
    """`ssm:SourceInstanceArn`: Systems Manager's agent, on EC2 instances too."""
    if call.principal.kind not in _MAYBE_WORKLOAD or is_identity_center_role(call.principal.arn):
        return None
    return UNKNOWN


def _on_instance(call: Call) -> bool | None:
    """Whether the credentials were delivered to an EC2 instance."""
    if call.principal.kind not in _MAYBE_WORKLOAD or is_identity_center_role(call.principal.arn):
        return False
    session, name = call.session, call.session_name
    named = bool(name and _INSTANCE_ID.fullmatch(name))
    if session is not None and session.ec2_role_delivery:
        return True if named else None
    if call.principal.kind is not PrincipalKind.ROLE or name is None:
        return None
    return None if named else False


def _issued_to(call: Call, issuer_type: str) -> str | None:
    scope: Any = call.identity.in_scope_of
    if not isinstance(scope, dict) or scope.get("issuerType") != issuer_type:
        return None
    issued_to = scope.get("credentialsIssuedTo")
    return issued_to if isinstance(issued_to, str) and issued_to else None


def _partial(call: Call) -> ContextValue | None:
    # The key is there on every call of an AWS-hosted MCP server, and the log does not tell those apart.
    return None if call.principal.kind is PrincipalKind.AWS_SERVICE else UNKNOWN


def _partial_bool(call: Call) -> ContextValue | None:
    return None if call.principal.kind is PrincipalKind.AWS_SERVICE else OneOf(("true", "false", None))


WORKLOAD_RULES: Final[Mapping[str, CallRule]] = MappingProxyType(
    {
        "ec2:roledelivery": role_delivery,
        "ec2:sourceinstancearn": source_instance,
        "aws:ec2instancesourcevpc": on_instance_only,
        "aws:ec2instancesourceprivateipv4": on_instance_only,
        "lambda:sourcefunctionarn": source_function,
        "ssm:sourceinstancearn": managed_instance,
        "glue:roleassumedby": elsewhere,
        "glue:credentialissuingservice": elsewhere,
        "codebuild:buildarn": elsewhere,
        "codebuild:projectarn": elsewhere,
        "aws:chatbotsourcearn": elsewhere,
        "aws:calledviaawsmcp": _partial,
        "aws:viaawsmcpservice": _partial_bool,
        "aws:ismcpserviceaction": _partial_bool,
    }
)
"""Rules of the keys that credentials carry across services."""
