"""Results of policy cases for people, machines and test dashboards (JUnit)."""

import json
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree

from simulator.analysis.cases import CaseResult
from simulator.analysis.statement_coverage import StatementCoverage
from simulator.outputs.safe_text import safe_text

_LISTED: Final = 40
"""Statements named that nothing exercised; the rest is counted."""


def render_terminal(results: Sequence[CaseResult], coverage: StatementCoverage) -> str:
    """The failures with their explanation, a line that counts, and the statements that nothing exercised."""
    lines = []
    for result in results:
        if result.passed:
            continue
        case = result.case
        lines.append(f"{safe_text(case.file)}:{case.line}: FAILED {safe_text(case.id)}")
        lines += [f"  {safe_text(problem)}" for problem in result.problems]
        lines += [f"    {safe_text(line)}" for line in result.explanation]
    failed = sum(not result.passed for result in results)
    files = len({result.case.file for result in results})
    lines.append(f"{len(results) - failed} passed, {failed} failed ({files} case files)")
    return "\n".join([*lines, *_coverage_lines(coverage)]) + "\n"


def _coverage_lines(coverage: StatementCoverage) -> Iterator[str]:
    missed = coverage.missed
    if not coverage.statements:
        return
    by = "cases or records" if coverage.with_records else "cases"
    yield f"{len(coverage.statements) - len(missed)} of {len(coverage.statements)} statements exercised by {by}"
    if missed:
        yield f"no case{' and no record' if coverage.with_records else ''} exercised:"
    for each in missed[:_LISTED]:
        what = each.sid or f"statement {each.index + 1}"
        yield f"  {safe_text(each.file)}:{each.line}: {safe_text(what)}"
    if len(missed) > _LISTED:
        yield f"  … and {len(missed) - _LISTED} more; see --format json"


def render_json(results: Sequence[CaseResult], coverage: StatementCoverage) -> str:
    """`{"passed", "failed", "cases": […], "statements": […]}`; docs/policy-tests.md lists the members."""
    cases = [
        {
            "id": result.case.id,
            "file": result.case.file,
            "line": result.case.line,
            "passed": result.passed,
            "decision": result.decision,
            "problems": list(result.problems),
            "explanation": list(result.explanation),
        }
        for result in results
    ]
    failed = sum(not result.passed for result in results)
    statements = [
        {
            "file": each.file,
            "line": each.line,
            "sid": each.sid,
            "index": each.index,
            "by_case": each.by_case,
            "by_record": each.by_record if coverage.with_records else None,
        }
        for each in coverage.statements
    ]
    summary = {"passed": len(results) - failed, "failed": failed, "cases": cases, "statements": statements}
    return json.dumps(summary, indent=2, ensure_ascii=True) + "\n"


def render_junit(results: Sequence[CaseResult], coverage: StatementCoverage) -> str:
    """JUnit XML: one test suite for each case file, and what nothing exercised as text of the whole."""
    root = ElementTree.Element("testsuites", name="orgsim test")
    suites: dict[str, list[CaseResult]] = {}
    for result in results:
        suites.setdefault(result.case.file, []).append(result)
    for file, members in suites.items():
        failed = sum(not each.passed for each in members)
        suite = ElementTree.SubElement(
            root, "testsuite", name=safe_text(file), tests=str(len(members)), failures=str(failed), errors="0"
        )
        for each in members:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                name=safe_text(each.case.id),
                classname=safe_text(file),
                file=safe_text(file),
                line=str(each.case.line),
            )
            if not each.passed:
                failure = ElementTree.SubElement(case, "failure", message=safe_text("; ".join(each.problems)))
                failure.text = "\n".join(safe_text(line) for line in each.explanation)
    if coverage.missed:
        suite = ElementTree.SubElement(root, "testsuite", name="statements", tests="0", failures="0", errors="0")
        ElementTree.SubElement(suite, "system-out").text = "\n".join(_coverage_lines(coverage))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
