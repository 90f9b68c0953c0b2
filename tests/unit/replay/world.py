"""A small organization and a replay of a few records against it: what most tests of the replay need.

Root
├── management  999999999999
├── Work                      ou-test-work
│   └── Prod                  ou-test-prod
│       ├── app     111111111111
│       └── data    222222222222
├── Labs                      ou-test-labs
│   └── lab     333333333333
└── Empty                     ou-test-empt   (no account)
"""

import json
from dataclasses import dataclass, field

from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.iam.catalog import Catalog
from simulator.organization.snapshot import parse_organization
from simulator.organization.tree import without_snapshot
from simulator.replay.outcome import Outcome
from simulator.replay.reading import Selection
from simulator.replay.replayer import Question, Replayer
from tests.replay_tools import Memory

OURS = "o-testorg0001"
APP, DATA, LAB, MANAGEMENT = "111111111111", "222222222222", "333333333333", "999999999999"
FOREIGN = "888888888888"
NEW = "444444444444"
"""An account that is not in the snapshot."""

ROOT, WORK, PROD, LABS, EMPTY = "r-test", "ou-test-work", "ou-test-prod", "ou-test-labs", "ou-test-empt"
FULL = ["p-FullAWSAccess", "p-RCPFullAWSAccess"]
CATALOG = Catalog()


def deny(sid="No", action="*", **more):
    """An SCP that denies; `more` are further elements of its statement (`Condition`, `NotAction`, ...)."""
    statement = {"Sid": sid, "Effect": "Deny", "Action": action, "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [{k: v for k, v in statement.items() if v is not None}]}


def rcp(sid="No", action="s3:*", **more):
    """An RCP that denies."""
    return deny(sid, action, Principal="*", **more)


def allow(*actions):
    """An SCP that allows some actions, to stand in place of FullAWSAccess."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@dataclass(frozen=True)
class Attached:
    """Policies by node: SCPs, RCPs, and nodes that lack FullAWSAccess."""

    scps: dict = field(default_factory=dict)
    rcps: dict = field(default_factory=dict)
    without_full_access: tuple = ()


def organization(attached=None, lab_in=LABS, **changes):
    """The organization with policies attached: `{node: [document, ...]}`, named `scp0`, ... by content.

    `lab_in` is the unit of the account `lab`; `changes` replace members of the snapshot.
    """
    attached = attached or Attached()
    policies = {}

    def ids(node):
        full = [FULL[1]] if node in attached.without_full_access else FULL
        mine = []
        for kind, documents in (("SERVICE", attached.scps), ("RESOURCE", attached.rcps)):
            for document in documents.get(node, ()):
                text = json.dumps(document, sort_keys=True)
                found = next((key for key, value in policies.items() if value["text"] == text), None)
                name = found or f"p-{kind.lower()}{len(policies)}"
                title = "-".join([kind.lower(), *(each.get("Sid", "allow") for each in document["Statement"])])
                if title in {each["name"] for key, each in policies.items() if key != name}:
                    title += name
                policies[name] = {
                    "name": title,
                    "type": f"{kind}_CONTROL_POLICY",
                    "document": document,
                    "text": text,
                }
                mine.append(name)
        return [*full, *mine]

    def account(number, name):
        return {"id": number, "name": name, "policies": ids(number)}

    def unit(number, name, accounts=(), units=()):
        lab = [account(LAB, "lab")] if number == lab_in else []
        return {
            "id": number,
            "name": name,
            "policies": ids(number),
            "units": list(units),
            "accounts": [*accounts, *lab],
        }

    prod = unit(PROD, "Prod", [account(APP, "app"), account(DATA, "data")])
    snapshot = {
        "schema": "orgsim/organization/1",
        "id": OURS,
        "management_account": MANAGEMENT,
        "root": {
            "id": ROOT,
            "policies": ids(ROOT),
            "accounts": [account(MANAGEMENT, "management")],
            "units": [unit(WORK, "Work", units=[prod]), unit(LABS, "Labs"), unit(EMPTY, "Empty")],
        },
        "policies": {key: {k: v for k, v in value.items() if k != "text"} for key, value in policies.items()},
        **changes,
    }
    return parse_organization(json.dumps(snapshot), "organization.json")


def replayer(current=None, proposed=None, selection=None, **changes):
    """A replayer of `Attached` now and as proposed; organizations as they are."""
    orgs = [
        each if not isinstance(each, Attached | None) else organization(each, **changes) for each in (current, proposed)
    ]
    return Replayer(Question(*orgs, selection or Selection()), CATALOG)


def replay(records, current=None, proposed=None, **options):
    """The impact of records (dicts, in one file) of a change from `current` to `proposed`."""
    return replayer(current, proposed, **options).run([Memory(records)])


def no_snapshot():
    """The organization taken where none is given."""
    return without_snapshot()


def outcomes(impact):
    """The outcomes as `{name: calls}`."""
    return {outcome.value: count for outcome, count in impact.outcomes.items() if count}


def outcome(records, *more, **options):
    """The one outcome of a call."""
    found = outcomes(replay(records if isinstance(records, list) else [records], *more, **options))
    assert sum(found.values()) == 1, found
    return next(iter(found))


def sids(impact, name=None):
    """The Sids that findings (of one outcome) name; `None` for a missing Allow."""
    return {key.place.sid for key in impact.findings if name is None or key.outcome is Outcome(name)}


def keys(impact):
    """All keys that would settle something."""
    return {key for fold in impact.findings.values() for key in fold.keys}


def actions(impact):
    """The actions of all findings."""
    return {key.action for key in impact.findings}


def parsed(record):
    """A record as the decoder gives it."""
    (found,) = [item for item in decode(Memory([record]).chunks()) if isinstance(item, Record)]
    return found
