"""Names of sessions fold to groups, and hostile ones cost no more than others."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.replay.session_names import folded_ids, group_of, is_instance_id


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("release-501", "release-*"),
        ("release-5", "release-*"),
        ("s3-sync", "s3-sync"),
        ("invoice-mailer", "invoice-mailer"),
        ("mira7.lindqvist22@ferries.example", "mira7.lindqvist22@ferries.example"),
        ("i-0c0ffee000000bb00", "i-0c0ffee000000bb00"),
        ("i-12345678", "i-12345678"),
        ("AWSCodeBuild-0f8fad5b-d9cb-469f-a165-70867728950e", "AWSCodeBuild-*"),
        ("botocore-session-1786012345", "botocore-session-*"),
        ("24fa78f16e73282057938c6db9660fdc", "*"),
        ("abcdefghijklmnopqrst", "abcdefghijklmnopqrst"),
        ("", ""),
    ],
)
def test_groups(name, group):
    assert group_of(name) == group


@pytest.mark.parametrize(
    ("subject", "folded"),
    [
        ("repo:octo/app-2026:ref:refs/heads/v12", "repo:octo/app-2026:ref:refs/heads/v12"),
        ("system:serviceaccount:team2:web", "system:serviceaccount:team2:web"),
        ("eu-central-1:0f8fad5b-d9cb-469f-a165-70867728950e", "eu-central-1:*"),
        ("108899776655443322110", "*"),
    ],
)
def test_subjects_keep_all_but_ids_of_users(subject, folded):
    assert folded_ids(subject) == folded


@given(st.text(max_size=300))
def test_a_group_is_its_own_group(name):
    assert group_of(group_of(name)) == group_of(name)
    assert len(group_of(name)) <= 128


def test_ids_of_instances():
    assert is_instance_id("i-0c0ffee000000bb00")
    assert not is_instance_id("i-0c0ffee000000bb00\n")
    assert not is_instance_id("i-XYZ")


def test_hostile_names_take_linear_time():
    start = time.perf_counter()
    for name in ("a" * 10**6, "1a" * 10**6, "-" * 10**6, "0f8fad5b-" * 10**5):
        group_of(name)
        folded_ids(name)
    assert time.perf_counter() - start < 1
