"""Policy cases: requests with the expected decision, written by people beside their policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from simulator.analysis.statement_coverage import StatementKey, exercised
from simulator.decision.conformance import RequestLine, reason_of, request_from_line
from simulator.decision.evaluator import Evaluator
from simulator.decision.explainer import explain, reason_lines
from simulator.decision.principal_keys import fields_of_principal
from simulator.decision.program import Program
from simulator.decision.request import ContextValue, Request
from simulator.decision.statement import Levels
from simulator.decision.verdict import Decision, Verdict
from simulator.errors import OrgsimError
from simulator.iam.catalog import Catalog
from simulator.policy.document import PolicyType

EXPECTATIONS: Final = tuple(decision.value for decision in Decision)


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `scps` and `rcps` are the levels, root first; `None`: that side does not apply. `line` from 1."""

    id: str
    file: str
    line: int
    scps: Levels | None
    rcps: Levels | None
    request: Mapping[str, Any]
    expect: str
    expect_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case. `problems` is empty if it passed; `explanation` are lines for people.

    `exercised` are the statements (of policies with a file) whose conditions the request came to.
    """

    case: Case
    decision: str
    problems: tuple[str, ...]
    explanation: tuple[str, ...]
    exercised: frozenset[StatementKey] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether all expectations held."""
        return not self.problems


class CaseRunner:
    """Runs cases; programs are shared between cases of equal levels."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._evaluator = Evaluator(catalog)
        self._programs: dict[tuple[PolicyType, tuple[tuple[int, ...], ...]], Program] = {}

    def run(self, case: Case) -> CaseResult:
        """Decide the case and compare. A request that cannot be read is a failed case, not an error."""
        try:
            request = _request(case.request)
        except (OrgsimError, msgspec.ValidationError) as error:
            return CaseResult(case, "error", (f"the request cannot be read: {error}",), ())
        programs = (self._program(PolicyType.SCP, case.scps), self._program(PolicyType.RCP, case.rcps))
        verdict = self._evaluator.evaluate(request, programs[0], programs[1])
        problems = _problems(case, verdict)
        lines: list[str] = []
        if problems:
            lines.append(reason_of(verdict))
            for program in programs:
                if program is not None:
                    lines += reason_lines(explain(program, request))
        asked = frozenset(
            (file, each.statement.index)
            for program in programs
            if program is not None
            for each in exercised(program, self._evaluator, request)
            if (file := program.levels[each.ref.level][each.ref.policy or 0].file) is not None
        )
        return CaseResult(case, verdict.decision.value, tuple(problems), tuple(lines), asked)

    def _program(self, side: PolicyType, levels: Levels | None) -> Program | None:
        if levels is None:
            return None
        key = (side, tuple(tuple(id(document) for document in level) for level in levels))
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = Program(side, levels, self._catalog)
        return program


def run_cases(cases: Sequence[Case], catalog: Catalog) -> tuple[CaseResult, ...]:
    """Run all cases, in order."""
    runner = CaseRunner(catalog)
    return tuple(runner.run(case) for case in cases)


def _request(given: Mapping[str, Any]) -> Request:
    request = request_from_line(msgspec.convert(dict(given), RequestLine))
    # The keys that AWS always sends come from the principal; what the case says of them outranks that.
    context: dict[str, ContextValue] = {**fields_of_principal(request.principal), **request.context}
    for key, value in (given.get("context") or {}).items():
        if value is None or value == []:
            context.pop(key.lower(), None)
    return replace(request, context=context)


def _problems(case: Case, verdict: Verdict) -> list[str]:
    problems = []
    if verdict.decision.value != case.expect:
        problems.append(f"expected {case.expect}, got {verdict.decision.value}")
    if case.expect_by:
        found = {ref.sid or "" for ref in verdict.by}
        missing = [sid for sid in case.expect_by if sid not in found]
        if missing:
            names = ", ".join(sorted(found - {""})) or "no statement with a Sid"
            problems.append(f"expected by {', '.join(missing)}, got {names}")
    return problems
