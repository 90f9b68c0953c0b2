"""Stories of callers from outside: partners, a vendor, strangers, and an account that the snapshot has not heard of."""

from __future__ import annotations

from storybook import calls, denials
from storybook.identities import AGENT_BOTO, Caller, anonymous
from storybook.journal import Journal, Story
from storybook.world import (
    BOOKING_PROD,
    DAYS,
    FRANKFURT,
    HARBOUR_AUTHORITY,
    IRELAND,
    MONITORING_VENDOR,
    PAYMENTS_PROD,
    PRICING_DEV,
    REGIONS_2026,
    SECURITY_TOOLS,
    STRANGER,
    TICKET_RESELLER,
    at,
    role_arn,
)

PERIMETER = "OnlyOurPrincipals"


def _foreigner(story: Story, account: str, role: str, day: str, address: str) -> Caller:
    """A role session of another company; its own records of these calls never reach us."""
    return story.session(
        role_arn(account, role), "worker", at(day, "00:00:00"), address=address, agent=AGENT_BOTO.format("EC2")
    )


def partners_read_timetables(journal: Journal) -> None:
    """Two partners read the same bucket; the perimeter knows one of them."""
    story = Story("partners-read-timetables", journal)
    for day in DAYS[1::2]:
        harbour = _foreigner(story, HARBOUR_AUTHORITY, "BerthPlanner", day, "203.0.113.150")
        reseller = _foreigner(story, TICKET_RESELLER, "Feed", day, "203.0.113.160")
        for minute in range(4):
            call = calls.s3_object("GetObject", "nordhaven-timetables", f"line-{minute}.json")
            story.log(harbour, at(day, f"05:0{minute}:30"), call, "newly_denied", PERIMETER, why="unknown partner")
        for minute in range(2):
            call = calls.s3_object("GetObject", "nordhaven-timetables", f"line-{minute}.json")
            story.log(reseller, at(day, f"05:1{minute}:30"), call, "unchanged", why="partner named in the perimeter")
    day = DAYS[3]
    harbour = _foreigner(story, HARBOUR_AUTHORITY, "BerthPlanner", day, "203.0.113.150")
    call = calls.queue("SendMessage", BOOKING_PROD, "departures")
    story.log(harbour, at(day, "05:20:00"), call, "newly_denied", PERIMETER)
    call = calls.invoke(BOOKING_PROD, "berth-update")
    why = "SCPs do not bind foreign principals and RCPs do not cover Lambda"
    story.log(harbour, at(day, "05:21:00"), call, "exempt", why=why)
    stranger = _foreigner(story, STRANGER, "probe", day, "192.0.2.240")
    call = calls.s3_object("GetObject", "nordhaven-tickets", "2026/passengers.csv")
    story.log(stranger, at(day, "05:30:00"), call, "already_denied", PERIMETER, error=denials.s3_bare())
    secret = calls.secret("GetSecretValue", PAYMENTS_PROD, "acquirer/api")
    error = denials.by_policy(
        stranger,
        "secretsmanager:GetSecretValue",
        str((secret.parameters or {})["secretId"]),
        kind="resource control policy",
        code="AccessDeniedException",
    )
    why = "the current RCP denies already; no policy ARN for strangers"
    story.log(stranger, at(day, "05:31:00"), secret, "unchanged", error=error, why=why)


def anonymous_visitors(journal: Journal) -> None:
    """The website is served straight from a bucket: anonymous readers fall under the perimeter."""
    story = Story("anonymous-visitors", journal)
    for day in DAYS[::3]:
        for number in range(3):
            visitor = anonymous(f"192.0.2.{100 + number}")
            call = calls.s3_object("GetObject", "nordhaven-website", ("index.html", "fares.html", "logo.svg")[number])
            story.log(
                visitor, at(day, f"09:0{number}:45"), call, "newly_denied", PERIMETER, why="no credentials at all"
            )
    call = calls.s3_object("GetObject", "nordhaven-tickets", "2026/passengers.csv")
    story.log(
        anonymous("192.0.2.66"), at(DAYS[6], "09:30:00"), call, "already_denied", PERIMETER, error=denials.s3_bare()
    )


def vendor_monitors(journal: Journal) -> None:
    """A vendor assumes a role in booking-prod; its sessions would be lost with the AssumeRole."""
    story = Story("vendor-monitors", journal)
    for day in DAYS[::2]:
        vendor = _foreigner(story, MONITORING_VENDOR, "collector", day, "203.0.113.200")
        inside = story.assume_role(
            vendor,
            at(day, "11:00:00"),
            role_arn(BOOKING_PROD, "MonitoringVendor"),
            "collector",
            outcome="newly_denied",
            by=PERIMETER,
            external_id="nordhaven-4711",
        )
        for minute in range(1, 4):
            call = calls.read("monitoring", "GetMetricData", FRANKFURT, maxDatapoints=500)
            story.log(inside, at(day, f"11:0{minute}:00"), call, "unchanged", why="lost with the AssumeRole")


def account_not_in_snapshot(journal: Journal) -> None:
    """pricing-dev was created after the snapshot: ours by folder and records, its place in the tree unknown."""
    story = Story("account-not-in-snapshot", journal)
    for day in (DAYS[8], DAYS[9]):
        dev = story.session(role_arn(PRICING_DEV, "Developer"), "kofi", at(day, "12:00:00"))
        for minute in range(2):
            call = calls.read("ec2", "DescribeInstances", IRELAND, instancesSet={}, filterSet={})
            why = "the account is missing in the snapshot: it may stand under Workloads, or not"
            story.log(
                dev,
                at(day, f"12:1{minute}:00"),
                call,
                "possibly_newly_denied",
                REGIONS_2026,
                unknown=["principal"],
                why=why,
            )


def scanner_looks_into_accounts(journal: Journal) -> None:
    """The security scanner assumes a role in member accounts: pairs of records with one sharedEventID."""
    story = Story("scanner-looks-into-accounts", journal)
    for day in DAYS[::3]:
        scanner = story.session(
            role_arn(SECURITY_TOOLS, "security/Scanner"),
            "scan",
            at(day, "21:00:00"),
            address="203.0.113.30",
            agent=AGENT_BOTO.format("AWS_ECS_FARGATE"),
        )
        for minute, account in enumerate((BOOKING_PROD, PAYMENTS_PROD), 1):
            inside = story.assume_role(
                scanner,
                at(day, f"21:0{minute}:00"),
                role_arn(account, "security/AuditRead"),
                "scan",
                outcome="unchanged",
            )
            for second, (source, name) in enumerate(
                (
                    ("iam", "ListUsers"),
                    ("s3", "ListBuckets"),
                    ("ec2", "DescribeSecurityGroups"),
                    ("rds", "DescribeDBInstances"),
                )
            ):
                region = "us-east-1" if source == "iam" else FRANKFURT
                call = calls.s3_list_buckets() if name == "ListBuckets" else calls.read(source, name, region)
                story.log(inside, at(day, f"21:0{minute}:1{second}"), call, "unchanged")


STORIES = (
    partners_read_timetables,
    anonymous_visitors,
    vendor_monitors,
    account_not_in_snapshot,
    scanner_looks_into_accounts,
)
