"""Reads waivers.yaml and writes to it, and reads earlier reports: what was found, and one finding of it.

docs/waivers.md describes the file.
"""

import re
from dataclasses import astuple
from datetime import date
from pathlib import Path
from typing import Final

import msgspec
import yaml

from simulator.analysis.waivers import WAIVABLE, FindingRef, Waiver, selectors, waiver_for
from simulator.errors import ExitStatus, OrgsimError
from simulator.organization.yaml_text import YamlReader
from simulator.replay.outcome import Outcome, StatementPlace
from simulator.sources.text import read_text

_LIMIT: Final = 4 << 20
_REPORT_LIMIT: Final = 1 << 30
_SCHEMA: Final = "orgsim/impact/1"
_MEMBERS: Final = ("identity", "action", "statement", "reason", "owner", "expires")
_REDACTED: Final = re.compile(r"(?:[^:]*:){4}acct-[a-z2-7]{8}:|acct-[a-z2-7]{8}\Z")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """The waivers of a file, in its order. Raises `OrgsimError` with file and line."""
    return _parse(read_text(path, _LIMIT, "the waiver file"), path)


def parse_day(text: str) -> date | None:
    """A day such as 2026-12-31; `None` if `text` is none."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def add_waiver(path: Path, waiver: Waiver) -> None:
    """Write a waiver at the end of a file, made if there is none; what stands there stays as it is.

    Raises `OrgsimError` if the file is no list in block form (one `- ` for each), or cannot be written.
    """
    text = read_text(path, _LIMIT, "the waiver file") if path.exists() else ""
    before = _parse(text, path)
    entry = yaml.safe_dump(
        [{name: getattr(waiver, name) for name in _MEMBERS}], sort_keys=False, allow_unicode=True, width=10_000
    )
    node = YamlReader(str(path)).parse(text)
    indent = " " * (node.start_mark.column if isinstance(node, yaml.SequenceNode) else 0)
    added = "".join(f"{indent}{line}\n" for line in entry.splitlines())
    after = text + ("" if not text or text.endswith("\n") else "\n") + added
    try:
        found = _parse(after, path)
    except OrgsimError:
        found = ()
    if [astuple(each)[:6] for each in found] != [astuple(each)[:6] for each in (*before, waiver)]:
        hint = f"add this by hand:\n{entry}"
        raise OrgsimError("waiver-file", "the file is no list in block form to write to", hint=hint, file=path)
    try:
        path.write_text(after, encoding="utf-8", newline="")
    except OSError as error:
        raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror}") from error


def _parse(text: str, path: Path) -> tuple[Waiver, ...]:
    return _WaiverReader(str(path)).waivers(text)


class _WaiverReader(YamlReader):
    def waivers(self, text: str) -> tuple[Waiver, ...]:
        top = self.parse(text)
        return () if top is None else tuple(self.waiver(each) for each in self.items(top, "a waiver file"))

    def waiver(self, node: yaml.Node) -> Waiver:
        members = self.members(node, _MEMBERS, "a waiver")
        missing = [name for name in _MEMBERS if name not in members]
        if missing:
            self.fail("waiver-missing", f"`{missing[0]}` is missing here", node, f"a waiver has {', '.join(_MEMBERS)}")
        identity, action, statement, reason, owner = (
            self.text(members[name], f"`{name}`").text for name in _MEMBERS[:-1]
        )
        expires = self.day(members["expires"])
        return Waiver(identity, action, statement, reason, owner, expires, self.file, self.line(node))

    def day(self, node: yaml.Node) -> date:
        found = parse_day(node.value) if isinstance(node, yaml.ScalarNode) else None
        if found is None:
            self.fail("waiver-expiry", "`expires` is a day such as 2026-12-31", node, "it is the last day that counts")
        return found


# Earlier reports


class _Principal(msgspec.Struct):
    arn: str


class _Statement(msgspec.Struct):
    policy: str | None
    policy_type: str
    sid: str | None
    index: int | None
    attached_to: str


class _Finding(msgspec.Struct):
    id: str
    outcome: Outcome
    principal: _Principal
    action: str
    statement: _Statement


class _Impact(msgspec.Struct):
    schema: str
    findings: list[_Finding]


def read_baseline(path: Path) -> frozenset[FindingRef]:
    """The findings of an earlier JSON report. Raises `OrgsimError`."""
    return frozenset(FindingRef(each.id, each.outcome) for each in _read_report(path).findings)


def waiver_of_finding(path: Path, finding_id: str, reason: str, owner: str, expires: date) -> Waiver:
    """A waiver for one finding of a JSON report, by its id. Raises `OrgsimError`."""
    named = [each for each in _read_report(path).findings if each.id == finding_id]
    found = [each for each in named if each.outcome in WAIVABLE]
    if not found:
        message = f"the report has no finding `{finding_id}`"
        hint = "ids stand in the member `id` of its findings"
        if named:
            message = f"the finding `{finding_id}` denies nothing new: there is nothing to waive"
            hint = f"only {' and '.join(each.value for each in WAIVABLE)} findings can be waived"
        raise OrgsimError("waiver-finding", message, hint=hint, file=path, status=ExitStatus.USAGE)
    finding = found[0]
    if not finding.principal.arn.strip():
        message = f"the log does not tell whose finding `{finding_id}` is, so it cannot be waived"
        raise OrgsimError("waiver-finding", message, file=path)
    if _REDACTED.match(finding.principal.arn):
        hint = "take the id from a report of the same run without --redact; ids are the same"
        raise OrgsimError(
            "waiver-finding", "the report is redacted, its identities are pseudonyms", hint=hint, file=path
        )
    told = finding.statement
    place = StatementPlace(told.policy_type, told.policy, told.sid, told.index, told.attached_to, 0, None, None, "")
    return waiver_for(finding.principal.arn, finding.action, selectors(place)[0], reason, owner, expires)


def _read_report(path: Path) -> _Impact:
    text = read_text(path, _REPORT_LIMIT, "the report")
    hint = "give a report that `--format json` or `-o impact.json` wrote"
    try:
        impact = msgspec.json.decode(text, type=_Impact)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise OrgsimError("report-format", f"this is no JSON report: {error}", hint=hint, file=path) from None
    if impact.schema != _SCHEMA:
        message = f"this is no JSON report of the kind {_SCHEMA}, but `{impact.schema}`"
        raise OrgsimError("report-format", message, hint=hint, file=path)
    return impact
