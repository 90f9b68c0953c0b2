"""Stories of machines: functions, instances, pods, containers, jobs, and AWS services acting as themselves."""

from __future__ import annotations

from storybook import calls, denials
from storybook.identities import AGENT_BOTO, service, web_identity_user
from storybook.journal import Journal, Story
from storybook.world import (
    ANALYTICS_ENDPOINT,
    AUDIT_KEY,
    BOOKING_ENDPOINT,
    BOOKING_PROD,
    DAYS,
    FRANKFURT,
    IRELAND,
    LAMBDA_PUBLIC,
    NAT_BOOKING,
    PAYMENTS_ENDPOINT,
    PAYMENTS_KEY,
    PAYMENTS_PROD,
    REGIONS_2026,
    SHORT_LIVED_KEY,
    STOCKHOLM,
    at,
    digest,
    letters,
    policy_arn,
    role_arn,
)

AGENT_LAMBDA = AGENT_BOTO.format("AWS_Lambda_python3.12")
STEWARDS = "OnlyStewardsDelete"


def invoice_mailer(journal: Journal) -> None:
    """A Lambda function that clears up after itself; its role has tags, but not the steward's."""
    story = Story("invoice-mailer", journal)
    function = f"arn:aws:lambda:{FRANKFURT}:{BOOKING_PROD}:function:invoice-mailer"
    role = role_arn(BOOKING_PROD, "service-role/invoice-mailer-role")
    scope = {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": function}
    for day in DAYS[:6]:
        mailer = story.assume_role(
            service("lambda.amazonaws.com"),
            at(day, "02:00:00"),
            role,
            "invoice-mailer",
            outcome="unchanged",
            address=LAMBDA_PUBLIC,
            agent=AGENT_LAMBDA,
            in_scope_of=scope,
        )
        for number in range(3):
            story.log(
                mailer,
                at(day, f"02:01:0{number}"),
                calls.queue("ReceiveMessage", BOOKING_PROD, "invoices"),
                "unchanged",
            )
            call = calls.s3_object("PutObject", "nordhaven-invoices", f"{day}/{number}.pdf")
            story.log(mailer, at(day, f"02:02:0{number}"), call, "unchanged")
        call = calls.s3_object("DeleteObject", "nordhaven-invoices", f"tmp/{day}.html")
        story.log(mailer, at(day, "02:03:00"), call, "newly_denied", STEWARDS, why="role tags known, session has none")
        context = {"aws:lambda:FunctionArn": function}
        call = calls.kms("Decrypt", SHORT_LIVED_KEY, encryptionContext=context)
        story.log(mailer, at(day, "02:00:01"), call, "unchanged")
    day = DAYS[5]
    many = story.log(
        mailer, at(day, "02:05:00"), calls.s3_delete_many("nordhaven-invoices", 3), "newly_denied", STEWARDS
    )
    for number in range(3):
        call = calls.s3_object("DeleteObject", "nordhaven-invoices", f"tmp/batch-{number}.html")
        story.log(
            mailer,
            at(day, "02:05:00"),
            call,
            "skipped",
            why="part of DeleteObjects: one call, not four",
            tls=None,
            event_type="AwsServiceEvent",
            request_id=many["requestID"],
        )


def retention_job(journal: Journal) -> None:
    """A Glue job whose role carries the steward's tag in the snapshot."""
    story = Story("retention-job", journal)
    role = role_arn(BOOKING_PROD, "data/RetentionJob")
    for day in (DAYS[2], DAYS[5]):
        job = story.assume_role(
            service("glue.amazonaws.com"),
            at(day, "03:00:00"),
            role,
            "GlueJobRunnerSession",
            outcome="unchanged",
            address=NAT_BOOKING,
            agent=AGENT_BOTO.format("AWS_Glue"),
        )
        for number in range(4):
            key = f"2018/{day}-{number}.pdf"
            read = calls.s3_object("GetObject", "nordhaven-invoices", key, versionId=letters(32, "version", key))
            story.log(job, at(day, f"03:0{number}:10"), read, "unchanged", why="s3:GetObjectVersion")
            gone = calls.s3_object("DeleteObject", "nordhaven-invoices", key, versionId=letters(32, "version", key))
            story.log(job, at(day, f"03:0{number}:20"), gone, "unchanged", why="tagged steward; s3:DeleteObjectVersion")


def timetable_pods(journal: Journal) -> None:
    """An EKS pod (IRSA): its token exchange has no GitHub subject, and …IfExists takes that for a match."""
    story = Story("timetable-pods", journal)
    cluster = f"oidc.eks.{FRANKFURT}.amazonaws.com/id/{digest('cluster')[:32].upper()}"
    provider = f"arn:aws:iam::{BOOKING_PROD}:oidc-provider/{cluster}"
    agent = AGENT_BOTO.format("EKS")
    for number, day in enumerate((DAYS[1], DAYS[3], DAYS[5], DAYS[8])):
        holder = web_identity_user(
            provider, "sts.amazonaws.com", "system:serviceaccount:booking:timetable", address=NAT_BOOKING, agent=agent
        )
        pod = story.exchange_token(
            holder,
            at(day, "04:00:00"),
            role_arn(BOOKING_PROD, "app/TimetableReader"),
            f"botocore-session-17860{number}",
            outcome="newly_denied",
            by="OnlyOurPipelines",
            why="…IfExists matches where the key is missing",
        )
        for minute in range(1, 4):
            call = calls.s3_object("GetObject", "nordhaven-timetables", f"line-{minute}.json")
            story.log(pod, at(day, f"04:0{minute}:00"), call, "unchanged", why="lost with its sign-in")
            call = calls.queue("SendMessage", BOOKING_PROD, "departures")
            story.log(pod, at(day, f"04:0{minute}:02"), call, "unchanged", why="lost with its sign-in")


def seat_map_servers(journal: Journal) -> None:
    """EC2 instances: S3 through a gateway endpoint, EC2 in Ireland and in Stockholm."""
    story = Story("seat-map-servers", journal)
    role = role_arn(BOOKING_PROD, "app/SeatMap")
    for number, day in enumerate((DAYS[0], DAYS[2], DAYS[7])):
        server = story.session(
            role,
            f"i-0c0ffee000000bb0{number}",
            at(day, "05:59:00"),
            address="10.20.4.17",
            agent=AGENT_BOTO.format("EC2"),
            endpoint=BOOKING_ENDPOINT,
            ec2_delivery="2.0",
        )
        for minute in range(3):
            call = calls.s3_object("GetObject", "nordhaven-timetables", f"deck-{minute}.json")
            story.log(server, at(day, f"06:0{minute}:00"), call, "unchanged", why="in through our endpoint")
        outside = server.from_network(NAT_BOOKING)
        call = calls.read("ec2", "DescribeTags", IRELAND, filterSet={})
        story.log(outside, at(day, "06:10:00"), call, "newly_denied", REGIONS_2026)
        call = calls.read("ec2", "DescribeTags", STOCKHOLM, filterSet={})
        denied = denials.by_ec2(outside, "ec2:DescribeTags", "*", policy=policy_arn("p-regions2024"))
        story.log(outside, at(day, "06:11:00"), call, "newly_allowed", "OnlyFrankfurtAndIreland", error=denied)
    call = calls.read("ec2", "DescribeImages", STOCKHOLM, imagesSet={}, filterSet={})
    why = "AWS let it through although the snapshot's policy denies it: drift"
    story.log(outside, at(DAYS[7], "06:12:00"), call, "newly_allowed", "OnlyFrankfurtAndIreland", why=why)
    call = calls.write("acm", "RequestCertificate", "us-east-1", domainName="seats.ferries.example")
    denied = denials.by_policy(
        outside,
        "acm:RequestCertificate",
        f"arn:aws:acm:us-east-1:{BOOKING_PROD}:certificate/*",
        policy=policy_arn("p-regions2024"),
        code="AccessDeniedException",
    )
    story.log(outside, at(DAYS[7], "06:13:00"), call, "unchanged", error=denied, why="denied before and after")


def payments_machines(journal: Journal) -> None:
    """Card data read through the right endpoint, through another one, and from a function without a network."""
    story = Story("payments-machines", journal)
    sid = "CardDataFromKnownNetworks"
    read = calls.table("GetItem", PAYMENTS_PROD, "cards")
    for day in (DAYS[1], DAYS[5], DAYS[9]):
        vault = story.session(
            role_arn(PAYMENTS_PROD, "app/CardVault"),
            digest("task", day)[:32],
            at(day, "00:00:01"),
            address="10.40.0.11",
            agent=AGENT_BOTO.format("AWS_ECS_FARGATE"),
            endpoint=PAYMENTS_ENDPOINT,
        )
        story.log(vault, at(day, "00:10:00"), read, "unchanged", why="known endpoint")
        story.log(vault, at(day, "00:10:01"), calls.kms("Decrypt", PAYMENTS_KEY), "unchanged", why="known endpoint")
        scores = story.session(
            role_arn(PAYMENTS_PROD, "app/FraudScores"),
            digest("scores", day)[:32],
            at(day, "00:00:02"),
            address="10.50.0.9",
            agent=AGENT_BOTO.format("AWS_ECS_FARGATE"),
            endpoint=ANALYTICS_ENDPOINT,
        )
        for minute in range(2):
            call = calls.table("Query", PAYMENTS_PROD, "cards")
            story.log(scores, at(day, f"00:2{minute}:00"), call, "newly_denied", sid, why="another endpoint")
        settlement = story.assume_role(
            service("lambda.amazonaws.com"),
            at(day, "01:00:00"),
            role_arn(PAYMENTS_PROD, "app/Settlement"),
            "settlement",
            outcome="unchanged",
            address=LAMBDA_PUBLIC,
            agent=AGENT_LAMBDA,
            in_scope_of={
                "issuerType": "AWS::Lambda::Function",
                "credentialsIssuedTo": f"arn:aws:lambda:{FRANKFURT}:{PAYMENTS_PROD}:function:settlement",
            },
        )
        for second in range(3):
            story.log(settlement, at(day, f"01:00:1{second}"), read, "newly_denied", sid, why="not in a VPC")
        story.log(settlement, at(day, "01:00:20"), calls.queue("SendMessage", PAYMENTS_PROD, "settled"), "unchanged")
    # AWS's own endpoint in a forward access session says nothing about the caller's network.
    via = vault.through("dynamodb.amazonaws.com")
    extra = {"vpcEndpointId": "vpce-0f00000000000aws0"}
    story.log(
        via,
        at(DAYS[9], "00:10:02"),
        calls.kms("Decrypt", PAYMENTS_KEY),
        "possibly_newly_denied",
        sid,
        tls=None,
        unknown=["aws:SourceIp", "aws:SourceVpce"],
        extra=extra,
        why="the endpoint in the record is most likely DynamoDB's",
    )


def services_at_work(journal: Journal) -> None:
    """Service-linked roles and AWS services acting as themselves."""
    story = Story("services-at-work", journal)
    slr = role_arn(BOOKING_PROD, "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")
    log_key = "AWSLogs/o-exampleorg1/{0}/CloudTrail/eu-central-1/{1}.json.gz"
    for number, day in enumerate(DAYS[:5]):
        why = "service-linked role"
        scaling = story.assume_role(
            service("autoscaling.amazonaws.com"),
            at(day, "06:29:59"),
            slr,
            "AutoScaling",
            outcome="exempt",
            why="a service taking on its service-linked role",
            address="autoscaling.amazonaws.com",
            agent="autoscaling.amazonaws.com",
        ).through("autoscaling.amazonaws.com")
        launch = calls.run_instances("t3.small", None, IRELAND, tags=[("aws:autoscaling:groupName", "seats")])
        story.log(scaling, at(day, "06:30:00"), launch, "exempt", why=why, tls=None)
        call = calls.write(
            "ec2", "TerminateInstances", IRELAND, instancesSet={"items": [{"instanceId": f"i-0aa{number}"}]}
        )
        story.log(scaling, at(day, "19:30:00"), call, "exempt", why=why, tls=None)
        trail = service("cloudtrail.amazonaws.com")
        for account in (BOOKING_PROD, PAYMENTS_PROD):
            put = calls.s3_object("PutObject", "nordhaven-audit-log", log_key.format(account, day))
            why = "RCPs reach AWS services, but these except them"
            story.log(trail, at(day, "07:05:00"), put, "unchanged", why=why, tls=None)
        call = calls.kms("GenerateDataKey", AUDIT_KEY, keySpec="AES_256")
        story.log(trail, at(day, "07:05:00"), call, "unchanged", tls=None)
        bell = calls.invoke(BOOKING_PROD, "invoice-mailer")
        why = "SCPs do not bind services and RCPs do not cover Lambda"
        story.log(service("events.amazonaws.com"), at(day, "01:59:59"), bell, "exempt", why=why, tls=None)
    steps = story.session(
        role_arn(BOOKING_PROD, "service-role/StepFunctions-boarding"),
        letters(32, "execution"),
        at(DAYS[3], "06:00:00"),
        address="states.amazonaws.com",
        agent="states.amazonaws.com",
    ).through("states.amazonaws.com")
    call = calls.invoke(BOOKING_PROD, "boarding-pass")
    story.log(steps, at(DAYS[3], "06:00:01"), call, "unchanged", why="an ordinary role that a service uses", tls=None)


def own_users_abroad(journal: Journal) -> None:
    """Our own workloads and other companies' buckets."""
    story = Story("own-users-abroad", journal)
    role = role_arn(BOOKING_PROD, "app/BookingApi")
    for day in (DAYS[2], DAYS[6]):
        api = story.session(
            role,
            digest("api", day)[:32],
            at(day, "10:00:00"),
            address=NAT_BOOKING,
            agent=AGENT_BOTO.format("AWS_ECS_FARGATE"),
        )
        berths = calls.s3_object("GetObject", "harbour-authority-berths", f"{day}.json")
        story.log(api, at(day, "10:05:00"), berths, "unchanged", why="their bucket: our RCPs do not apply")
        report = calls.s3_object("PutObject", "harbour-authority-berths", f"arrivals/{day}.json")
        why = "whichever organization they are in, or none: it is not ours"
        story.log(api, at(day, "10:06:00"), report, "newly_denied", "WriteOnlyToOurBuckets", why=why)
        shared = calls.s3_object("PutObject", "nordhaven-shared-assets", f"logo-{day}.svg")
        story.log(
            api,
            at(day, "10:07:00"),
            shared,
            "possibly_newly_denied",
            "WriteOnlyToOurBuckets",
            unknown=["aws:ResourceOrgID"],
            why="nobody knows who owns the bucket",
        )
        plain = calls.s3_object("GetObject", "nordhaven-shared-assets", "logo.svg")
        story.log(
            api,
            at(day, "10:08:00"),
            plain,
            "possibly_newly_denied",
            ["NoPlainHttp", "NoOldTls"],
            tls=None,
            unknown=["resource_account", "aws:SecureTransport", "s3:TlsVersion"],
            why="whose bucket, and over what?",
        )


STORIES = (
    invoice_mailer,
    retention_job,
    timetable_pods,
    seat_map_servers,
    payments_machines,
    services_at_work,
    own_users_abroad,
)
