"""One record seen as a call: what the rules for condition keys read, and the two questions many of them ask.

*Did a service make the call with the caller's own credentials* (a forward access session)? *Which way did it come*
(public network, VPC endpoint)? Sources: AWS IAM User Guide, access_forward_access_sessions and
reference_policies_condition-keys; AWS CloudTrail User Guide, cloudtrail-event-reference-record-contents.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any, Final, Generic, TypeVar

import msgspec

from simulator.cloudtrail.checks import ResourceCheck
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import is_service_name, partition_of, session_name_of
from simulator.cloudtrail.record import Record, SessionContext, UserIdentity
from simulator.decision.facts import Facts
from simulator.decision.principal_keys import fields_of_principal
from simulator.decision.request import ContextValue, Principal, PrincipalKind
from simulator.decision.truth import Truth

_decode: Final = msgspec.json.Decoder(Any).decode
_NOBODY: Final = UserIdentity()

_OWN_IDENTITY: Final = frozenset({PrincipalKind.USER, PrincipalKind.ROOT, PrincipalKind.FEDERATED_USER})
"""Identities no service can assume: a service that acts as one of them forwards the caller's access."""

_UNTOLD_SERVICES: Final = frozenset({"AWS Internal", "signin.amazonaws.com"})
"""`invokedBy` texts that name no forwarding service: the console's sign-in of old records, AWS's own backends."""

_PRIVATE: Final = tuple(
    (network.version, int(network.network_address), int(network.broadcast_address))
    for network in map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "0.0.0.0/8",
            "fc00::/7",
            "fe80::/10",
            "::1/128",
        ),
    )
)

_T = TypeVar("_T")


class _Once(Generic[_T]):
    """An attribute computed when first read. `functools.cached_property` would take a lock each time."""

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self._compute = compute
        self._name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, _owner: type) -> _T:
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


class PublicPath(msgspec.Struct, frozen=True):
    """Over a public endpoint, from `address`."""

    address: str


class EndpointPath(msgspec.Struct, frozen=True):
    """Through the customer's VPC endpoint; `address` is `None` where the log garbled it."""

    endpoint: str
    address: str | None


class NoPath(msgspec.Struct, frozen=True):
    """Service to service: AWS redacts all network keys."""


class UnknownPath(msgspec.Struct, frozen=True):
    """The log does not tell. `no_endpoint`: but surely no VPC endpoint of the customer's was used."""

    no_endpoint: bool = False


Path = PublicPath | EndpointPath | NoPath | UnknownPath


class Call:
    """A record with its parameters, its principal and the facts around it; the questions are answered once, lazily."""

    def __init__(self, record: Record, parameters: Parameters, principal: Principal, facts: Facts) -> None:
        self.record = record
        self.parameters = parameters
        self.principal = principal
        self.facts = facts

    @_Once
    def identity(self) -> UserIdentity:
        """`userIdentity`; an empty one where the record has none."""
        return self.record.user_identity or _NOBODY

    @property
    def session(self) -> SessionContext | None:
        """`userIdentity.sessionContext`."""
        return self.identity.session_context

    @_Once
    def extra(self) -> Mapping[str, object]:
        """`additionalEventData`; empty where it is not an object."""
        watched: Mapping[str, object] | None = getattr(self.record, "watched_extra", None)
        return decode_object(self.record.additional_event_data) if watched is None else watched

    @_Once
    def event_context(self) -> Mapping[str, object]:
        """`eventContext` of enriched events (CloudTrail Lake only); empty where there is none."""
        return decode_object(self.record.event_context)

    @_Once
    def partition(self) -> str | None:
        """The partition the call was made in."""
        return partition_of(self.record)

    @_Once
    def session_name(self) -> str | None:
        """The role session's name."""
        return session_name_of(self.record)

    @_Once
    def principal_fields(self) -> Mapping[str, ContextValue]:
        """The keys that the principal alone decides."""
        return fields_of_principal(self.principal)

    @_Once
    def time(self) -> datetime | None:
        """`eventTime`, `None` if it does not parse."""
        return parse_time(self.record.event_time)

    @_Once
    def via_service(self) -> Truth:
        """Whether a service made this call with the caller's own credentials; `None` if the record leaves it open.

        `invokedBy` alone proves nothing: it also stands on calls of service principals, of service-linked roles and
        of service roles. It proves a forward access session only where the identity is one that no service can
        assume: a user, the root user, or an Identity Center role (its trust policy admits the SAML provider alone).
        """
        kind = self.principal.kind
        if kind in (PrincipalKind.AWS_SERVICE, PrincipalKind.ANONYMOUS, PrincipalKind.FEDERATED):
            return False
        invoked_by = self.identity.invoked_by
        if not invoked_by:
            # A service that calls leaves its name in the address, too; the user agent proves nothing (the console's).
            address = self.record.source_ip_address
            return None if not address or address == "AWS Internal" or is_service_name(address) else False
        if self.principal.service_linked is True:
            return False
        if invoked_by in _UNTOLD_SERVICES or not is_service_name(invoked_by):
            return None
        if kind in _OWN_IDENTITY or (kind is PrincipalKind.ROLE and is_identity_center_role(self.principal.arn)):
            return True
        return None

    @_Once
    def path(self) -> Path:
        """The way the call came."""
        if self.principal.kind is PrincipalKind.AWS_SERVICE:
            return NoPath()
        address = self.record.source_ip_address or ""
        parsed = is_public(address)
        logged = self.extra.get("vpcEndpointId")
        endpoint = self.record.vpc_endpoint_id or (logged if isinstance(logged, str) else None)
        if endpoint:
            if self.identity.invoked_by or not endpoint.startswith("vpce-"):
                # Together with invokedBy it is most likely AWS's own endpoint; "AWS Internal" and DNS names surely are.
                return UnknownPath()
            return EndpointPath(endpoint, address if parsed is not None else None)
        if parsed:
            return PublicPath(address)
        # The endpoint of the first call is not carried over to what a service does for the caller.
        return UnknownPath(no_endpoint=self.via_service is True)

    @property
    def long_term(self) -> bool:
        """Whether the call was surely signed with a long-term access key: a user or root without any session."""
        if self.principal.kind not in (PrincipalKind.USER, PrincipalKind.ROOT) or self.session is not None:
            return False
        return not (self.identity.access_key_id or "").startswith("ASIA")


class Target(msgspec.Struct, frozen=True):
    """What is checked in a call: the action as `service:Action`, and one resource."""

    action: str
    service: str
    check: ResourceCheck


def is_identity_center_role(arn: str | None) -> bool:
    """Whether a role ARN (with its path) is one that IAM Identity Center keeps for a permission set."""
    return arn is not None and ":role/aws-reserved/sso.amazonaws.com/" in arn


def decode_object(raw: msgspec.Raw) -> Mapping[str, object]:
    """Raw JSON as an object; empty if it is anything else or broken."""
    text = bytes(raw)
    if text in (b"null", b"{}", b""):
        return {}
    try:
        found = _decode(text)
        found = _decode(found) if isinstance(found, str) else found
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def parse_time(text: str | None) -> datetime | None:
    """An ISO-8601 text as a moment in UTC (without an offset it is taken as UTC); `None` if it is none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_public(text: str) -> bool | None:
    """Whether an address is public; `None` if it is no address (a service name, two addresses, a leading zero)."""
    if not text or not (text[0].isdigit() or ":" in text):
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    number, version = int(address), address.version
    return not any(kind == version and first <= number <= last for kind, first, last in _PRIVATE)
