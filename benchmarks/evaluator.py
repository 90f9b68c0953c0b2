"""Uncached evaluations a second on one core: ten Deny statements that all name the action, two conditions each.

Every request is another object with other values; nothing is remembered from one to the next but the compiled
program. A calibration loop in plain Python is timed in the same run, so that figures of two machines compare.
"""

import json
import time

from simulator.decision.program import Program
from simulator.decision.request import Principal, PrincipalKind, Request
from simulator.iam.catalog import Catalog
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy

_REQUESTS = 20_000
_FULL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def _statements() -> list[dict[str, object]]:
    """Ten statements as guardrails have them; no two share a condition, so that none is asked only once."""
    conditions: list[dict[str, object]] = []
    for number in range(10):
        first, second = [
            (
                {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1", f"eu-west-{number + 2}"]}},
                {"ArnNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::*:role/team-{number}/*"]}},
            ),
            (
                {"StringLike": {"aws:PrincipalArn": [f"arn:aws:iam::*:role/*-{number}", "arn:aws:iam::*:role/none"]}},
                {"Bool": {"aws:ViaAWSService": "false"}},
            ),
            (
                {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24", f"198.51.{number}.0/24"]}},
                {"StringEquals": {"aws:PrincipalTag/zone": f"zone-{number}"}},
            ),
            (
                {"Null": {f"aws:RequestTag/tag-{number}": "true"}},
                {"StringEqualsIfExists": {"aws:PrincipalAccount": [f"11112222333{number}"]}},
            ),
            (
                {"ForAllValues:StringEquals": {"aws:TagKeys": [f"tag-{number}", "owner"]}},
                {"StringNotLike": {"aws:PrincipalArn": [f"*role/ops-{number}*"]}},
            ),
        ][number % 5]
        conditions.append({**first, **second})
    return [
        {
            "Sid": f"S{number}",
            "Effect": "Deny",
            "Action": ["s3:Put*", "s3:GetObject"],
            "Resource": "arn:aws:s3:::*",
            "Condition": condition,
        }
        for number, condition in enumerate(conditions)
    ]


def _requests() -> list[Request]:
    return [
        Request(
            Principal(PrincipalKind.ROLE, f"arn:aws:iam::111122223333:role/team-{n % 7}/app-{n}", "111122223333"),
            "s3:GetObject",
            f"arn:aws:s3:::bucket-{n % 50}/key-{n}",
            "111122223333",
            {
                "aws:principalarn": f"arn:aws:iam::111122223333:role/team-{n % 7}/app-{n}",
                "aws:principalaccount": "111122223333",
                "aws:requestedregion": "eu-west-1",
                "aws:sourceip": f"203.0.113.{n % 250}",
                "aws:viaawsservice": "false",
                "aws:principaltag/zone": f"zone-{n % 13 + 20}",
                "aws:requesttag/owner": "x",
                **{f"aws:requesttag/tag-{tag}": "y" for tag in range(10)},
                "aws:tagkeys": ("owner", f"tag-{n % 5 + 20}"),
            },
        )
        for n in range(_REQUESTS)
    ]


def _calibration() -> float:
    """Seconds for a million steps of a plain loop."""
    begin = time.process_time()
    total = 0
    table = {str(n): n for n in range(64)}
    for n in range(1_000_000):
        total += table["7"] + n
    return time.process_time() - begin


def main() -> None:
    """Print the figures."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": _statements()})
    full = parse_policy(json.dumps(_FULL))
    program = Program(PolicyType.SCP, ((full,), (full, parse_policy(policy))), Catalog())
    requests = _requests()
    program.evaluate(requests[0])
    best = 0.0
    for _ in range(5):
        begin = time.process_time()
        for request in requests:
            program.evaluate(request)
        best = max(best, _REQUESTS / (time.process_time() - begin))
    print(f"uncached evaluations a second, one core: {best:,.0f}")
    calibration = min(_calibration() for _ in range(5))
    print(f"calibration: a million steps of a plain loop take {calibration:.3f} s")
    print(f"one evaluation costs as much as {1_000_000 / best / calibration:.0f} steps of that loop")


if __name__ == "__main__":
    main()
