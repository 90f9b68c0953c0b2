"""Stories of people behind Identity Center: developers, an operator, an analyst, a data steward, somebody on call."""

from __future__ import annotations

from storybook import calls, denials
from storybook.identities import (
    identity_center_user,
    saml_user,
)
from storybook.journal import Journal, Story
from storybook.privileged import console_login
from storybook.world import (
    ADA,
    BOOKING_DEV,
    BOOKING_PROD,
    DAYS,
    ELIN,
    FRANKFURT,
    GLOBAL,
    HOME,
    HOME_IPV6,
    IRELAND,
    JONAS,
    MANAGEMENT,
    MIRA,
    NOOR,
    OFFICE,
    PAYMENTS_KEY,
    PAYMENTS_PROD,
    REGIONS_2026,
    SANDBOX_ANALYTICS,
    Json,
    at,
    digest,
    role_arn,
    single_sign_on_role,
)


def _portal(user: str) -> Json:
    """``onBehalfOf`` of an identity-enhanced session."""
    return {
        "userId": f"f3ry{digest('identity-store', user)[:8]}-0000-4000-8000-{digest('identity-store', user)[8:20]}",
        "identityStoreArn": f"arn:aws:identitystore::{MANAGEMENT}:identitystore/d-99670c0de1",
    }


def mira_develops(journal: Journal) -> None:
    """A developer behind an Identity Center role: looks at Ireland, deletes tickets with unknown tags."""
    story = Story("mira-develops", journal)
    role = single_sign_on_role(BOOKING_PROD, "Developer")
    for day in (DAYS[0], DAYS[3], DAYS[6], DAYS[8]):
        person = saml_user(MIRA, address=OFFICE)
        session = story.sign_in(person, at(day, "08:58:04"), role, outcome="unchanged", on_behalf_of=_portal(MIRA))
        console_login(story, session, day, "08:58:31", FRANKFURT, mfa="No")
        story.log(session, at(day, "09:03:10"), calls.s3_listing("nordhaven-tickets", "2026/"), "unchanged")
        for minute in (5, 6, 8):
            call = calls.read("ec2", "DescribeInstances", IRELAND, instancesSet={}, filterSet={})
            story.log(session, at(day, f"09:{minute:02}:40"), call, "newly_denied", REGIONS_2026)
        for number in (1, 2):
            call = calls.s3_object("DeleteObject", "nordhaven-tickets", f"2026/test-{day}-{number}.pdf")
            story.log(
                session,
                at(day, f"09:2{number}:15"),
                call,
                "possibly_newly_denied",
                "OnlyStewardsDelete",
                unknown=["aws:PrincipalTag/data-steward"],
                why="tags of Identity Center roles are not in the snapshot",
            )
    portal = identity_center_user(MANAGEMENT, _portal(MIRA)["userId"], address=OFFICE)
    call = calls.Call("sso", "ListAccounts", FRANKFURT, None)
    story.log(portal, at(DAYS[8], "08:57:50"), call, "skipped", why="access portal: a token, no IAM decision")


def jonas_launches_servers(journal: Journal) -> None:
    """An operator in booking-dev launches instances with, without and with optional IMDSv2, and one with a GPU."""
    story = Story("jonas-launches-servers", journal)
    role = single_sign_on_role(BOOKING_DEV, "Operator")
    day = DAYS[2]
    session = story.sign_in(saml_user(JONAS, address=OFFICE), at(day, "07:45:00"), role, outcome="unchanged")
    profile = f"arn:aws:iam::{BOOKING_DEV}:instance-profile/app/SeatMap"
    launch = calls.run_instances(
        "t3.small", "required", profile=profile, tags=[("team", "booking"), ("owner", "jonas")]
    )
    story.log(session, at(day, "07:50:00"), launch, "unchanged", why="tokens are required in the request")
    launch = calls.run_instances("t3.small", "optional")
    story.log(session, at(day, "07:52:10"), launch, "newly_denied", "LaunchWithTokens")
    launch = calls.run_instances("t3.micro", None, tags=[("team", "booking")])
    story.log(
        session,
        at(day, "07:54:20"),
        launch,
        "possibly_newly_denied",
        "LaunchWithTokens",
        unknown=["ec2:MetadataHttpTokens"],
        why="the image or the account may set the default",
    )
    weaken = calls.write(
        "ec2",
        "ModifyInstanceMetadataOptions",
        FRANKFURT,
        ModifyInstanceMetadataOptionsRequest={"InstanceId": "i-0c0ffee000000aa01", "HttpTokens": "optional"},
    )
    story.log(session, at(day, "07:58:00"), weaken, "newly_denied", "KeepTokensRequired")
    dry_run = calls.run_instances("t3.small", "optional", IRELAND).on(dryRun=True)
    error = ("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    story.log(
        session,
        at(day, "08:01:00"),
        dry_run,
        "newly_denied",
        [REGIONS_2026, "LaunchWithTokens"],
        error=error,
        why="a dry run that would have succeeded had passed authorization",
    )
    error = ("Client.RequestLimitExceeded", "Request limit exceeded.")
    for second in (1, 2, 3):
        call = calls.read("ec2", "DescribeInstanceStatus", IRELAND, instancesSet={}, filterSet={})
        story.log(
            session, at(day, f"08:04:0{second}"), call, "newly_denied", REGIONS_2026, error=error, why="throttled"
        )
    gpu = calls.run_instances("g5.xlarge", "required")
    place = f"arn:aws:ec2:{FRANKFURT}:{BOOKING_DEV}:instance/*"
    policy = f"arn:aws:organizations::{MANAGEMENT}:policy/o-exampleorg1/service_control_policy/p-nobigservers"
    story.log(
        session,
        at(day, "08:10:00"),
        gpu,
        "newly_allowed",
        "NoGpuServers",
        error=denials.by_ec2(session, "ec2:RunInstances", place, policy=policy),
        why="no-gpu-servers is detached",
    )
    gpu = calls.run_instances("g5.xlarge", "optional")
    story.log(
        session,
        at(day, "08:11:00"),
        gpu,
        "unchanged",
        error=denials.by_ec2_encoded(session),
        why="denied before by NoGpuServers, after by LaunchWithTokens; the message is encoded",
    )
    athena = session.through("athena.amazonaws.com")
    call = calls.s3_object("GetObject", "nordhaven-booking-dev", "reports/occupancy.parquet")
    story.log(
        athena,
        at(day, "08:20:00"),
        call,
        "possibly_newly_denied",
        ["NoPlainHttp", "NoOldTls"],
        tls=None,
        unknown=["aws:SecureTransport", "s3:TlsVersion"],
        why="the record of a forward access session has no tlsDetails",
    )
    presigned = calls.s3_object("GetObject", "nordhaven-booking-dev", "reports/occupancy.csv")
    story.log(
        session,
        at(day, "08:25:00"),
        presigned,
        "possibly_newly_denied",
        ["NoPlainHttp", "NoOldTls"],
        tls=None,
        unknown=["aws:SecureTransport", "s3:TlsVersion"],
        why="no tlsDetails: plain HTTP or not recorded",
    )


def ada_explores(journal: Journal) -> None:
    """An analyst in the sandbox, whose sign-in itself the sandbox perimeter would deny."""
    story = Story("ada-explores", journal)
    role = single_sign_on_role(SANDBOX_ANALYTICS, "Analyst")
    account = SANDBOX_ANALYTICS
    for day in (DAYS[1], DAYS[4], DAYS[7]):
        session = story.sign_in(
            saml_user(ADA, address=HOME),
            at(day, "13:00:05"),
            role,
            outcome="newly_denied",
            by="SandboxForOurPrincipals",
            why="a person signing in has no aws:PrincipalOrgID yet",
        )
        clusters = calls.read("redshift", "DescribeClusters", FRANKFURT, clusterIdentifier="pricing")
        story.log(session, at(day, "13:05:00"), clusters, "newly_denied", why="Redshift left the list: implicit deny")
        story.log(session, at(day, "13:06:00"), calls.s3_listing("nordhaven-sandbox-lab", "input/"), "unchanged")
        story.log(
            session,
            at(day, "13:07:00"),
            calls.s3_object("GetObject", "nordhaven-sandbox-lab", f"input/{day}.csv"),
            "unchanged",
        )
        model = "anthropic.claude-haiku-4-5-20251001-v1:0"
        arn = f"arn:aws:bedrock:{FRANKFURT}::foundation-model/{model}"
        ask = calls.read("bedrock", "InvokeModel", FRANKFURT, modelId=model)
        story.log(
            session,
            at(day, "13:10:00"),
            ask,
            "newly_allowed",
            (),
            error=denials.no_scp_allows(session, "bedrock:InvokeModel", arn),
            why="Bedrock joined the list",
        )
    session = story.sign_in(
        saml_user(ADA, address=HOME),
        at(DAYS[7], "15:00:00"),
        role,
        outcome="newly_denied",
        by="SandboxForOurPrincipals",
    )
    notebook = calls.write(
        "sagemaker", "CreateNotebookInstance", notebookInstanceName="try", instanceType="ml.t3.medium"
    )
    arn = f"arn:aws:sagemaker:{FRANKFURT}:{account}:notebook-instance/try"
    story.log(
        session,
        at(DAYS[7], "15:04:00"),
        notebook,
        "unchanged",
        error=denials.no_scp_allows(session, "sagemaker:CreateNotebookInstance", arn),
        why="not on either list",
    )
    leave = calls.write("organizations", "LeaveOrganization", GLOBAL)
    story.log(
        session,
        at(DAYS[7], "15:06:00"),
        leave,
        "unchanged",
        error=denials.by_policy(session, "organizations:LeaveOrganization", None),
        why="denied by the current SCP; message without policy ARN or resource",
    )
    gone = ("NoSuchKey", "The specified key does not exist.")
    call = calls.s3_object("GetObject", "nordhaven-sandbox-lab", "input/missing.csv")
    story.log(session, at(DAYS[7], "15:08:00"), call, "unchanged", error=gone)


def noor_deletes_as_steward(journal: Journal) -> None:
    """A person takes on a second role with a session tag and a source identity; the tag lets her delete."""
    story = Story("noor-deletes-as-steward", journal)
    day = DAYS[5]
    first = story.sign_in(
        saml_user(NOOR, address=OFFICE),
        at(day, "10:00:00"),
        single_sign_on_role(BOOKING_PROD, "DataTeam"),
        outcome="unchanged",
    )
    steward = story.assume_role(
        first,
        at(day, "10:02:00"),
        role_arn(BOOKING_PROD, "data/Steward"),
        "noor-haddad",
        outcome="unchanged",
        tags={"data-steward": "true"},
        source_identity=NOOR,
    )
    for number in range(3):
        call = calls.s3_object("DeleteObject", "nordhaven-invoices", f"2019/old-{number}.pdf")
        why = "the session tag stands in the AssumeRole record with the same access key"
        story.log(steward, at(day, f"10:0{number + 4}:00"), call, "unchanged", why=why)
    lifecycle = calls.s3_bucket("PutBucketLifecycle", "nordhaven-invoices", lifecycle="")
    story.log(steward, at(day, "10:10:00"), lifecycle, "newly_denied", "BucketsStay")
    # The same role without the tag: nobody knows whether the role itself is tagged.
    untagged = story.assume_role(
        first, at(day, "10:20:00"), role_arn(BOOKING_PROD, "data/Steward"), "noor-haddad", outcome="unchanged"
    )
    call = calls.s3_object("DeleteObject", "nordhaven-invoices", "2019/old-9.pdf")
    story.log(
        untagged,
        at(day, "10:21:00"),
        call,
        "possibly_newly_denied",
        "OnlyStewardsDelete",
        unknown=["aws:PrincipalTag/data-steward"],
    )


def elin_reads_card_data(journal: Journal) -> None:
    """Somebody on call reads card data from the office, from home, over IPv6, and through other services."""
    story = Story("elin-reads-card-data", journal)
    day, sid = DAYS[6], "CardDataFromKnownNetworks"
    role = single_sign_on_role(PAYMENTS_PROD, "OnCall")
    get = calls.table("GetItem", PAYMENTS_PROD, "cards")
    secret = calls.secret("GetSecretValue", PAYMENTS_PROD, "acquirer/api")
    office = story.sign_in(saml_user(ELIN, address=OFFICE), at(day, "11:00:00"), role, outcome="unchanged")
    story.log(office, at(day, "11:02:00"), get, "unchanged", why="office network")
    home = story.sign_in(saml_user(ELIN, address=HOME), at(day, "20:00:00"), role, outcome="unchanged")
    story.log(home, at(day, "20:01:00"), get, "newly_denied", sid)
    story.log(home, at(day, "20:02:00"), secret, "newly_denied", sid)
    story.log(home.from_network(HOME_IPV6), at(day, "20:03:00"), get, "newly_denied", sid, why="IPv6")
    why = "the service calls on: the record shows its DNS name, not the caller's address"
    for clock, name in (("20:02:01", "secretsmanager.amazonaws.com"), ("20:05:00", "s3.amazonaws.com")):
        decrypt = calls.kms("Decrypt", PAYMENTS_KEY, encryptionContext={"purpose": name.split(".")[0]})
        story.log(
            home.through(name),
            at(day, clock),
            decrypt,
            "possibly_newly_denied",
            sid,
            tls=None,
            unknown=["aws:SourceIp"],
            why=why,
        )
    hidden = home.from_network("AWS Internal", agent="AWS Internal")
    story.log(
        hidden,
        at(day, "20:07:00"),
        calls.table("Query", PAYMENTS_PROD, "cards"),
        "possibly_newly_denied",
        sid,
        tls=None,
        unknown=["aws:SourceIp", "aws:SourceVpce"],
        why="made in the console: the address is AWS Internal",
    )


STORIES = (
    mira_develops,
    jonas_launches_servers,
    ada_explores,
    noor_deletes_as_steward,
    elin_reads_card_data,
)
