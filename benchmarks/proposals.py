"""The benchmark's proposals: folders with `scp/*.json` and `rcp/*.json`, all attached at the root.

Each proposal exists with 10 and with 200 statements. The statements of the larger one are variations of the ten: the
same kinds of conditions on the same services, for other teams, paths, addresses and resources.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.world import ORGANIZATION

Json = dict[str, Any]

PROPOSALS: Final[dict[str, str]] = {
    "plain-10": "10 statements: principal, region, action",
    "plain-200": "200 statements: principal, region, action",
    "rich-10": "10 with RCPs: resource, address, tags, TLS",
    "rich-200": "200 with RCPs: resource, address, tags, TLS",
    "most-denied": "an SCP that denies most records",
}

_POLICY: Final = {"SCP": (10_240, 9), "RCP": (5_120, 4)}
"""Characters of a policy and policies of a node beside the full-access one (AWS Organizations User Guide,
orgs_reference_limits)."""

_PLATFORM: Final = "arn:aws:iam::*:role/platform/*"
_LINKED: Final = "arn:aws:iam::*:role/aws-service-role/*"


def write_proposals(folder: Path) -> dict[str, Path]:
    """Write all proposals below `folder`; their paths by name."""
    made: dict[str, tuple[list[Json], list[Json]]] = {
        "plain-10": (_plain(1), []),
        "plain-200": (_plain(20), []),
        "rich-10": (_rich_scp(1), _rich_rcp(1)),
        "rich-200": (_rich_scp(20), _rich_rcp(20)),
        "most-denied": (_most_denied(), []),
    }
    for name, (scps, rcps) in made.items():
        for kind, statements in (("SCP", scps), ("RCP", rcps)):
            place = folder / name / kind.lower()
            place.mkdir(parents=True, exist_ok=True)
            for number, text in enumerate(_policies(kind, statements)):
                (place / f"bench-{number}.json").write_text(text)
    return {name: folder / name for name in PROPOSALS}


@cache
def policies(proposal: Path, kind: str) -> tuple[Json, ...]:
    """The policies of one kind (`scp` or `rcp`) of a proposal, in the order of their files."""
    return tuple(json.loads(path.read_text()) for path in sorted((proposal / kind).glob("*.json")))


def _policies(kind: str, found: list[Json]) -> Iterator[str]:
    """The statements in as few policies as their sizes allow."""
    limit, count = _POLICY[kind]
    size = 0
    texts: list[list[Json]] = [[]] if found else []
    for statement in found:
        length = len(json.dumps(statement, separators=(",", ":"))) + 1
        if size + length > limit - 60:
            texts.append([])
            size = 0
        texts[-1].append(statement)
        size += length
    if len(texts) > count:
        raise ValueError(f"{len(texts)} policies do not fit at one node")
    for each in texts:
        yield json.dumps({"Version": "2012-10-17", "Statement": each}, separators=(",", ":"))


def _varied(makers: tuple[Callable[[int], Json], ...], variations: int, **common: str) -> list[Json]:
    """The statements of all makers, for each number once; they come one maker after the other, numbered."""
    return [
        {"Sid": f"S{place}n{number}", "Effect": "Deny", **common, **maker(number)}
        for number in range(variations)
        for place, maker in enumerate(makers)
    ]


# Principal, region, action


def _plain(variations: int) -> list[Json]:
    return _varied(
        (
            lambda n: {
                "NotAction": ["iam:*", "sts:*", "organizations:*", "support:*", f"route53:{'*' * (n == 0) or 'Get*'}"],
                "Resource": "*",
                "Condition": {
                    "StringNotEquals": {
                        "aws:RequestedRegion": ["eu-central-1", "eu-west-1", "us-east-1", *_some(n, "ap-southeast-2")]
                    },
                    "ArnNotLike": {"aws:PrincipalArn": [_PLATFORM, f"arn:aws:iam::*:role/exempt-{n}/*"]},
                },
            },
            lambda n: {
                "Action": ["iam:Create*", "iam:Delete*", "iam:Put*"],
                "Resource": "*",
                "Condition": _unless(_team(n + 1), _PLATFORM if n else "arn:aws:iam::*:role/platform/deploy-0"),
            },
            lambda n: {
                "Action": ["ec2:RunInstances", f"ec2:Create{'*' if n == 0 else 'Fleet'}"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"aws:RequestedRegion": "eu-west-1" if n == 0 else f"eu-south-{n}"},
                    "ArnNotLike": {"aws:PrincipalArn": [_LINKED, _team(n)]},
                },
            },
            lambda n: {
                "Action": ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:Put*", "kms:Decrypt"][: 3 + n % 2],
                "Resource": "*",
                "Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/contractor-{n}/*"}},
            },
            lambda n: {
                "Action": ["s3:DeleteBucket*", "s3:PutBucketPolicy", "s3:PutBucketAcl"],
                "Resource": "*",
                "Condition": _unless(f"arn:aws:iam::*:role/storage-{n}/*", *([_PLATFORM] if n else [])),
            },
            lambda n: {
                "Action": "secretsmanager:*",
                "Resource": "*",
                "Condition": {"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::*:role/batch-{n}", _team(n + 40)]}},
            },
            lambda n: {
                "Action": ["dynamodb:Scan", "dynamodb:Delete*"] if n == 0 else ["dynamodb:*", "dax:*"],
                "Resource": "*",
                "Condition": {"StringLike": {"aws:PrincipalArn": f"*role/{'batch-*' if n == 0 else f'lab-{n}-*'}"}},
            },
            lambda n: {
                "Action": ["lambda:Update*", "lambda:Create*", "lambda:Invoke*"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"aws:RequestedRegion": [f"sa-east-{n + 1}", *_some(n == 0, "us-east-1")]},
                    "ArnNotLike": {"aws:PrincipalArn": [_team(0), _team(n)]},
                },
            },
            lambda n: {
                "Action": ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "guardduty:Delete*", "config:Delete*"],
                "Resource": "*",
                "Condition": _unless(_PLATFORM, f"arn:aws:iam::*:role/watch-{n}/*"),
            },
            lambda n: {
                "Action": ["sqs:*", "sns:*", "s3:*"],
                "Resource": "*",
                "Condition": {
                    "StringLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/team-{n}/app-{n + 4}"},
                    "StringEquals": {"aws:PrincipalAccount": [f"1000000000{n:02d}", f"1000000000{n + 20:02d}"]},
                },
            },
        ),
        variations,
    )


# Resource, address, tags, TLS


def _rich_scp(variations: int) -> list[Json]:
    return _varied(
        (
            lambda n: {
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::bench-{'*' if n == 0 else f'{n:02d}'}-restricted/*",
                "Condition": {"StringNotEquals": {"aws:PrincipalTag/clearance": "high"}},
            },
            lambda n: {
                "Action": ["s3:*", "dynamodb:*"],
                "Resource": "*" if n == 0 else [f"arn:aws:s3:::archive-{n}/*", f"arn:aws:dynamodb:*:*:table/vault-{n}"],
                "Condition": {
                    "NotIpAddress": {"aws:SourceIp": ["198.18.0.0/15", "2001:db8::/33", f"203.0.113.{n * 8}/29"]},
                    "Bool": {"aws:ViaAWSService": "false"},
                    "Null": {"aws:SourceVpce": "true"},
                    "ArnNotLike": {"aws:PrincipalArn": [_PLATFORM, _LINKED]},
                },
            },
            lambda n: {
                "Action": ["ec2:RunInstances", "ec2:CreateVolume"],
                "Resource": ["arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*"],
                "Condition": {"Null": {f"aws:RequestTag/{'owner' if n == 0 else f'cost-{n}'}": "true"}}
                | ({"StringEquals": {"aws:PrincipalTag/team": f"team-{n}"}} if n else {}),
            },
            lambda n: {
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": f"arn:aws:kms:{'*' if n == 0 else f'eu-west-{n}'}:*:key/*",
                "Condition": {
                    "StringEquals": {"aws:ResourceTag/tier": "restricted" if n == 0 else f"tier-{n}"},
                    "StringNotEqualsIfExists": {"aws:PrincipalTag/clearance": "high"},
                },
            },
            lambda n: {
                "Action": "secretsmanager:GetSecretValue",
                "Resource": f"arn:aws:secretsmanager:*:*:secret:{'prod' if n == 0 else f'stage-{n}'}/*",
                "Condition": {
                    "ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/team-*/*", _PLATFORM]},
                    "NotIpAddressIfExists": {"aws:SourceIp": [f"198.18.{n}.0/24", "10.0.0.0/8"]},
                },
            },
            lambda n: {
                "Action": ["dynamodb:*Item", "dynamodb:Query"],
                "Resource": f"arn:aws:dynamodb:*:*:table/ledger-{'*' if n == 0 else n + 4}",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ),
        variations,
    )


def _rich_rcp(variations: int) -> list[Json]:
    return _varied(
        (
            lambda n: {
                "Action": ["s3:*", "sqs:*", "kms:*", "secretsmanager:*", "sts:AssumeRole"] if n == 0 else ["s3:*"],
                "Resource": "*" if n == 0 else f"arn:aws:s3:::shared-{n}*",
                "Condition": {
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            },
            lambda n: {
                "Action": ["s3:*", "sqs:*"],
                "Resource": "*" if n == 0 else f"arn:aws:sqs:*:*:old-{n}",
                "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}},
            },
            lambda n: {
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::bench-{n:02d}-restricted/*",
                "Condition": {
                    "NotIpAddressIfExists": {"aws:SourceIp": [f"198.18.{n}.0/24", "198.19.0.0/16"]},
                    "BoolIfExists": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"},
                },
            },
            lambda n: {
                "Action": ["kms:Decrypt"],
                "Resource": f"arn:aws:kms:{'eu-central-1' if n == 0 else f'eu-north-{n}'}:*:key/*",
                "Condition": {
                    "StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"},
                    "Null": {"aws:ResourceTag/team": "false"},
                    "StringEquals": {"aws:ResourceTag/tier": "restricted"},
                },
            },
        ),
        variations,
        Principal="*",
    )


def _most_denied() -> list[Json]:
    return [
        {
            "Sid": "AlmostAll",
            "Effect": "Deny",
            "NotAction": ["iam:*", "organizations:*"],
            "Resource": "*",
            "Condition": _unless(_PLATFORM, "arn:aws:iam::*:role/security/*"),
        }
    ]


def _unless(*arns: str) -> Json:
    return {"ArnNotLike": {"aws:PrincipalArn": list(arns)}}


def _team(number: int) -> str:
    return f"arn:aws:iam::*:role/team-{number}/*"


def _some(wanted: object, *texts: str) -> tuple[str, ...]:
    return texts if wanted else ()
