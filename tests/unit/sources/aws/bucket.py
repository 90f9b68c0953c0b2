"""A made-up trail bucket in moto, filled directly: thousands of objects in a second."""

import gzip
import json
from datetime import date, timedelta

from moto.s3.models import s3_backends

OWNER = "123456789012"
ORGANIZATION = "o-exampleorg1"
ACCOUNTS = tuple(f"11111111000{number}" for number in range(1, 5))
REGIONS = ("eu-central-1", "us-east-1")


def put(bucket, key, data):
    s3_backends[OWNER]["aws"].put_object(bucket, key, data)


def make(bucket):
    s3_backends[OWNER]["aws"].create_bucket(bucket, "eu-central-1")


def record(number, account, region, day, name="DescribeInstances"):
    role = f"arn:aws:iam::{account}:role/app"
    issuer = {"type": "Role", "arn": role, "accountId": account, "principalId": "AROAX", "userName": "app"}
    return {
        "eventVersion": "1.11",
        "eventTime": f"{day:%Y-%m-%d}T10:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "eventID": f"event-{number}",
        "eventType": "AwsApiCall",
        "awsRegion": region,
        "sourceIPAddress": "192.0.2.1",
        "recipientAccountId": account,
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{account}:assumed-role/app/x",
            "accountId": account,
            "principalId": "AROAX:x",
            "sessionContext": {"sessionIssuer": issuer},
        },
        "requestParameters": {},
        "responseElements": None,
    }


def packed(records):
    return gzip.compress(json.dumps({"Records": records}).encode(), mtime=0)


def fill(bucket, days=5, per_day=3, prefix="trails/", first=date(2026, 9, 1), kind="CloudTrail"):
    """Put an organization trail's files there; the keys, in order, with the ids of their events."""
    keys, number = {}, 0
    for account in ACCOUNTS:
        for region in REGIONS:
            for offset in range(days):
                day = first + timedelta(offset)
                folder = f"{prefix}AWSLogs/{ORGANIZATION}/{account}/{kind}/{region}/{day:%Y/%m/%d}/"
                for index in range(per_day):
                    number += 1
                    name = f"{account}_{kind}_{region}_{day:%Y%m%d}T{index:04}Z_x{number:015}.json.gz"
                    put(bucket, folder + name, packed([record(number, account, region, day)]))
                    keys[folder + name] = f"event-{number}"
    return keys
