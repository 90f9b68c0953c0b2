"""Which statements of some policies nothing has ever asked: neither a policy case nor a record of a log.

A statement is exercised by a request that its side reaches and whose action and resource it matches, so that its
conditions are asked; what the conditions answer does not matter.
"""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator.cloudtrail.actions import ActionMap
from simulator.cloudtrail.checks import Mapped
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.normalizer import Normalizer
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resources import ResourceMap
from simulator.decision.evaluator import Evaluator
from simulator.decision.facts import Facts
from simulator.decision.program import Program
from simulator.decision.request import Request, Tier
from simulator.decision.resources import resource_of_request
from simulator.decision.statement import CompiledStatement
from simulator.decision.verdict import SideResult
from simulator.iam.catalog import Catalog
from simulator.organization.guardrails import Governed, rcp_governed, scp_governed
from simulator.organization.snapshot import facts as facts_of
from simulator.organization.tree import Organization
from simulator.policy.document import PolicyDocument, PolicyType
from simulator.replay.batch import Batch
from simulator.replay.reading import Progress, folder_accounts
from simulator.replay.survey import Survey

StatementKey = tuple[str, int]
"""The file of a policy and the position of a statement in it, from 0."""


@dataclass(frozen=True, slots=True)
class CoveredPolicy:
    """A policy whose statements are to be exercised; its document has a file."""

    type: PolicyType
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class CoveredStatement:
    """A statement that something exercised, or nothing; `line` from 1, `index` from 0."""

    policy_type: PolicyType
    file: str
    line: int
    sid: str | None
    index: int
    by_case: bool
    by_record: bool

    @property
    def exercised(self) -> bool:
        """Whether a case or a record did."""
        return self.by_case or self.by_record


@dataclass(frozen=True, slots=True)
class StatementCoverage:
    """All statements in the order of the policies. `with_records`: a log was read as well."""

    statements: tuple[CoveredStatement, ...]
    with_records: bool = False

    @property
    def missed(self) -> tuple[CoveredStatement, ...]:
        """What nothing exercised."""
        return tuple(each for each in self.statements if not each.exercised)


def coverage_of(
    policies: Iterable[CoveredPolicy],
    by_cases: Iterable[StatementKey],
    by_records: frozenset[StatementKey] | None = None,
) -> StatementCoverage:
    """The statements of the policies, each file once. `by_records` is `None` where no log was read."""
    cases = {(posixpath.normpath(file), index) for file, index in by_cases}
    records = by_records or frozenset()
    statements: dict[StatementKey, CoveredStatement] = {}
    for policy in policies:
        file = policy.document.file or ""
        for each in policy.document.statements:
            key = (posixpath.normpath(file), each.index)
            by_record = (file, each.index) in records
            found = CoveredStatement(policy.type, file, each.span.line, each.sid, each.index, key in cases, by_record)
            statements.setdefault(key, found)
    return StatementCoverage(tuple(statements.values()), by_records is not None)


def exercised(program: Program, evaluator: Evaluator, request: Request) -> Iterator[CompiledStatement]:
    """The statements of a program that a request exercises; an unknown resource may be that of any of them."""
    if evaluator.side(request, program).result is SideResult.NOT_APPLICABLE:
        return
    action = request.action.lower()
    resource = resource_of_request(request.action, request.resource)
    for level in program.statements:
        for each in level:
            if each.matches_action(action) and each.resources.test(resource, request.context) is not False:
                yield each


def exercised_by_records(
    policies: Sequence[CoveredPolicy],
    batches: Sequence[Batch],
    organization: Organization,
    catalog: Catalog,
    progress: Progress,
) -> frozenset[StatementKey]:
    """The statements that some record surely exercises, were the policies attached to every member account.

    Reads the log twice, as a replay does, and stops when nothing is left to find. What is only possible (a check that
    AWS may not have made, an unknown resource or account) does not count: it would hide what was never tested.
    """
    known = facts_of(organization)
    survey = Survey(wants_sessions=False)
    for number, batch in enumerate(batches):
        for item in decode(batch.chunks()):
            if isinstance(item, Record):
                survey.look([item], number)
        progress(batch.size)
    survey.close()
    search = _Search(policies, organization, survey.facts(known, folder_accounts(known, batches)), catalog)
    for batch in batches:
        if not search.left:
            break
        for item in decode(batch.chunks()):
            if isinstance(item, Record):
                search.look(item, survey.owner_by_pair(item))
        progress(batch.size)
    return frozenset(search.found)


class _Search:
    """Looks for records that exercise statements not found yet."""

    def __init__(
        self, policies: Sequence[CoveredPolicy], organization: Organization, facts: Facts, catalog: Catalog
    ) -> None:
        self.found: set[StatementKey] = set()
        self._organization, self._facts = organization, facts
        self._evaluator = Evaluator(catalog)
        self._files = {side: [each.document for each in policies if each.type is side] for side in PolicyType}
        self._programs = {side: Program(side, (tuple(files),), catalog) for side, files in self._files.items()}
        self._left = {side: list(program.statements[0]) for side, program in self._programs.items()}
        keys = frozenset[str]().union(*(each.keys for side in self._programs.values() for each in side.resources))
        self._normalizer = Normalizer(catalog, keys, ActionMap(catalog), ResourceMap(catalog))

    @property
    def left(self) -> bool:
        """Whether there is a statement still to be found."""
        return any(self._left.values())

    def look(self, record: Record, owner: str | None) -> None:
        """Note what a record exercises; `owner` is who got the other copy of the same call."""
        normalized = self._normalizer.normalize(record, self._facts)
        for request in normalized.requests if isinstance(normalized, Mapped) else ():
            if request.tier is Tier.POSSIBLE or not request.certain:
                continue
            account = request.resource_account if isinstance(request.resource_account, str) else owner
            self._note(PolicyType.SCP, request, scp_governed(self._organization, self._facts, request.principal))
            if account is not None:
                self._note(PolicyType.RCP, request, rcp_governed(self._organization, self._facts, account))

    def _note(self, side: PolicyType, request: Request, governed: Governed) -> None:
        if governed.account is None or not self._left[side]:
            return
        action = request.action.lower()
        resource = resource_of_request(request.action, request.resource)
        hit = [
            each
            for each in self._left[side]
            if each.matches_action(action) and each.resources.test(resource, request.context)
        ]
        if not hit or self._evaluator.side(request, self._programs[side]).result is SideResult.NOT_APPLICABLE:
            return
        self._left[side] = [each for each in self._left[side] if each not in hit]
        documents = self._files[side]
        self.found |= {(documents[each.ref.policy or 0].file or "", each.statement.index) for each in hit}
