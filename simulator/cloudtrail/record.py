"""One CloudTrail record as typed, immutable data; only what the simulator can use is decoded.

Source of the fields: AWS CloudTrail User Guide, cloudtrail-event-reference-record-contents and
cloudtrail-event-reference-user-identity. Everything is optional: real logs leave out anything.
`requestParameters`, `responseElements` and `additionalEventData` stay raw until a mapping asks for them.
"""

from typing import Any, Final

import msgspec

NO_JSON: Final = msgspec.Raw(b"null")


class SessionIssuer(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Who issued the temporary credentials: for a role session `arn` is the role's ARN with its path."""

    type: str | None = None
    principal_id: str | None = None
    arn: str | None = None
    account_id: str | None = None
    user_name: str | None = None


class SessionAttributes(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """`mfaAuthenticated` is a string in most records, rarely a boolean."""

    mfa_authenticated: str | bool | None = None
    creation_date: str | None = None


class SessionContext(msgspec.Struct, frozen=True, rename="camel"):
    """Facts of a session that its temporary credentials carry."""

    session_issuer: SessionIssuer | None = None
    attributes: SessionAttributes | None = None
    web_id_federation_data: Any = None
    source_identity: str | None = None
    ec2_role_delivery: str | None = None
    assumed_root: str | bool | None = None
    sign_in_session_arn: str | None = None


class UserIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """The caller as CloudTrail writes it."""

    type: str | None = None
    principal_id: str | None = None
    arn: str | None = None
    account_id: str | None = None
    access_key_id: str | None = None
    user_name: str | None = None
    invoked_by: str | None = None
    identity_provider: str | None = None
    session_context: SessionContext | None = None
    in_scope_of: Any = None
    on_behalf_of: Any = None
    invoked_by_delegate: Any = None


class TlsDetails(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """`tlsDetails`; its presence proves TLS, its absence proves nothing."""

    tls_version: str | None = None
    cipher_suite: str | None = None
    client_provided_host_header: str | None = None


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """One CloudTrail record. Times are ISO-8601 texts as written (`2026-09-30T12:00:00Z`)."""

    event_version: str | None = None
    event_time: str | None = None
    event_source: str | None = None
    event_name: str | None = None
    event_id: str | None = msgspec.field(default=None, name="eventID")
    event_type: str | None = None
    event_category: str | None = None
    aws_region: str | None = None
    source_ip_address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    recipient_account_id: str | None = None
    shared_event_id: str | None = msgspec.field(default=None, name="sharedEventID")
    vpc_endpoint_id: str | None = None
    vpc_endpoint_account_id: str | None = None
    session_credential_from_console: str | bool | None = None
    tls_details: TlsDetails | None = None
    user_identity: UserIdentity | None = None
    request_parameters: msgspec.Raw = NO_JSON
    response_elements: msgspec.Raw = NO_JSON
    additional_event_data: msgspec.Raw = NO_JSON
    resources: msgspec.Raw = NO_JSON
    event_context: msgspec.Raw = NO_JSON
