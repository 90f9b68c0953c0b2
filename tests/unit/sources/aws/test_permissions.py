"""The least-privilege policies under docs/iam are policies, name real actions, and allow what the commands call.

The tests of each command hold its calls against its policies (`POLICIES` in their modules, checked by the `proxy`
fixture); here it is what single commands need, and that nothing is allowed that no command needs.
"""

import pytest

from simulator.iam.catalog import Catalog
from simulator.sources.aws.session import read_only_operations
from tests.e2e.command import call
from tests.unit.sources.aws.permissions import FOLDER, allowed, needed

NOT_CALLED = {"kms:Decrypt"}
"""AWS asks for it where S3 decrypts for us; there is no call for it."""


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_policy_names_actions_that_only_read(name):
    every = {
        action
        for operations in read_only_operations().values()
        for actions in operations.values()
        for action in actions
    }
    catalog = Catalog()
    for action in allowed(name):
        assert catalog.action(action) is not None
    assert allowed(name) <= every | NOT_CALLED


def test_a_snapshot_calls_just_what_its_policy_allows(proxy, ids, tmp_path):
    assert call("snapshot", "-o", tmp_path / "organization.json").returncode == 0
    assert needed(proxy.operations) == allowed("snapshot.json")


def test_tags_need_just_what_their_policies_allow(proxy, ids, tmp_path):
    call("snapshot", "-o", tmp_path / "o.json", "--tags", "--role-name", "OrganizationAccountAccessRole")
    own = {(each.service, each.operation) for each in proxy.calls if each.key_id.startswith("AKIA")}
    assert needed(own) == allowed("snapshot.json", "snapshot-tags.json")
    assert needed(
        {(each.service, each.operation) for each in proxy.calls if each.key_id.startswith("ASIA")}
    ) == allowed("snapshot-tags-member.json")
