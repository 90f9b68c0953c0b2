"""The network keys: `aws:SourceIp`, `aws:SourceVpce` and their kin.

Source: AWS IAM User Guide, reference_policies_condition-keys ("Properties of the network") and
access_forward_access_sessions. A call comes over a public endpoint or through a VPC endpoint, never both; what a
service does for a caller keeps the caller's address although the log shows the service's name.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from simulator.cloudtrail.call import Call, EndpointPath, NoPath, PublicPath, Target, UnknownPath
from simulator.cloudtrail.organization_keys import organization_id, organization_path
from simulator.decision.request import UNKNOWN, ContextValue, OneOf
from simulator.iam.arn import is_account_id
from simulator.iam.network_keys import NETWORK_KEYS


def source_ip(call: Call) -> ContextValue | None:
    """`aws:SourceIp`: the public address; absent through a VPC endpoint."""
    path = call.path
    if isinstance(path, PublicPath):
        return path.address
    return UNKNOWN if isinstance(path, UnknownPath) else None


def vpc_source_ip(call: Call) -> ContextValue | None:
    """`aws:VpcSourceIp`: the address inside the VPC; absent over a public endpoint."""
    path = call.path
    if isinstance(path, EndpointPath):
        return path.address or UNKNOWN
    return _unless_endpoint(call)


def source_vpce(call: Call) -> ContextValue | None:
    """`aws:SourceVpce`: the VPC endpoint's id."""
    path = call.path
    return path.endpoint if isinstance(path, EndpointPath) else _unless_endpoint(call)


def source_vpc(call: Call) -> ContextValue | None:
    """`aws:SourceVpc`: no log holds the VPC of an endpoint, so it is absent or unknown."""
    return UNKNOWN if isinstance(call.path, EndpointPath) else _unless_endpoint(call)


def secure_transport(call: Call) -> ContextValue | None:
    """`aws:SecureTransport`: always there; logged TLS details prove `true`, their absence proves nothing."""
    tls = call.record.tls_details
    # S3 logs the cipher suite in additionalEventData, also where tlsDetails is missing.
    if (tls is not None and (tls.tls_version or tls.cipher_suite)) or call.extra.get("CipherSuite"):
        return "true"
    return OneOf(("true", "false"))


def via_aws_service(call: Call) -> ContextValue | None:
    """`aws:ViaAWSService`: always there."""
    via = call.via_service
    if via is None:
        return OneOf(("true", "false"))
    return "true" if via else "false"


def called_via(call: Call) -> ContextValue | None:
    """`aws:CalledVia` and `aws:CalledViaFirst`: absent for direct calls; the log never shows the whole chain."""
    return None if call.via_service is False else UNKNOWN


def called_via_last(call: Call) -> ContextValue | None:
    """`aws:CalledViaLast`: the forwarding service, or absent (not every service supports the key)."""
    via = call.via_service
    if via is True:
        return OneOf((call.identity.invoked_by, None))
    return None if via is False else UNKNOWN


def _unless_endpoint(call: Call) -> ContextValue | None:
    path = call.path
    if isinstance(path, PublicPath | NoPath) or (isinstance(path, UnknownPath) and path.no_endpoint):
        return None
    return UNKNOWN


def _listed(rule: Callable[[Call], ContextValue | None], key: str) -> Callable[[Call, Target], ContextValue | None]:
    """A key that only some services supply: for the others it is simply missing."""
    supplied = NETWORK_KEYS[key]

    def value(call: Call, target: Target) -> ContextValue | None:
        return rule(call) if supplied.supplied_for(target.action) else None

    return value


def _owner(call: Call) -> str | None:
    account = call.record.vpc_endpoint_account_id
    return account if isinstance(call.path, EndpointPath) and account and is_account_id(account) else None


def _vpce_account(call: Call) -> ContextValue | None:
    return _owner(call) or source_vpc(call)


def _vpce_org_id(call: Call) -> ContextValue | None:
    owner = _owner(call)
    return organization_id(owner, call.facts) if owner else source_vpc(call)


def _vpce_org_paths(call: Call) -> ContextValue | None:
    owner = _owner(call)
    return organization_path(owner, call.facts) if owner else source_vpc(call)


NETWORK_RULES: Final[Mapping[str, Callable[[Call], ContextValue | None]]] = MappingProxyType(
    {
        "aws:sourceip": source_ip,
        "aws:vpcsourceip": vpc_source_ip,
        "aws:sourcevpce": source_vpce,
        "aws:sourcevpc": source_vpc,
        "aws:securetransport": secure_transport,
        "aws:viaawsservice": via_aws_service,
        "aws:calledvia": called_via,
        "aws:calledviafirst": called_via,
        "aws:calledvialast": called_via_last,
    }
)
"""Rules that a record alone decides."""

ENDPOINT_OWNER_RULES: Final[Mapping[str, Callable[[Call, Target], ContextValue | None]]] = MappingProxyType(
    {
        "aws:sourcevpcarn": _listed(source_vpc, "aws:sourcevpcarn"),
        "aws:vpceaccount": _listed(_vpce_account, "aws:vpceaccount"),
        "aws:vpceorgid": _listed(_vpce_org_id, "aws:vpceorgid"),
        "aws:vpceorgpaths": _listed(_vpce_org_paths, "aws:vpceorgpaths"),
    }
)
"""Rules of the keys about an endpoint's owner, which only listed services supply."""
