"""Two wildcard patterns overlap exactly if some text matches both."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.iam.overlap import arn_overlap, overlap

PATTERNS = st.text("ab*?", max_size=4)
# Two patterns of at most four pieces agree on a text of at most eight characters, if they agree at all.
TEXTS = ["".join(text) for length in range(9) for text in product("ab", repeat=length)]


def expression(pattern):
    return re.compile("".join({"*": ".*", "?": "."}.get(character, character) for character in pattern))


@given(PATTERNS, PATTERNS)
def test_overlap_is_a_common_text(first, second):
    one, other = expression(first), expression(second)
    common = any(one.fullmatch(text) and other.fullmatch(text) for text in TEXTS)
    assert overlap(first, second) is common
    assert overlap(second, first) is common


@pytest.mark.parametrize(
    ("pattern", "arn_format", "expected"),
    [
        ("arn:aws:ec2:*:*:instance/*", "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}", True),
        ("arn:aws:ec2:*:*:instance/*", "arn:${Partition}:ec2:${Region}::image/${ImageId}", False),
        ("arn:aws:ec2:*", "arn:${Partition}:ec2:${Region}::image/${ImageId}", True),
        ("arn:aws:ec2:eu-*:111122223333:*", "arn:${Partition}:ec2:${Region}::image/${ImageId}", False),
        ("arn:aws:logs:*:*:log-group:x:*", "arn:${Partition}:logs:${Region}:${Account}:log-group:${Name}", True),
        ("arn:aws:s3:::b/${aws:username}/*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", True),
        ("arn:aws:sqs:*:*:q", "arn:${Partition}:sns:${Region}:${Account}:${TopicName}", False),
    ],
)
def test_arns(pattern, arn_format, expected):
    assert arn_overlap(pattern, arn_format) is expected


def test_many_stars_are_no_trouble():
    assert overlap("*a" * 2000, "*b" * 2000) is False
    assert overlap("*a" * 2000 + "*", "*b" * 2000 + "*") is True
