"""The quiet mass of the log: everyday calls that the proposal does not touch (``unchanged`` or ``exempt``)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from storybook import calls
from storybook.calls import Call
from storybook.identities import AGENT_BOTO, AGENT_CLI, Caller, service
from storybook.journal import Journal, Outcome, Story
from storybook.world import (
    AUDIT_LOG,
    BOOKING_DEV,
    BOOKING_ENDPOINT,
    BOOKING_PROD,
    BUILD,
    DAYS,
    FRANKFURT,
    GLOBAL,
    IRELAND,
    MANAGEMENT,
    NAT_BOOKING,
    NAT_BUILD,
    NETWORK,
    OFFICE,
    PAYMENTS_DEV,
    PAYMENTS_ENDPOINT,
    PAYMENTS_KEY,
    PAYMENTS_PROD,
    SANDBOX_ANALYTICS,
    SECURITY_TOOLS,
    SHORT_LIVED_KEY,
    at,
    digest,
    role_arn,
    single_sign_on_role,
)

#: Beginning of the names of these stories.
PREFIX = "routine-"

Chooser = Callable[[random.Random], Call]


def _any_object(bucket: str, prefix: str, name: str = "GetObject") -> Chooser:
    return lambda chance: calls.s3_object(name, bucket, f"{prefix}{chance.randrange(400):04}.json")


def _fixed(*choices: Call) -> Chooser:
    return lambda chance: chance.choice(choices)


def _parameter(chance: random.Random) -> Call:
    name = chance.choice(("/booking/flags", "/booking/fares", "/booking/limits"))
    return calls.read("ssm", "GetParameter", FRANKFURT, name=name, withDecryption=True)


def _log_stream(chance: random.Random) -> Call:
    stream = f"api/{chance.randrange(16**8):08x}"
    return calls.write("logs", "CreateLogStream", FRANKFURT, logGroupName="/ecs/booking", logStreamName=stream)


def _seed(caller: Caller, day: str) -> str:
    """What somebody does on a day depends on the role, not on who it is."""
    who = str(caller.identity.get("principalId", caller.address))
    if "@" not in who:
        return who
    role = caller.identity["sessionContext"]["sessionIssuer"]
    return f"{role['principalId']}:{digest('routine-session', role['arn'], day)[:32]}"


_COLLEAGUES = ("lea.novak", "sami.koskinen", "ines.moreau", "pavel.dvorak", "rosa.lindgren")


def _session(
    story: Story, account: str, role: str, day: str, agent: str, address: str, endpoint: str | None, name: str = ""
) -> Caller:
    name = name or digest("routine-session", role, day)[:32]
    arn = role if role.startswith("arn:") else role_arn(account, role)
    return story.session(arn, name, at(day, "00:00:00"), address=address, agent=agent, endpoint=endpoint)


def _actors(story: Story, day: str) -> list[tuple[Caller, int, tuple[Chooser, ...]]]:
    """Who works on this day, how many calls they make, and which ones."""
    ecs, ec2 = AGENT_BOTO.format("AWS_ECS_FARGATE"), AGENT_BOTO.format("EC2")

    def worker(
        account: str, role: str, agent: str = ecs, address: str = NAT_BOOKING, endpoint: str | None = None
    ) -> Caller:
        return _session(story, account, role, day, agent, address, endpoint)

    def person(account: str, permission_set: str) -> Caller:
        role = single_sign_on_role(account, permission_set)
        colleague = _COLLEAGUES[int(digest("colleague", role, day)[:4], 16) % len(_COLLEAGUES)]
        return _session(story, account, role, day, AGENT_CLI, OFFICE, None, f"{colleague}@ferries.example")

    beyond = (calls.read("iam", "ListRoles", GLOBAL), calls.s3_list_buckets()) if day in DAYS[::4] else ()
    look_around = _fixed(
        calls.read("ec2", "DescribeInstances", FRANKFURT, instancesSet={}, filterSet={}),
        calls.read("ec2", "DescribeVpcs", FRANKFURT, vpcSet={}, filterSet={}),
        calls.read("monitoring", "DescribeAlarms", FRANKFURT, maxRecords=100),
        calls.read("logs", "DescribeLogGroups", FRANKFURT, limit=50),
        calls.read("lambda", "ListFunctions20150331", FRANKFURT, maxItems=50),
        calls.read("rds", "DescribeDBInstances", FRANKFURT),
        calls.read("sts", "GetCallerIdentity", FRANKFURT),
        *beyond,
    )
    bookings = _fixed(
        calls.table("GetItem", BOOKING_PROD, "bookings"),
        calls.table("PutItem", BOOKING_PROD, "bookings"),
        calls.table("Query", BOOKING_PROD, "sailings"),
    )
    cards = _fixed(
        calls.table("GetItem", PAYMENTS_PROD, "cards"),
        calls.kms("Decrypt", PAYMENTS_KEY, encryptionContext={"purpose": "card"}),
        calls.secret("GetSecretValue", PAYMENTS_PROD, "acquirer/api"),
    )
    vault = worker(PAYMENTS_PROD, "app/CardVault", address="10.40.0.11", endpoint=PAYMENTS_ENDPOINT)
    seat_map = worker(BOOKING_PROD, "app/SeatMap", ec2, "10.20.4.18", BOOKING_ENDPOINT)
    return [
        (
            worker(BOOKING_PROD, "app/BookingApi"),
            42,
            (
                bookings,
                bookings,
                _any_object("nordhaven-tickets", f"{day}/"),
                _any_object("nordhaven-tickets", f"{day}/", "PutObject"),
                _fixed(calls.queue("SendMessage", BOOKING_PROD, "invoices")),
                _fixed(calls.kms("GenerateDataKey", SHORT_LIVED_KEY, keySpec="AES_256")),
                _parameter,
                _log_stream,
            ),
        ),
        (seat_map, 14, (_any_object("nordhaven-timetables", "decks/"), _any_object("nordhaven-timetables", "lines/"))),
        (person(BOOKING_PROD, "Developer"), 8, (look_around,)),
        (vault, 22, (cards,)),
        (
            worker(PAYMENTS_PROD, "app/Ledger"),
            12,
            (
                _fixed(
                    calls.queue("SendMessage", PAYMENTS_PROD, "settled"),
                    calls.queue("ReceiveMessage", PAYMENTS_PROD, "settled"),
                ),
                _any_object("nordhaven-payments-export", f"{day}/", "PutObject"),
            ),
        ),
        (person(PAYMENTS_PROD, "OnCall"), 4, (look_around,)),
        (person(BOOKING_DEV, "Operator"), 10, (look_around, _any_object("nordhaven-booking-dev", "fixtures/"))),
        (person(PAYMENTS_DEV, "Developer"), 6, (look_around, _any_object("nordhaven-payments-dev", "fixtures/"))),
        (
            worker(BUILD, "service-role/codebuild-website-service-role", AGENT_BOTO.format("AWS_CODEBUILD"), NAT_BUILD),
            12,
            (
                _any_object("nordhaven-build-artifacts", "cache/"),
                _any_object("nordhaven-build-artifacts", "out/", "PutObject"),
                _fixed(
                    calls.read(
                        "ecr", "BatchGetImage", FRANKFURT, repositoryName="website", imageIds=[{"imageTag": "base"}]
                    )
                ),
            ),
        ),
        (
            person(NETWORK, "NetworkAdmin"),
            5,
            (
                _fixed(
                    calls.read("ec2", "DescribeTransitGateways", FRANKFURT),
                    calls.read("ec2", "DescribeTransitGateways", IRELAND),
                    calls.read("route53", "ListHostedZones", GLOBAL),
                ),
            ),
        ),
        (
            person(SECURITY_TOOLS, "Auditor"),
            5,
            (
                _fixed(
                    calls.read("guardduty", "ListDetectors", FRANKFURT),
                    calls.read("access-analyzer", "ListAnalyzers", FRANKFURT),
                    calls.read("guardduty", "ListDetectors", IRELAND),
                ),
            ),
        ),
        (service("cloudtrail.amazonaws.com"), 8, (_any_object("nordhaven-audit-log", f"AWSLogs/{day}/", "PutObject"),)),
        (
            person(SANDBOX_ANALYTICS, "Analyst"),
            6,
            (
                _any_object("nordhaven-sandbox-lab", "input/"),
                _any_object("nordhaven-sandbox-lab", "output/", "PutObject"),
                _fixed(calls.read("lambda", "ListFunctions20150331", FRANKFURT)),
            ),
        ),
        (
            person(MANAGEMENT, "Administrator"),
            4,
            (
                _fixed(
                    calls.read("organizations", "ListAccounts", GLOBAL),
                    calls.read("organizations", "DescribeOrganization", GLOBAL),
                    calls.read("ce", "GetCostAndUsage", GLOBAL),
                ),
            ),
        ),
    ]


#: Accounts that are quiet on most days: their routine is told on these days only, which keeps the files few.
_QUIET = {NETWORK: DAYS[::4], SECURITY_TOOLS: DAYS[::4], MANAGEMENT: DAYS[::4], PAYMENTS_DEV: DAYS[::4]}
_QUIET_TOO = {BUILD: DAYS[::2], BOOKING_DEV: DAYS[::2], AUDIT_LOG: DAYS[::2], SANDBOX_ANALYTICS: DAYS[1::2]}


def everyday_calls(journal: Journal) -> None:
    """Routine of all accounts on all days; ``expected.json`` only counts them."""
    quiet = _QUIET | _QUIET_TOO
    for day in DAYS:
        story = Story(f"{PREFIX}{day}", journal)
        for caller, amount, kinds in _actors(story, day):
            account = caller.account or AUDIT_LOG
            if day not in quiet.get(account, DAYS):
                continue
            chance = random.Random(f"{day}/{_seed(caller, day)}")
            for _ in range(amount):
                when = at(day, "00:05:00") + timedelta(seconds=chance.randrange(23 * 3600))
                call = chance.choice(kinds)(chance)
                # No policy reaches the management account, and none GetCallerIdentity.
                beyond = account == MANAGEMENT or call.name == "GetCallerIdentity"
                outcome: Outcome = "exempt" if beyond else "unchanged"
                story.log(caller, when, call, outcome, tls=None if caller.account == "" else "TLSv1.3")


STORIES = (everyday_calls,)
