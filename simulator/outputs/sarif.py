"""The report as SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), for code scanning and editors.

A rule for each statement, a result for each finding, on the line where the statement stands. GitHub takes only
results with a place in a file, and knows them again by `primaryLocationLineHash` (GitHub Docs, SARIF support for code
scanning).
"""

import gzip
import json
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from simulator import __version__
from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.analysis.waivers import reference
from simulator.outputs import review_text, wording
from simulator.outputs.by_statement import StatementFindings, by_statement
from simulator.outputs.evidence import evidence_rows
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import plural
from simulator.replay.outcome import Outcome

RESULTS: Final = 25_000
"""Results in a run that GitHub takes; it shows the 5,000 gravest."""

SIZE: Final = 10_000_000
"""Bytes of a compressed file that GitHub takes."""

LEVELS: Final = {
    Outcome.NEWLY_DENIED: "error",
    Outcome.POSSIBLY_NEWLY_DENIED: "warning",
    Outcome.NEWLY_ALLOWED: "note",
    Outcome.ALREADY_DENIED: "note",
}

_ROOT: Final = "%SRCROOT%"
_NO_FILE: Final = "statement-without-a-file"


def render(report: Report) -> str:
    """The JSON text, pure ASCII, with a final newline."""
    count = min(len(report.findings), RESULTS)
    while True:
        text = json.dumps(document(report, count), indent=1) + "\n"
        # What is small as it is needs no compressing to know.
        if len(text) <= SIZE or len(gzip.compress(text.encode(), 6)) <= SIZE:
            return text
        count //= 2


def document(report: Report, count: int) -> dict[str, Any]:
    """The SARIF log as plain values, with the first `count` findings."""
    statement_of = {finding: each for each in by_statement(report) for finding in each.findings}
    numbers: dict[str, int] = {}
    rules: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for finding in report.findings[:count]:
        statement = statement_of[finding]
        if statement.id not in numbers:
            numbers[statement.id] = len(rules)
            rules.append(_rule(statement, finding))
        results.append(_result(finding, statement, numbers[statement.id], report))
    driver = {"name": "orgsim", "version": __version__, "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which the command ran."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notes(report, count)}],
        "results": results,
        "properties": {"evidence": dict(evidence_rows(report))},
    }
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _rule(statement: StatementFindings, gravest: Finding) -> dict[str, Any]:
    how = "Change the statement, or what it denies; the findings name the identities and what would settle open ones."
    return {
        "id": statement.id,
        "shortDescription": {"text": statement.title},
        "fullDescription": {"text": f"Calls of the log that {statement.title} would deny, may deny, or denies today."},
        "help": {"text": how},
        "defaultConfiguration": {"level": LEVELS[gravest.outcome]},
        "properties": {"tags": ["aws", statement.id.partition("/")[0]]},
    }


def _result(finding: Finding, statement: StatementFindings, number: int, report: Report) -> dict[str, Any]:
    return {
        "ruleId": statement.id,
        "ruleIndex": number,
        "level": LEVELS[finding.outcome],
        "message": {"text": wording.sentence(finding, report)},
        "locations": [_location(statement)],
        "partialFingerprints": {
            "orgsimFinding/v1": finding.id,
            # One id can stand under several outcomes, and an alert is about one of them.
            "primaryLocationLineHash": f"{finding.id}:{finding.outcome.value}",
        },
        **_suppressed(finding, report),
        "properties": _properties(finding),
    }


def _suppressed(finding: Finding, report: Report) -> dict[str, Any]:
    """What was agreed to is there, but no alert."""
    acceptance = report.acceptance
    if acceptance is None:
        return {}
    if not acceptance.accepts(finding):
        # SARIF wants it said of all results or of none.
        return {"suppressions": []}
    waiver = acceptance.waived.get(reference(finding))
    why = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})" if waiver else "the baseline has it"
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": safe_text(why)}]}


def _properties(finding: Finding) -> dict[str, Any]:
    principal = finding.principal
    told = {
        "finding": finding.id,
        "outcome": finding.outcome.value,
        "identity": safe_text(principal.arn),
        "identityType": principal.type,
        "account": principal.account,
        "action": safe_text(finding.action),
        "access": finding.access,
        "calls": finding.calls,
        "firstSeen": safe_text(finding.first_seen),
        "lastSeen": safe_text(finding.last_seen),
        "regions": [safe_text(each) for each in finding.regions],
        "settledBy": [safe_text(each) for each in finding.settled_by],
        "attachedTo": safe_text(finding.place.attached_to),
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def _location(statement: StatementFindings) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(statement.file or _NO_FILE)}
    if statement.line is not None:
        place["region"] = {"startLine": statement.line}
    return {"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": statement.id}]}


def _artifact(file: str) -> dict[str, str]:
    if PurePosixPath(file).is_absolute():
        return {"uri": f"file://{_uri(file)}"}
    return {"uri": _uri(file), "uriBaseId": _ROOT}


def _uri(file: str) -> str:
    return quote(safe_text(str(PurePosixPath(file))))


def _notes(report: Report, count: int) -> list[dict[str, Any]]:
    """Lock-outs, which no finding tells, and what was cut."""
    told = [f"Lock-out: {safe_text(each)}" for each in report.lockouts]
    told += [f"Waiver: {each}" for each in review_text.troubles(report.acceptance)] if report.acceptance else []
    cut = len(report.findings) - count
    if cut:
        told.append(f"{plural(cut, 'finding')} of {len(report.findings):,} left out for size; the JSON report has all.")
    return [{"level": "warning", "message": {"text": text}} for text in told]
