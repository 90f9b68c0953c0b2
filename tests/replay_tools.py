"""Logs in memory for the replay's tests: batches, and CloudTrail records written short."""

import hashlib
import json
from dataclasses import dataclass

from simulator.replay.impact import Sightings, Smallest
from simulator.replay.timeline import Timeline


@dataclass(frozen=True)
class Memory:
    """A log file that never was on disk: JSON texts of records. See `simulator.replay.batch.Batch`."""

    texts: tuple
    name: str = "memory.jsonl"
    log_account: str | None = None
    log_organization: str | None = None

    def __init__(self, texts, name="memory.jsonl", log_account=None, log_organization=None):
        lines = tuple(each if isinstance(each, str) else json.dumps(each) for each in texts)
        for field, value in (
            ("texts", lines),
            ("name", name),
            ("log_account", log_account),
            ("log_organization", log_organization),
        ):
            object.__setattr__(self, field, value)

    @property
    def size(self):
        return sum(map(len, self.texts))

    def chunks(self):
        """One record a line."""
        yield "".join(text + "\n" for text in self.texts).encode()


def role(account, name, session="session", **identity):
    """The `userIdentity` of a role's session; `name` may hold a path."""
    issuer = {
        "type": "Role",
        "principalId": "AROAEXAMPLE",
        "arn": f"arn:aws:iam::{account}:role/{name}",
        "accountId": account,
        "userName": name.rpartition("/")[2],
    }
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{issuer['userName']}/{session}",
        "accountId": account,
        "accessKeyId": f"ASIA{account}",
        "sessionContext": {
            "sessionIssuer": issuer,
            "attributes": {"creationDate": "2026-09-01T09:00:00Z", "mfaAuthenticated": "false"},
        },
        **identity,
    }


def user(account, name):
    """The `userIdentity` of an IAM user with a long-term key."""
    return {
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLE",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": "AKIAEXAMPLE",
        "userName": name.rpartition("/")[2],
    }


def root(account, key=None, **context):
    """The `userIdentity` of an account's root user; a long-term key unless `key` is given."""
    identity = {
        "type": "Root",
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": key or "AKIAROOTEXAMPLE",
    }
    if key is not None:
        identity["sessionContext"] = {
            "attributes": {"creationDate": "2026-09-01T09:00:00Z", "mfaAuthenticated": "true"},
            **context,
        }
    return identity


def service(name):
    """The `userIdentity` of an AWS service acting as itself."""
    return {"type": "AWSService", "invokedBy": name}


def stranger(account):
    """How the owner's copy of a call shows a caller from another account."""
    return {"type": "AWSAccount", "principalId": "AROAOTHER:session", "accountId": account}


ANONYMOUS = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}


def record(source, name, identity, *, region="eu-central-1", parameters=None, recipient=None, **more):
    """One CloudTrail record, as a succeeded management call of the identity's account; `more` are further members.

    Its `eventID` is made from what it says, unless `more` gives one: equal records are copies of one another.
    """
    value = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": "2026-09-01T10:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2",
        "requestParameters": parameters,
        "responseElements": None,
        "requestID": "request",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": recipient or identity.get("accountId"),
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
        **more,
    }
    text = json.dumps(value, sort_keys=True)
    return {"eventID": hashlib.sha256(text.encode()).hexdigest()[:32], **value}


def kept(samples):
    """What a `Smallest` holds, comparable."""
    return samples.items(), samples.truncated


def contents(impact, *left_out):
    """Everything an `Impact` (or other fold of a log) holds, comparable; `left_out` are members that do not matter."""

    def value(each):
        if isinstance(each, Smallest):
            return kept(each)
        if isinstance(each, Sightings | Timeline):
            names = (name for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ()))
            return {name: value(getattr(each, name)) for name in names}
        if isinstance(each, dict):
            return {key: value(one) for key, one in each.items() if one != 0}
        return each

    return {name: value(each) for name, each in vars(impact).items() if name not in left_out}
