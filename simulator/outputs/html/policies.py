"""The policies that decide findings, with the lines of their deciding statements."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.analysis.findings import Finding
from simulator.analysis.report import Report
from simulator.organization.tree import Policy
from simulator.outputs import wording
from simulator.outputs.safe_text import safe_text
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from simulator.policy.printer import print_policy
from simulator.replay.outcome import StatementPlace

_LONGEST: Final = 2_000
"""Characters of one line shown; a policy of AWS's size has shorter ones unless it is hostile."""


class PolicyTexts:
    """Collects the statements of findings and the policies they stand in, as plain values for the page.

    `statements`: `label`, `policy_name`, `source`, `policy` (a place in `policies`) and `lines` (first and last, from
    0, end exclusive); the last two are missing where nothing stands in the proposal: a missing Allow, or a statement
    that the proposal removes. `policies`: `name`, `kind`, `attached` (paths), `source`, `lines`.
    """

    def __init__(self, report: Report) -> None:
        self.statements: list[dict[str, Any]] = []
        self.policies: list[dict[str, Any]] = []
        self._organization = report.organization
        self._statements: dict[tuple[StatementPlace, str], int] = {}
        self._policies: dict[str, tuple[int, list[tuple[int, int]]]] = {}
        self._by_name: Mapping[tuple[str, str], Policy] = {
            (policy.type.value, policy.name): policy for policy in report.organization.policies.values()
        }
        self._attached: dict[str, list[str]] = {}
        for node in report.organization.nodes.values():
            for policy_id in (*node.scps, *node.rcps):
                self._attached.setdefault(policy_id, []).append(report.organization.full_path(node.id))

    def statement(self, finding: Finding) -> int:
        """The place of a finding's statement in `statements`."""
        key = finding.place, finding.attached_name
        if key not in self._statements:
            self._statements[key] = len(self.statements)
            self.statements.append(self._told(finding))
        return self._statements[key]

    def _told(self, finding: Finding) -> dict[str, Any]:
        place = finding.place
        told: dict[str, Any] = {
            "label": wording.statement(place, finding.attached_name, self._organization),
            "policy_name": wording.name(place.policy or ""),
            "source": wording.source(place),
        }
        policy = self._proposed(place)
        if policy is not None and place.statement is not None:
            number, spans = self._policy(policy)
            told |= {"policy": number, "lines": spans[place.statement]}
        return told

    def _proposed(self, place: StatementPlace) -> Policy | None:
        """The policy as proposed, if this very statement stands in it; one that is removed stands nowhere."""
        policy = self._by_name.get((place.policy_type, place.policy or ""))
        if policy is None or place.statement is None or place.statement >= len(policy.document.statements):
            return None
        found = policy.document.statements[place.statement]
        same = (found.sid, found.span.line, policy.document.file) == (place.sid, place.line, place.file)
        return policy if same else None

    def _policy(self, policy: Policy) -> tuple[int, list[tuple[int, int]]]:
        """The place of a policy in `policies`, and the lines of each of its statements."""
        if policy.id not in self._policies:
            # One form for all: some policies are a piece of a snapshot, some are written on a single line.
            text = print_policy(policy.document)
            spans = [(each.span.line - 1, each.span.end_line) for each in parse_policy(text).statements]
            self._policies[policy.id] = len(self.policies), spans
            self.policies.append(
                {
                    "name": wording.name(policy.name),
                    "kind": PolicyType(policy.type).name,
                    "attached": [safe_text(path) for path in self._attached.get(policy.id, ())],
                    "source": safe_text(policy.document.file or ""),
                    "lines": [wording.shorten(safe_text(line), _LONGEST) for line in text.splitlines()],
                }
            )
        return self._policies[policy.id]
