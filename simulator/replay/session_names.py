"""Names of sessions folded to groups: what differs from run to run gives way to `*`."""

import re
from typing import Final

MAX_NAME: Final = 128
"""Longer than any session name or token subject that a person would recognise; hostile ones are cut here."""

_INSTANCE: Final = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_RUNS: Final = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"  # a UUID
    r"|(?<![0-9A-Za-z])(?=[A-Za-z]*[0-9])[0-9A-Za-z]{16,}(?![0-9A-Za-z])"  # an id of letters and digits
    r"|(?<![0-9A-Za-z])(?=[a-f]*[0-9])[0-9a-f]{7,}(?![0-9A-Za-z])"  # a hash
    r"|[0-9]{2,}|(?<=[-_.:/])[0-9](?![0-9A-Za-z])"  # a number
)


_IDS: Final = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(?<![0-9A-Za-z])[0-9]{20,}(?![0-9A-Za-z])"
)


def is_instance_id(name: str) -> bool:
    """Whether a session is named as EC2 names those of an instance."""
    return _INSTANCE.fullmatch(name) is not None


def group_of(name: str) -> str:
    """The group that a session's name (or a token's subject) belongs to.

    Names of people (e-mail addresses) and of EC2 instances are groups of their own.

    >>> group_of("release-501"), group_of("mira.lindqvist7@ferries.example"), group_of("i-0c0ffee000000bb00")
    ('release-*', 'mira.lindqvist7@ferries.example', 'i-0c0ffee000000bb00')
    >>> group_of("AWSCodeBuild-0f8fad5b-d9cb-469f-a165-70867728950e"), group_of("repo:octo/app:ref:refs/heads/v12")
    ('AWSCodeBuild-*', 'repo:octo/app:ref:refs/heads/v*')
    """
    name = name[:MAX_NAME]
    if "@" in name or is_instance_id(name):
        return name
    return _RUNS.sub("*", name)


def folded_ids(subject: str) -> str:
    """The subject of a token, cut to a bound, with the ids of single users (UUIDs, long numbers) as `*`.

    >>> folded_ids("repo:octo/app-2026:ref:refs/heads/v12")
    'repo:octo/app-2026:ref:refs/heads/v12'
    >>> folded_ids("eu-central-1:0f8fad5b-d9cb-469f-a165-70867728950e")
    'eu-central-1:*'
    """
    return _IDS.sub("*", subject[: 2 * MAX_NAME])
