"""Results of policy cases for people, machines and test dashboards (JUnit)."""

import json
from collections.abc import Sequence
from xml.etree import ElementTree

from simulator.analysis.cases import CaseResult
from simulator.outputs.safe_text import safe_text


def render_terminal(results: Sequence[CaseResult]) -> str:
    """The failures with their explanation, then one line that counts."""
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
    return "\n".join(lines) + "\n"


def render_json(results: Sequence[CaseResult]) -> str:
    """`{"passed", "failed", "cases": [{id, file, line, passed, decision, problems, explanation}]}`."""
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
    summary = {"passed": len(results) - failed, "failed": failed, "cases": cases}
    return json.dumps(summary, indent=2, ensure_ascii=True) + "\n"


def render_junit(results: Sequence[CaseResult]) -> str:
    """JUnit XML: one test suite for each case file."""
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
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
