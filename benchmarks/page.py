"""What the HTML report costs beside the JSON report: `python -m benchmarks.page [FINDINGS]`."""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.world import ACCOUNTS, snapshot
from simulator.analysis.report import Report, make_report
from simulator.iam.catalog import Catalog
from simulator.organization.snapshot import parse_organization
from simulator.organization.tree import Organization, Policy
from simulator.outputs import impact_json
from simulator.outputs.html import page
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from simulator.replay.impact import FindingKey, Impact
from simulator.replay.outcome import Outcome, StatementPlace

FINDINGS: Final = 10_000
MOST: Final = 3.0
"""How many times as long as the JSON the page may take."""

_ACTIONS: Final = (
    "s3:GetObject",
    "s3:PutObject",
    "ec2:RunInstances",
    "kms:Decrypt",
    "sqs:SendMessage",
    "lambda:InvokeFunction",
)
_STATEMENTS: Final = 20


@dataclass(frozen=True, slots=True)
class PageCost:
    """CPU seconds and bytes of both reports of the same findings."""

    findings: int
    json_seconds: float
    html_seconds: float
    json_bytes: int
    html_bytes: int

    @property
    def ratio(self) -> float:
        """The page's time beside the JSON's."""
        return self.html_seconds / self.json_seconds


def many_findings(count: int) -> Report:
    """A report with as many findings, each with full lists of samples; the same every time."""
    impact, organization = Impact(), _organization()
    for number in range(count):
        outcome = list(Outcome)[number % 4]
        account = ACCOUNTS[number % len(ACCOUNTS)]
        role = f"arn:aws:iam::{account}:role/team-{number % 97}/service-{number // 24}"
        statement = number % _STATEMENTS
        place = StatementPlace(
            PolicyType.SCP.value,
            "guardrails",
            f"Statement{statement}",
            statement,
            organization.root.id,
            0,
            "guardrails.json",
            1,
            "x",
        )
        key = FindingKey(outcome, role, "role", account, _ACTIONS[number % len(_ACTIONS)], place)
        fold = impact.finding(key)
        fold.calls += 1 + number % 300
        day = f"2026-{1 + number // 28 % 9:02}-{1 + number % 28:02}T{number % 24:02}:00:00Z"
        fold.see(day)
        fold.see("2026-09-30T12:00:00Z")
        fold.regions.add("eu-central-1")
        for sample in range(20):
            fold.resources.add(f"arn:aws:s3:::data-{number}-{sample}/*")
            fold.sessions.add(f"session-{number * 31 % 9973}-{sample}")
            fold.event_ids.add(f"{number:08x}-{sample:04x}-4000-8000-{number * 7919:012x}")
        impact.outcomes[outcome] += fold.calls
        impact.timeline.add(day, outcome)
        impact.read += fold.calls
    impact.mapped = impact.requests = impact.read
    impact.see("2026-01-01T00:00:00Z")
    impact.see("2026-09-30T23:00:00Z")
    return make_report(impact, organization, Catalog())


def measured(findings: int = FINDINGS) -> PageCost:
    """Both reports of the same findings, written once before the clock runs: imports and tables are not counted."""
    impact_json.render(many_findings(10))
    page.render(many_findings(10))
    report = many_findings(findings)
    json_seconds, json_bytes = _timed(lambda: impact_json.render(report))
    html_seconds, html_bytes = _timed(lambda: page.render(report))
    return PageCost(findings, json_seconds, html_seconds, json_bytes, html_bytes)


def _timed(write: Callable[[], str]) -> tuple[float, int]:
    start = time.process_time()
    text = write().encode()
    return time.process_time() - start, len(text)


def _organization() -> Organization:
    """The benchmark's organization with one more SCP at the root, in which the statements stand."""
    statements = [
        {"Sid": f"Statement{number}", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
        for number in range(_STATEMENTS)
    ]
    document = parse_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}), "guardrails.json")
    organization = parse_organization(json.dumps(snapshot()))
    policy = Policy("p-guardrails", "guardrails", PolicyType.SCP, document)
    root = replace(organization.root, scps=(*organization.root.scps, policy.id))
    return replace(
        organization,
        nodes={**organization.nodes, root.id: root},
        policies={**organization.policies, policy.id: policy},
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("findings", type=int, nargs="?", default=FINDINGS)
    cost = measured(parser.parse_args().findings)
    print(f"{cost.findings:,} findings")
    print(f"JSON {cost.json_seconds:.2f} s, {cost.json_bytes / 1e6:.1f} MB")
    print(f"HTML {cost.html_seconds:.2f} s, {cost.html_bytes / 1e6:.1f} MB")
    print(f"{cost.ratio:.2f} times the time of the JSON, at most {MOST}")


if __name__ == "__main__":
    main()
