"""The benchmark's proposals are ones that AWS would accept, of the sizes they claim."""

import json

from benchmarks.proposals import PROPOSALS, policies, write_proposals
from benchmarks.world import ACCOUNTS, snapshot
from simulator.organization.proposal import apply
from simulator.organization.snapshot import parse_organization
from simulator.policy.document import PolicyType
from simulator.sources.proposals import read_proposal


def test_every_proposal_has_its_number_of_statements_and_applies(tmp_path):
    organization = parse_organization(json.dumps(snapshot()), "organization.json")
    assert len(organization.accounts) == len(ACCOUNTS) + 1
    made = write_proposals(tmp_path)
    assert made.keys() == PROPOSALS.keys()
    for name, folder in made.items():
        counts = {kind: sum(len(each["Statement"]) for each in policies(folder, kind)) for kind in ("scp", "rcp")}
        wanted = int(name.partition("-")[2]) if name != "most-denied" else 1
        assert sum(counts.values()) == wanted
        assert bool(counts["rcp"]) == name.startswith("rich")
        proposed = apply(read_proposal(folder, None, ()), organization)
        root = proposed.chain(ACCOUNTS[0])[0]
        assert len(root.attached(PolicyType.SCP)) == 1 + len(policies(folder, "scp"))
        assert len(root.attached(PolicyType.RCP)) == 1 + len(policies(folder, "rcp"))


def test_statements_of_a_proposal_differ(tmp_path):
    for name, folder in write_proposals(tmp_path).items():
        texts = [
            json.dumps({key: value for key, value in statement.items() if key != "Sid"}, sort_keys=True)
            for kind in ("scp", "rcp")
            for policy in policies(folder, kind)
            for statement in policy["Statement"]
        ]
        assert len(set(texts)) == len(texts), name
