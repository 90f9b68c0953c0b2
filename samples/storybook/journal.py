"""The journal of the made-up months: records, the copies of them, and what a correct replay says about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from storybook.calls import Call, resource
from storybook.identities import AGENT_CLI, Caller, role_session, session_arn, unique_id
from storybook.world import FRANKFURT, OFFICE, OUR_ACCOUNTS, Json, digest, expiration, iso, letters

Outcome = Literal[
    "newly_denied",
    "possibly_newly_denied",
    "newly_allowed",
    "already_denied",
    "exempt",
    "unchanged",
    "unmapped",
    "skipped",
]

_EVENT_VERSIONS = {
    "s3": "1.11",
    "kms": "1.11",
    "ec2": "1.11",
    "iam": "1.11",
    "lambda": "1.10",
    "sqs": "1.09",
    "sts": "1.08",
}
_CIPHERS: dict[str | None, str] = {"TLSv1.3": "TLS_AES_128_GCM_SHA256", "TLSv1.2": "ECDHE-RSA-AES128-GCM-SHA256"}
_WITHOUT_REGION_IN_HOST = {"iam", "organizations", "cloudfront", "route53"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record on its way to the file of an account, a region and a day."""

    account: str
    region: str
    day: str
    record: Json
    folder: str = "CloudTrail"
    late: bool = False
    """Arrives in a second file of the same day, as repeated deliveries do."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The outcome that the proposal must have for one call, with the statements (Sid) behind it and the open keys."""

    story: str
    event_ids: tuple[str, ...]
    outcome: Outcome
    by: tuple[str, ...]
    unknown: tuple[str, ...]
    why: str


@dataclass(slots=True)
class Journal:
    """Everything that was logged, in the order in which it was told."""

    deliveries: list[Delivery] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)


@dataclass(slots=True)
class Story:
    """A named thread of events; its ids depend on its name and on the number of ids drawn, on nothing else."""

    name: str
    journal: Journal
    drawn: int = 0

    # --- ids ------------------------------------------------------------------------------------------------------

    def _draw(self) -> str:
        self.drawn += 1
        return digest("story", self.name, str(self.drawn))

    def uuid(self) -> str:
        """A random-looking UUID of version 4."""
        text = self._draw()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"

    def access_key(self) -> str:
        """The id of a temporary access key, marked as an example as AWS's own documentation does."""
        return f"ASIA{letters(9, self._draw())}EXAMPLE"

    def _request_id(self, source: str) -> str:
        if source == "s3":
            return letters(16, self._draw())
        return letters(52, self._draw()) if source == "dynamodb" else self.uuid()

    # --- records --------------------------------------------------------------------------------------------------

    def record(
        self,
        caller: Caller,
        when: datetime,
        call: Call,
        *,
        recipient: str,
        identity: Json | None = None,
        error: tuple[str, str] | None = None,
        tls: str | None = "TLSv1.3",
        event_type: str = "AwsApiCall",
        shared: str | None = None,
        extra: Json | None = None,
    ) -> Json:
        """One CloudTrail record with the fields in CloudTrail's order."""
        source = call.source if "." in call.source else f"{call.source}.amazonaws.com"
        record: Json = {
            "eventVersion": _EVENT_VERSIONS.get(call.source, "1.11"),
            "userIdentity": caller.identity if identity is None else identity,
            "eventTime": iso(when),
            "eventSource": source,
            "eventName": call.name,
            "awsRegion": call.region,
            "sourceIPAddress": caller.address,
            "userAgent": f"[{caller.agent}]" if call.source == "s3" and caller.address[0].isdigit() else caller.agent,
        }
        if error is not None:
            record["errorCode"], record["errorMessage"] = error
        record["requestParameters"] = call.parameters
        record["responseElements"] = None if error is not None else call.response
        if call.additional:
            record["additionalEventData"] = {
                name: _CIPHERS[tls] if name == "CipherSuite" else value
                for name, value in call.additional.items()
                if name != "CipherSuite" or tls is not None
            }
            if error is not None and "bytesTransferredOut" in call.additional:
                record["additionalEventData"]["bytesTransferredOut"] = len(error[1])
        record["requestID"] = self._request_id(call.source)
        record["eventID"] = self.uuid()
        record["readOnly"] = call.read_only
        if call.resources:
            record["resources"] = list(call.resources)
        record["eventType"] = event_type
        record["managementEvent"] = call.category == "Management"
        record["recipientAccountId"] = recipient
        if shared is not None:
            record["sharedEventID"] = shared
        if caller.endpoint is not None:
            record["vpcEndpointId"] = caller.endpoint
        record["eventCategory"] = call.category
        if tls is not None and not caller.address.endswith(".amazonaws.com") and caller.address != "AWS Internal":
            region_part = "" if call.source in _WITHOUT_REGION_IN_HOST else f".{call.region}"
            record["tlsDetails"] = {
                "tlsVersion": tls,
                "cipherSuite": _CIPHERS[tls],
                "clientProvidedHostHeader": call.host or f"{call.source}{region_part}.amazonaws.com",
            }
        record.update(extra or {})
        return record

    def deliver(
        self, record: Json, *, folder: str = "CloudTrail", late: bool = False, account: str | None = None
    ) -> None:
        """Put a record into the log of its recipient."""
        where = account or record["recipientAccountId"]
        self.journal.deliveries.append(
            Delivery(where, record["awsRegion"], record["eventTime"][:10], record, folder, late)
        )

    def log(
        self,
        caller: Caller,
        when: datetime,
        call: Call,
        outcome: Outcome | None = None,
        by: str | Sequence[str] = (),
        *,
        why: str = "",
        unknown: Sequence[str] = (),
        error: tuple[str, str] | None = None,
        tls: str | None = "TLSv1.3",
        event_type: str = "AwsApiCall",
        extra: Json | None = None,
        request_id: str | None = None,
    ) -> Json:
        """A call as it reaches our log: one record, or two with a common ``sharedEventID`` if it crosses our accounts.

        The copy of the resource's owner shows a foreign caller without ARN; where the caller's account is not ours,
        that copy is all we get. Returns the caller's record, or else the owner's.
        """
        owner = call.owner or caller.account
        sides = [caller.account or owner]
        if owner != sides[0]:
            sides.append(owner)
        ours = [account for account in sides if account in OUR_ACCOUNTS]
        shared = self.uuid() if len(sides) > 1 else None
        records: list[Json] = []
        for account in ours:
            identity = None if account == sides[0] else caller.seen_by_owner()
            record = self.record(
                caller,
                when,
                call,
                recipient=account,
                identity=identity,
                error=error,
                tls=tls,
                event_type=event_type,
                shared=shared,
                extra=extra,
            )
            if records or request_id:
                record["requestID"] = request_id or records[0]["requestID"]
            records.append(record)
            self.deliver(record)
        if outcome is not None:
            self.expect(records, outcome, by, why=why, unknown=unknown)
        return records[0]

    def expect(
        self,
        records: Sequence[Json],
        outcome: Outcome,
        by: str | Sequence[str] = (),
        *,
        why: str = "",
        unknown: Sequence[str] = (),
    ) -> None:
        """Write down what a correct replay says about the call behind these records (all copies of one call)."""
        sids = (by,) if isinstance(by, str) else tuple(by)
        ids = tuple(record["eventID"] for record in records)
        self.journal.expectations.append(Expectation(self.name, ids, outcome, sids, tuple(unknown), why))

    # --- sessions -------------------------------------------------------------------------------------------------

    def session(
        self,
        role: str,
        name: str,
        started: datetime,
        *,
        address: str = OFFICE,
        agent: str = AGENT_CLI,
        endpoint: str | None = None,
        mfa: bool = False,
        ec2_delivery: str | None = None,
    ) -> Caller:
        """A session of a role whose beginning the log does not tell."""
        return role_session(
            role,
            name,
            started,
            self.access_key(),
            address=address,
            agent=agent,
            endpoint=endpoint,
            mfa=mfa,
            ec2_delivery=ec2_delivery,
        )

    def _credentials(self, role: str, session: str, when: datetime) -> tuple[str, Json]:
        key = self.access_key()
        response = {
            "credentials": {"accessKeyId": key, "sessionToken": "EXAMPLE-NOT-A-TOKEN", "expiration": expiration(when)},
            "assumedRoleUser": {
                "assumedRoleId": f"{unique_id('AROA', role)}:{session}",
                "arn": session_arn(role, session),
            },
        }
        return key, response

    def assume_role(
        self,
        caller: Caller,
        when: datetime,
        role: str,
        session: str,
        *,
        outcome: Outcome | None = None,
        by: str = "",
        why: str = "",
        tags: Json | None = None,
        source_identity: str | None = None,
        external_id: str | None = None,
        address: str | None = None,
        agent: str | None = None,
        endpoint: str | None = None,
        in_scope_of: Json | None = None,
        ec2_delivery: str | None = None,
    ) -> Caller:
        """AssumeRole, and the session that comes of it, which works from the caller's network unless told otherwise."""
        account = role.split(":")[4]
        key, response = self._credentials(role, session, when)
        parameters: Json = {"roleArn": role, "roleSessionName": session, "durationSeconds": 3600}
        if external_id is not None:
            parameters["externalId"] = external_id
        if tags is not None:
            parameters["tags"] = [{"key": name, "value": value} for name, value in tags.items()]
        if source_identity is not None:
            parameters["sourceIdentity"] = source_identity
            response["sourceIdentity"] = source_identity
        target = (resource(role, "AWS::IAM::Role", account),)
        call = Call("sts", "AssumeRole", FRANKFURT, parameters, target, account, response=response)
        self.log(caller, when, call, outcome, by or (), why=why)
        return role_session(
            role,
            session,
            when + timedelta(seconds=1),
            key,
            address=address or caller.address,
            agent=agent or caller.agent,
            endpoint=endpoint,
            source_identity=source_identity,
            in_scope_of=in_scope_of,
            ec2_delivery=ec2_delivery,
        )

    def sign_in(
        self,
        person: Caller,
        when: datetime,
        role: str,
        *,
        outcome: Outcome | None = None,
        by: str = "",
        why: str = "",
        on_behalf_of: Json | None = None,
    ) -> Caller:
        """AssumeRoleWithSAML as Identity Center does it for a person; the session is named after them."""
        account = role.split(":")[4]
        name = person.identity["userName"]
        key, response = self._credentials(role, name, when)
        provider = f"arn:aws:iam::{account}:saml-provider/AWSSSO_{digest('saml', account)[:16]}_DO_NOT_DELETE"
        parameters = {
            "sAMLAssertionID": f"_{self.uuid()}",
            "roleSessionName": name,
            "durationSeconds": 3600,
            "roleArn": role,
            "principalArn": provider,
        }
        response |= {"subjectType": "persistent", "issuer": "https://portal.sso.example/saml", "subject": name}
        target = (resource(role, "AWS::IAM::Role", account), resource(provider, "AWS::IAM::SAMLProvider", account))
        call = Call("sts", "AssumeRoleWithSAML", FRANKFURT, parameters, target, account, response=response)
        self.log(person, when, call, outcome, by or (), why=why)
        return role_session(
            role,
            name,
            when + timedelta(seconds=1),
            key,
            address=person.address,
            agent=person.agent,
            on_behalf_of=on_behalf_of,
        )

    def exchange_token(
        self,
        holder: Caller,
        when: datetime,
        role: str,
        session: str,
        *,
        outcome: Outcome | None = None,
        by: str = "",
        why: str = "",
    ) -> Caller:
        """AssumeRoleWithWebIdentity, and the session that comes of it."""
        account = role.split(":")[4]
        key, response = self._credentials(role, session, when)
        provider = holder.identity["identityProvider"]
        response |= {
            "subjectFromWebIdentityToken": holder.identity["userName"],
            "provider": provider,
            "audience": "sts.amazonaws.com",
        }
        parameters = {"roleArn": role, "roleSessionName": session, "durationSeconds": 3600}
        target = (resource(role, "AWS::IAM::Role", account),)
        call = Call("sts", "AssumeRoleWithWebIdentity", FRANKFURT, parameters, target, account, response=response)
        self.log(holder, when, call, outcome, by or (), why=why)
        web_identity: Json = {"federatedProvider": provider, "attributes": {}}
        return role_session(
            role,
            session,
            when + timedelta(seconds=1),
            key,
            address=holder.address,
            agent=holder.agent,
            web_identity=web_identity,
        )
