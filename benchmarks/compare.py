"""Are the fast answers the right ones? Records of the trail, judged by the product and by the reference evaluator.

`python -m benchmarks.compare TRAIL PROPOSAL SNAPSHOT FOLDER COUNT [IMPACT]` prints one JSON object whose `differences`
must be empty. The product's `Normalizer` says which requests a record stands for, the naive evaluator of the tests
decides each of them. Two things are compared:

* a sample of the trail's records is written to FOLDER and judged by `orgsim simulate`: the counts of all outcomes and
  the calls of all findings must be equal;
* IMPACT, the report of the whole trail: records that its findings name must make these findings, and the findings of
  records drawn from the trail must be in it.
"""

import itertools
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from isal import igzip

from benchmarks.proposals import policies
from benchmarks.world import ACCOUNTS, UNITS, WORKLOADS
from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.call_result import CallResult, result_of
from simulator.cloudtrail.checks import Mapped
from simulator.cloudtrail.normalizer import Normalizer
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.decision.request import (
    UNKNOWN,
    ContextValue,
    OneOf,
    Outside,
    PrincipalKind,
    Request,
    ResourceShape,
    Tier,
)
from simulator.iam.catalog import Catalog
from simulator.organization.snapshot import facts as facts_of
from simulator.replay.survey import Survey
from simulator.sources.organizations import read_organization
from tests.reference.evaluator import evaluate

Json = dict[str, Any]

_GRAVITY: Final = ("newly_denied", "possibly_newly_denied", "newly_allowed", "already_denied", "unchanged", "exempt")
_FULL_ACCESS: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_KINDS: Final = {PrincipalKind.AWS_SERVICE: "AWSService", PrincipalKind.ANONYMOUS: "Anonymous"}
_LEVELS: Final = {account: 4 if unit in WORKLOADS else 3 for unit, accounts in UNITS.items() for account in accounts}
"""Levels of guardrails by account: root, units, account."""

_NAMED: Final = 1_000
"""Findings of the whole trail's report of which one record each is looked at."""


class Judged(NamedTuple):
    """The reference's answer to one request. The full-access policy is number 0 in `statements`."""

    decision: str
    exempt: bool
    statements: frozenset[tuple[str, int, int]]


class Answer(NamedTuple):
    """The reference's answer to one record: its outcome, and its findings."""

    outcome: str
    findings: frozenset[str]
    requests: int


def main() -> None:
    """Compare and print."""
    trail, proposal, snapshot, folder = map(Path, sys.argv[1:5])
    count = int(sys.argv[5])
    sample = write_sample(trail, folder, count)
    command = [sys.executable, "-m", "simulator", "simulate", str(proposal), "--logs", str(folder), "--format", "json"]
    reply = subprocess.run([*command, "--organization", str(snapshot)], stdout=subprocess.PIPE, check=False)
    judge = Reference(proposal, snapshot, sample)
    answers = [answer for record in judge.counting(sample) if (answer := judge.answer(record)) is not None]
    differences = differences_of_sample(json.loads(reply.stdout), answers)
    looked_at = 0
    if len(sys.argv) > 6:
        impact = json.loads(Path(sys.argv[6]).read_text())
        named = named_records(impact)
        judge = Reference(proposal, snapshot, all_records(trail))
        drawn = {record.event_id for record in sample}
        chosen = [each for each in all_records(trail) if each.event_id in named or each.event_id in drawn]
        looked_at = len(chosen)
        differences += differences_of_whole(impact, named, judge, chosen)
    print(
        json.dumps(
            {
                "records": len(sample),
                "requests": sum(answer.requests for answer in answers),
                "findings": len({each for answer in answers for each in answer.findings}),
                "outcomes": Counter(answer.outcome for answer in answers),
                "records_of_whole": looked_at,
                "differences": differences,
            }
        )
    )


def write_sample(trail: Path, folder: Path, count: int) -> list[Record]:
    """Write about `count` records of the trail, drawn from all over it, with the paths of their files."""
    shutil.rmtree(folder, ignore_errors=True)
    files = sorted(trail.rglob("*.gz"))
    chance = random.Random(len(files))
    files = sorted(chance.sample(files, min(len(files), 40)))
    found: list[Record] = []
    for path in files:
        lines = _lines_of(path)
        chosen = chance.sample(lines, min(len(lines), count // len(files)))
        place = folder / path.relative_to(trail)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(igzip.compress(b'{"Records":[' + b",".join(map(bytes, chosen)) + b"]}", 1))
        found += [msgspec.json.decode(line, type=Record) for line in chosen]
    return found


def _lines_of(path: Path) -> list[msgspec.Raw]:
    return msgspec.json.decode(igzip.decompress(path.read_bytes()), type=dict[str, list[msgspec.Raw]])["Records"]


def all_records(trail: Path) -> Iterator[Record]:
    """All records of a trail, in the order of its files."""
    for path in sorted(trail.rglob("*.gz")):
        yield from (msgspec.json.decode(line, type=Record) for line in _lines_of(path))


def differences_of_sample(impact: Json, answers: Iterable[Answer]) -> list[str]:
    """Where the product's counts are not the reference's."""
    theirs: Counter[str] = Counter(impact["outcomes"])
    ours: Counter[str] = Counter()
    for finding in impact["findings"]:
        theirs[_key(finding)] += finding["calls"]
    for answer in answers:
        ours.update((answer.outcome, *answer.findings))
    return [
        f"{key}: product {theirs[key]}, reference {ours[key]}"
        for key in sorted({*theirs, *ours})
        if theirs[key] != ours[key]
    ]


def differences_of_whole(
    impact: Json, named: dict[str, set[str]], judge: "Reference", records: Iterable[Record]
) -> list[str]:
    """Where the report of the whole trail does not fit some of its records; `named` is `named_records(impact)`."""
    known = {_key(finding) for finding in impact["findings"]}
    found = []
    missed = dict(named)
    for record in judge.counting(records):
        answer = judge.answer(record)
        findings = answer.findings if answer is not None else frozenset()
        found += [f"{key}: not reported, but {record.event_id} makes it" for key in findings - known]
        wrong = missed.pop(record.event_id or "", set()) - findings
        found += [f"{key}: reported, but {record.event_id} does not make it" for key in wrong]
    return found + [f"{event}: named by findings, but does not count" for event in missed]


def named_records(impact: Json) -> dict[str, set[str]]:
    """Ids of records that findings name, with those findings."""
    findings = impact["findings"]
    named: dict[str, set[str]] = {}
    for finding in random.Random(0).sample(findings, min(len(findings), _NAMED)):
        named.setdefault(finding["event_ids"][-1], set()).add(_key(finding))
    return named


def _key(finding: Json) -> str:
    """What makes a finding, in the words of `Reference.answer`."""
    statement = finding["statement"]
    side = "scp" if "SERVICE" in statement["policy_type"].upper() or statement["policy_type"] == "scp" else "rcp"
    policy = statement["policy"].rpartition("-")[2]
    label = finding["principal"]["arn"]
    return f"{finding['outcome']} {label} {finding['action']} {side} {policy} {statement['index']}"


class Reference:
    """The product's requests, judged by the reference. `log` is the log that tells what single records do not."""

    def __init__(self, proposal: Path, snapshot: Path, log: Iterable[Record]) -> None:
        catalog = Catalog()
        self._proposal = proposal
        self._survey = Survey()
        for record in log:
            self._survey.look([record], 0)
        self._facts = self._survey.facts(facts_of(read_organization(snapshot)), ACCOUNTS)
        self._normalizer = Normalizer(catalog, frozenset(_keys()), ActionMap(catalog), ResourceMap(catalog))

    def counting(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records without further copies of the same call."""
        seen: set[str | None] = set()
        for record in records:
            if record.event_id not in seen and not self._survey.is_second_copy(record):
                seen.add(record.event_id)
                yield record

    def answer(self, record: Record) -> Answer | None:
        """What the reference says of a record; `None` if it stands for no request."""
        normalized = self._normalizer.normalize(record, self._facts)
        if not isinstance(normalized, Mapped):
            return None
        sure = [request for request in normalized.requests if request.tier is not Tier.POSSIBLE]
        result = result_of(record)
        gravest = "exempt"
        touched: dict[str, set[str]] = {}
        for request in sure or normalized.requests:
            judged = reference(request, self._proposal)
            outcome = _outcome(judged, result, request)
            gravest = min(gravest, outcome, key=_GRAVITY.index)
            if outcome not in ("unchanged", "exempt"):
                for side, policy, statement in judged.statements:
                    key = f"{request.principal.label} {request.action} {side} {policy - 1} {statement}"
                    touched.setdefault(key, set()).add(outcome)
        # Where a statement surely denies, it is not reported as possibly denying as well.
        findings = frozenset(
            f"{outcome} {key}"
            for key, outcomes in touched.items()
            for outcome in outcomes
            if outcome != "possibly_newly_denied" or "newly_denied" not in outcomes
        )
        return Answer(gravest, findings, len(sure or normalized.requests))


def _keys() -> Iterator[str]:
    """The context keys that the benchmark's proposals read, in lower case."""
    yield from (f"aws:principal{name}" for name in ("arn", "account", "orgid", "isawsservice"))
    yield from ("aws:requestedregion", "aws:sourceip", "aws:sourcevpce", "aws:viaawsservice", "aws:securetransport")
    yield from ("aws:principaltag/clearance", "aws:principaltag/team", "aws:resourcetag/tier", "aws:resourcetag/team")
    yield "aws:requesttag/owner"
    yield from (f"aws:requesttag/cost-{number}" for number in range(1, 20))


def reference(request: Request, proposal: Path) -> Judged:
    """What the reference says of a request: of all requests that it may stand for, if facts are only partly known."""
    found = [_judged(evaluate(line)) for line in _lines(request, proposal)]
    if len({judged.decision for judged in found}) == 1:
        return found[0]
    return Judged("undecided", False, frozenset().union(*(judged.statements for judged in found)))


def _judged(answer: Json) -> Judged:
    if "error" in answer:
        raise ValueError(answer["error"])
    by = frozenset((entry["side"], entry["policy"], entry["statement"]) for entry in answer["by"])
    return Judged(answer["decision"], answer["scp"] == answer["rcp"] == "not-applicable", by)


def _lines(request: Request, proposal: Path) -> Iterator[Json]:
    """The request as lines of `orgsim evaluate`: one for each combination of what partly known facts may be."""
    principal = request.principal
    line: Json = {}
    if principal.account in _LEVELS:
        line["scps"] = _levels(proposal, "scp", principal.account)
    owner = request.resource_account
    if owner is UNKNOWN or owner in _LEVELS:
        line["rcps"] = _levels(proposal, "rcp", ACCOUNTS[0] if owner is UNKNOWN else owner)
    if request.exempt_resource is True:
        del line["rcps"]
    unknown = ["resource_account"] if owner is UNKNOWN else []
    if principal.service_linked is UNKNOWN:
        unknown.append("principal")
    caller: Any = principal.arn or f"arn:aws:iam::{principal.account}:somebody"
    if principal.kind in _KINDS:
        caller = {"type": _KINDS[principal.kind], "name": principal.name}
    context: dict[str, tuple[ContextValue | None, ...]] = {}
    for key, value in request.context.items():
        if value is UNKNOWN:
            unknown.append(key)
        elif isinstance(value, OneOf):
            context[key] = value.values
        elif isinstance(value, Outside):
            context[key] = (None, f"not-{value.prefix}")
        else:
            context[key] = (value,)
    resources: tuple[str, ...] = (request.resource,) if isinstance(request.resource, str) else ("*",)
    if request.resource is UNKNOWN:
        unknown.append("resource")
    if isinstance(request.resource, ResourceShape):
        resources = tuple(request.resource.text.replace("*", each) for each in ("x", "prod/x", "zz-0000"))
    for resource, *values in itertools.product(resources, *context.values()):
        yield line | {
            "request": {
                "principal": caller,
                "action": request.action,
                "resource": resource,
                "resource_account": None if owner is UNKNOWN else owner,
                "context": dict(zip(context, values, strict=True)),
                "unknown": unknown,
            }
        }


def _levels(proposal: Path, kind: str, account: str) -> list[list[Json]]:
    return [[_FULL_ACCESS, *policies(proposal, kind)], *[[_FULL_ACCESS]] * (_LEVELS[account] - 1)]


def _outcome(judged: Judged, result: CallResult, request: Request) -> str:
    if judged.exempt:
        return "exempt"
    if judged.decision == "allowed" or result is CallResult.UNAUTHENTICATED:
        return "unchanged"
    if result is CallResult.DENIED:
        return "already_denied"
    sure = judged.decision == "denied" and request.certain and request.tier is not Tier.POSSIBLE
    return "newly_denied" if sure else "possibly_newly_denied"


if __name__ == "__main__":
    main()
