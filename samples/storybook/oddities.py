"""Records that make a reader stumble: refusals in every form, errors, hostile text, repeats, mere notifications."""

from __future__ import annotations

from dataclasses import replace

from storybook import calls, denials
from storybook.identities import AGENT_BROWSER, Caller
from storybook.journal import Journal, Story
from storybook.world import (
    AUDIT_KEY,
    AUDIT_LOG,
    BOOKING_DEV,
    BOOKING_PROD,
    DAYS,
    FRANKFURT,
    HOME,
    IRELAND,
    PAYMENTS_PROD,
    REGIONS_2026,
    SECURITY_TOOLS,
    Json,
    at,
    iso,
    policy_arn,
    role_arn,
)

RCP = "resource control policy"


def guardrails_that_hold(journal: Journal) -> None:
    """Refusals by policies in force today, in the forms not told elsewhere; the proposal changes nothing about them."""
    story = Story("guardrails-that-hold", journal)
    day = DAYS[5]
    dev = story.session(role_arn(BOOKING_DEV, "Developer"), "tariq", at(day, "16:00:00"))
    trail = f"arn:aws:cloudtrail:{FRANKFURT}:{BOOKING_DEV}:trail/organization"
    stop = calls.write("cloudtrail", "StopLogging", FRANKFURT, name=trail)
    error = denials.by_policy(dev, "cloudtrail:StopLogging", trail, policy=policy_arn("p-audittrail1"))
    story.log(dev, at(day, "16:01:00"), stop, "unchanged", error=error, why="SCP, with policy ARN")

    reader = story.session(role_arn(AUDIT_LOG, "LogReader"), "weekly", at(day, "16:10:00"))
    policy = policy_arn("p-keeplogsrcp", "resource_control_policy")
    delete = calls.s3_object("DeleteObject", "nordhaven-audit-log", "AWSLogs/old.json.gz")
    arn = "arn:aws:s3:::nordhaven-audit-log/AWSLogs/old.json.gz"
    error = denials.by_s3(reader, "s3:DeleteObject", arn, kind=RCP, policy=policy)
    story.log(reader, at(day, "16:11:00"), delete, "unchanged", error=error, why="RCP, in S3's form")
    disable = calls.kms("DisableKey", AUDIT_KEY)
    error = denials.by_policy(
        reader, "kms:DisableKey", AUDIT_KEY, kind=RCP, policy=policy, code="AccessDeniedException"
    )
    story.log(reader, at(day, "16:12:00"), disable, "unchanged", error=error, why="RCP, with policy ARN")

    keeper = story.session(role_arn(SECURITY_TOOLS, "security/TrailKeeper"), "change-118", at(day, "16:20:00"))
    update = calls.write("cloudtrail", "UpdateTrail", FRANKFURT, name="organization", isMultiRegionTrail=True)
    story.log(keeper, at(day, "16:21:00"), update, "unchanged", why="tagged audit-admin in the snapshot")
    other = story.session(role_arn(SECURITY_TOOLS, "platform/Setup"), "setup", at(day, "16:25:00"))
    why = "undecided by a statement that stands in both versions: the success proves it did not match"
    story.log(other, at(day, "16:26:00"), update, "unchanged", why=why)
    story.log(
        replace(other, address=HOME),
        at(day, "16:27:00"),
        calls.read("sts", "GetCallerIdentity"),
        "exempt",
        why="no policy can deny it",
    )


def refusals_in_other_words(journal: Journal) -> None:
    """Refusals that the proposal would repeat: lower-case action, identity policy, EC2's old form, null parameters."""
    story = Story("refusals-in-other-words", journal)
    day = DAYS[7]
    worker = story.session(
        role_arn(BOOKING_PROD, "app/Replicator"), "replicate", at(day, "18:00:00"), address="203.0.113.10"
    )
    call = calls.queue("ReceiveMessage", BOOKING_PROD, "departures", IRELAND)
    arn = f"arn:aws:sqs:{IRELAND}:{BOOKING_PROD}:departures"
    error = denials.by_identity_policy(worker, "sqs:receivemessage", arn)
    story.log(worker, at(day, "18:01:00"), call, "already_denied", REGIONS_2026, error=error, why="lower-case action")
    call = calls.read("ec2", "DescribeSnapshots", IRELAND).without_parameters()
    error = denials.by_ec2_encoded(worker)
    story.log(worker, at(day, "18:02:00"), call, "already_denied", REGIONS_2026, error=error, why="only encoded")
    call = calls.s3_object("DeleteObject", "nordhaven-tickets", "2026/refused.pdf")
    error = denials.by_identity_policy(worker, "s3:DeleteObject", '"arn:aws:s3:::nordhaven-tickets/2026/refused.pdf"')
    story.log(
        worker,
        at(day, "18:03:00"),
        call,
        "already_denied",
        "OnlyStewardsDelete",
        unknown=["aws:PrincipalTag/data-steward"],
        error=error,
        why="undecided, but it failed anyway",
    )
    error = ("AccessDenied", "Access Denied")
    call = calls.s3_bucket("DeleteBucket", "nordhaven-tickets")
    story.log(worker, at(day, "18:04:00"), call, "already_denied", "BucketsStay", error=error)
    call = calls.s3_bucket("GetBucketLocation", "nordhaven-tickets").without_parameters()
    error = denials.by_identity_policy(worker, "s3:GetBucketLocation")
    story.log(worker, at(day, "18:05:00"), call, "unchanged", error=error)
    call = calls.read("ssm", "GetParametersByPath", IRELAND, path="/booking/", recursive=True)
    error = ("ThrottlingException", "Rate exceeded")
    story.log(
        worker, at(day, "18:05:30"), call, "newly_denied", REGIONS_2026, error=error, why="throttled, not refused"
    )
    call = calls.table("PutItem", BOOKING_PROD, "bookings")
    error = ("ConditionalCheckFailedException", "The conditional request failed")
    story.log(worker, at(day, "18:06:00"), call, "unchanged", error=error)
    call = calls.table("GetItem", BOOKING_PROD, "bookings-2017")
    error = ("ResourceNotFoundException", "Requested resource not found")
    story.log(worker, at(day, "18:07:00"), call, "unchanged", error=error)


def hostile_text(journal: Journal) -> None:
    """Text that tries to get out of terminals, pages, spreadsheets and reading direction."""
    story = Story("hostile-text", journal)
    day = DAYS[8]
    role = role_arn(BOOKING_DEV, "=1+1@guest")
    names = (
        "\u001b[31mred\u001b[0m\u001b]0;title\u0007",
        "<script>alert('session')</script>",
        '=HYPERLINK("https://evil.example","pay")',
        "\u202egnp.exe",
        "line\nbreak\ttab\u0000nul\u009bcsi",
        "javascript:alert(1)//\"'`",
    )
    for number, name in enumerate(names):
        guest = story.session(
            role,
            name,
            at(day, "22:00:00"),
            address="2001:db8::bad:cafe",
            agent=f"\"><img src=x onerror=alert({number})> \u200f\u202e' OR '1'='1",
        )
        call = calls.read("ec2", "DescribeInstances", IRELAND, instancesSet={}, filterSet={})
        story.log(guest, at(day, f"22:0{number}:00"), call, "newly_denied", REGIONS_2026)
        secret = calls.read("secretsmanager", "DescribeSecret", IRELAND, secretId=f"</td><b>{name}")
        story.log(guest, at(day, f"22:0{number}:10"), secret, "newly_denied", REGIONS_2026)
        key = f"{name}/../{'%2e' * 3}/|calc"
        call = calls.s3_object("GetObject", "nordhaven-booking-dev", key)
        story.log(guest, at(day, f"22:0{number}:20"), call, "unchanged")


def strange_addresses(journal: Journal) -> None:
    """Addresses that no address parser expects, on calls whose verdict hangs on the address."""
    story = Story("strange-addresses", journal)
    day, sid = DAYS[9], "CardDataFromKnownNetworks"
    role = role_arn(PAYMENTS_PROD, "app/Export")
    base = story.session(role, "export", at(day, "10:00:00"))
    call = calls.table("Scan", PAYMENTS_PROD, "cards")
    story.log(base, at(day, "10:01:00"), call, "unchanged")
    for second, address in enumerate(("198.51.100.7, 10.0.0.4", "198.051.100.007", "...")):
        story.log(
            replace(base, address=address),
            at(day, f"10:02:0{second}"),
            call,
            "possibly_newly_denied",
            sid,
            tls=None,
            unknown=["aws:SourceIp", "aws:SourceVpce"],
            why=f"no plain address: {address}",
        )


def unknown_services(journal: Journal) -> None:
    """A service that no catalog knows, and events that are no requests."""
    story = Story("unknown-services", journal)
    day = DAYS[6]
    who = story.session(role_arn(BOOKING_PROD, "app/BookingApi"), "berth", at(day, "12:00:00"), address="203.0.113.10")
    flag = calls.write("harbourmaster", "RaiseSignalFlag", FRANKFURT, flag="quebec", berth=7)
    story.log(who, at(day, "12:01:00"), flag, "unmapped", why="invented service")
    internal = Caller(
        {"accountId": BOOKING_PROD, "invokedBy": "AWS Internal"}, BOOKING_PROD, "AWS Internal", "AWS Internal"
    )
    rotate = calls.write("kms", "RotateKey", FRANKFURT)
    details = {"serviceEventDetails": {"keyId": "0a1f6f4e-0001-4a5e-9c1d-00000000b001"}}
    story.log(
        internal,
        at(day, "12:02:00"),
        rotate,
        "skipped",
        event_type="AwsServiceEvent",
        extra=details,
        tls=None,
        why="service event",
    )
    console = story.session(role_arn(BOOKING_PROD, "Support"), "desk", at(day, "12:03:00"), agent=AGENT_BROWSER)
    switch = calls.Call("signin", "SwitchRole", "us-east-1", None, read_only=False, response={"SwitchRole": "Success"})
    story.log(console, at(day, "12:03:00"), switch, "skipped", event_type="AwsConsoleSignIn", why="console sign-in")


def delivered_twice(journal: Journal) -> None:
    """The same records in a second file: same eventID, counted once."""
    story = Story("delivered-twice", journal)
    day = DAYS[7]
    who = story.session(role_arn(BOOKING_PROD, "app/Replicator"), "twice", at(day, "19:00:00"), address="203.0.113.10")
    for minute in range(6):
        call = calls.read("ec2", "DescribeVolumes", IRELAND, volumeSet={}, filterSet={})
        record = story.log(who, at(day, f"19:0{minute}:00"), call, "newly_denied", REGIONS_2026, why="delivered twice")
        story.deliver(record, late=True)
        call = calls.table("GetItem", BOOKING_PROD, "bookings")
        record = story.log(who, at(day, f"19:1{minute}:00"), call, "unchanged", why="delivered twice")
        story.deliver(record, late=True)


def other_event_folders(journal: Journal) -> None:
    """An Insight event, an aggregated event, and a network event (calls that an endpoint policy refused)."""
    story = Story("other-event-folders", journal)
    day = DAYS[7]
    who = story.session(
        role_arn(BOOKING_PROD, "app/SeatMap"),
        "i-0c0ffee000000bb07",
        at(day, "06:00:00"),
        address="10.20.4.17",
        endpoint="vpce-0123400000000cccc",
    )
    call = replace(calls.s3_object("GetObject", "nordhaven-tickets", "2026/a.pdf"), category="NetworkActivity")
    error = ("VpceAccessDenied", "The request was denied due to a VPC endpoint policy")
    record = story.record(
        who,
        at(day, "06:20:00"),
        replace(call, parameters=None),
        recipient=BOOKING_PROD,
        error=error,
        tls=None,
        event_type="AwsVpceEvent",
        extra={"vpcEndpointAccountId": BOOKING_PROD},
    )
    story.deliver(record, folder="CloudTrail-NetworkActivity")
    story.expect(
        [record],
        "already_denied",
        ["NoPlainHttp", "NoOldTls"],
        unknown=["action", "aws:SecureTransport", "s3:TlsVersion"],
        why="the endpoint refused it; without parameters it may also have asked for a version",
    )

    insight: Json = {
        "eventVersion": "1.09",
        "eventTime": iso(at(day, "18:05:00")),
        "awsRegion": FRANKFURT,
        "eventID": story.uuid(),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": BOOKING_PROD,
        "sharedEventID": story.uuid(),
        "insightDetails": {
            "state": "Start",
            "eventSource": "dynamodb.amazonaws.com",
            "eventName": "DescribeTable",
            "insightType": "ApiCallRateInsight",
            "insightContext": {"statistics": {"baseline": {"average": 0.02}, "insight": {"average": 9.5}}},
        },
        "eventCategory": "Insight",
    }
    story.deliver(insight, folder="CloudTrail-Insight")

    start = at(day, "18:00:00")
    aggregated: Json = {
        "eventVersion": "1.0",
        "eventId": story.uuid(),
        "eventTime": iso(start),
        "awsRegion": FRANKFURT,
        "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent",
        "recipientAccountId": BOOKING_PROD,
        "timeWindow": {"windowStart": iso(start), "windowEnd": iso(at(day, "18:05:00"))},
        "summary": {"template": "API_ACTIVITY", "eventSource": "s3.amazonaws.com", "eventCount": 412},
    }
    story.deliver(aggregated, folder="CloudTrail-Aggregated")


STORIES = (
    guardrails_that_hold,
    refusals_in_other_words,
    hostile_text,
    strange_addresses,
    unknown_services,
    delivered_twice,
    other_event_folders,
)
