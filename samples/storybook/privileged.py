"""Stories of privileged and old identities: root users, the management account, a user's keys, the emergency role."""

from __future__ import annotations

from datetime import timedelta

from storybook import calls, denials
from storybook.identities import (
    AGENT_BROWSER,
    AGENT_CLI,
    Caller,
    federated_user,
    iam_user,
    root_user,
    saml_user,
)
from storybook.journal import Journal, Story
from storybook.world import (
    BOOKING_DEV,
    BOOKING_PROD,
    DAYS,
    FRANKFURT,
    GLOBAL,
    HOME,
    IRELAND,
    JONAS,
    MANAGEMENT,
    MIRA,
    OFFICE,
    PAYMENTS_DEV,
    PERMANENT_KEY,
    REGIONS_2026,
    SECURITY_TOOLS,
    at,
    expiration,
    role_arn,
    single_sign_on_role,
)


def console_login(story: Story, who: Caller, day: str, clock: str, region: str = GLOBAL, *, mfa: str = "Yes") -> None:
    """A console sign-in event. AWS may check signin actions for it; the proposal adds nothing about these."""
    call = calls.Call(
        "signin",
        "ConsoleLogin",
        region,
        None,
        read_only=False,
        response={"ConsoleLogin": "Success"},
        additional={"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": mfa},
        host="signin.aws.amazon.com",
    )
    story.log(who, at(day, clock), call, "unchanged", why="console sign-in", event_type="AwsConsoleSignIn")


def root_users(journal: Journal) -> None:
    """The root user of payments-dev at work, and AssumeRoot sessions, which are no root user at work."""
    story = Story("root-users", journal)
    day = DAYS[4]
    root = root_user(PAYMENTS_DEV, at(day, "06:30:00"), story.access_key(), address=HOME, agent=AGENT_BROWSER, mfa=True)
    console_login(story, root, day, "06:30:00")
    both = ["NoLongLivedKeys", "NobodyWorksAsRoot"]
    console = {"sessionCredentialFromConsole": "true"}
    key = calls.create_access_key(None)
    why = "two statements, two findings; a console session is no AssumeRoot session"
    story.log(root, at(day, "06:33:00"), key, "newly_denied", both, extra=console, why=why)
    story.log(
        root,
        at(day, "06:34:00"),
        calls.read("iam", "GetAccountSummary", GLOBAL),
        "possibly_newly_denied",
        both[1],
        unknown=["aws:AssumedRoot"],
        why="without the console's mark these temporary credentials may as well come from AssumeRoot",
    )
    call = calls.read("ec2", "DescribeRegions", IRELAND, regionSet={})
    story.log(root, at(day, "06:35:00"), call, "newly_denied", [REGIONS_2026, both[1]], extra=console)
    call = calls.read("ec2", "DescribeVpcs", IRELAND, vpcSet={}, filterSet={})
    why = "the region is enough, whatever kind of session it is"
    story.log(root, at(day, "06:36:00"), call, "newly_denied", REGIONS_2026, why=why)

    helper_role = role_arn(SECURITY_TOOLS, "security/RootHelper")
    helper = story.session(helper_role, "unlock", at(day, "14:00:00"))
    for minute, assumed in ((1, True), (11, None)):
        access_key = story.access_key()
        when = at(day, f"14:{minute:02}:00")
        parameters = {
            "targetPrincipal": BOOKING_DEV,
            "taskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"},
            "durationSeconds": 900,
        }
        response = {
            "credentials": {
                "accessKeyId": access_key,
                "sessionToken": "EXAMPLE-NOT-A-TOKEN",
                "expiration": expiration(when, 0.25),
            }
        }
        story.log(helper, when, calls.write("sts", "AssumeRoot", FRANKFURT, response, **parameters), "unchanged")
        session = root_user(
            BOOKING_DEV, when + timedelta(seconds=1), access_key, address=OFFICE, agent=AGENT_CLI, assumed=assumed
        )
        why = "says assumedRoot itself" if assumed else "known as AssumeRoot session by its access key"
        for second, name in ((20, "GetBucketPolicy"), (40, "DeleteBucketPolicy")):
            call = calls.s3_bucket(name, "nordhaven-booking-dev", policy="")
            story.log(session, when + timedelta(seconds=second), call, "unchanged", why=why)


def management_account(journal: Journal) -> None:
    """The management account is beyond every SCP; the role it takes on in a member account is not."""
    story = Story("management-account", journal)
    day = DAYS[3]
    role = single_sign_on_role(MANAGEMENT, "Administrator")
    admin = story.sign_in(saml_user(JONAS, address=OFFICE), at(day, "15:00:00"), role, outcome="exempt")
    story.log(admin, at(day, "15:02:00"), calls.create_user("billing-export", MANAGEMENT), "exempt")
    story.log(admin, at(day, "15:03:00"), calls.create_access_key("billing-export"), "exempt")
    member = story.assume_role(
        admin,
        at(day, "15:10:00"),
        role_arn(BOOKING_DEV, "OrganizationAccountAccessRole"),
        "jonas",
        outcome="unchanged",
        why="the perimeter asks for our organization, and the management account belongs to it",
    )
    error = ("EntityAlreadyExistsException", "User with name ci-old already exists.")
    story.log(
        member,
        at(day, "15:12:00"),
        calls.create_user("ci-old", BOOKING_DEV),
        "newly_denied",
        "NoLongLivedKeys",
        error=error,
        why="failed for another reason, so it had passed authorization",
    )
    story.log(member, at(day, "15:13:00"), calls.create_access_key("ci-old"), "newly_denied", "NoLongLivedKeys")


def user_with_keys(journal: Journal) -> None:
    """An old backup script with an IAM user's keys and an old TLS library."""
    story = Story("user-with-keys", journal)
    agent = "aws-sdk-java/1.9.2 Linux/3.10.0 OpenJDK_64-Bit_Server_VM/24.95-b01/1.7.0_111"
    user = iam_user(BOOKING_PROD, "legacy-backup", address=HOME, agent=agent)
    for day in DAYS[::2]:
        for number in (1, 2, 3):
            call = calls.s3_object("PutObject", "nordhaven-tickets", f"backup/{day}-{number}.tar")
            story.log(user, at(day, f"01:1{number}:00"), call, "newly_denied", "NoOldTls", tls="TLSv1.2")
    day = DAYS[2]
    copy = calls.s3_object(
        "CopyObject",
        "nordhaven-tickets",
        "backup/latest.tar",
        **{"x-amz-copy-source": "nordhaven-tickets/backup/a.tar"},
    )
    story.log(user, at(day, "01:20:00"), copy, "newly_denied", "NoOldTls", tls="TLSv1.2", why="read and write at once")
    access_key = story.access_key()
    response = {"credentials": {"accessKeyId": access_key, "sessionToken": "EXAMPLE-NOT-A-TOKEN"}}
    when = at(day, "01:30:00")
    token = calls.write("sts", "GetFederationToken", FRANKFURT, response, name="restore-desk", durationSeconds=3600)
    story.log(user, when, token, "unchanged")
    desk = federated_user(user, "restore-desk", when, access_key)
    call = calls.s3_object("GetObject", "nordhaven-tickets", "backup/latest.tar")
    story.log(desk, at(day, "01:31:00"), call, "unchanged", why="the federated session uses a newer library")


def break_glass(journal: Journal) -> None:
    """The emergency role may create users; everybody else who tries runs into the proposal."""
    story = Story("break-glass", journal)
    day = DAYS[7]
    role = role_arn(BOOKING_PROD, "security/BreakGlass")
    session = story.session(role, "drill", at(day, "05:00:00"), mfa=True)
    story.log(
        session, at(day, "05:01:00"), calls.create_user("emergency", BOOKING_PROD), "unchanged", why="exempt role"
    )
    developer = story.sign_in(
        saml_user(MIRA, address=OFFICE),
        at(day, "09:40:00"),
        single_sign_on_role(BOOKING_PROD, "Developer"),
        outcome="unchanged",
    )
    key = calls.create_access_key("emergency")
    error = denials.by_identity_policy(developer, "iam:CreateAccessKey", f"arn:aws:iam::{BOOKING_PROD}:user/emergency")
    story.log(
        developer,
        at(day, "09:41:00"),
        key,
        "already_denied",
        "NoLongLivedKeys",
        error=error,
        why="her own policies refused it, the proposal would as well",
    )
    error = denials.by_identity_policy(developer, "secretsmanager:GetSecretValue")
    hidden = calls.secret("GetSecretValue", BOOKING_PROD, "db/main", IRELAND).without_parameters()
    story.log(
        developer,
        at(day, "09:42:00"),
        hidden,
        "already_denied",
        REGIONS_2026,
        error=error,
        why="requestParameters is null, but the region is enough",
    )
    error = denials.by_identity_policy(developer, "kms:ScheduleKeyDeletion")
    hidden = calls.kms("ScheduleKeyDeletion", PERMANENT_KEY).without_parameters()
    story.log(
        developer,
        at(day, "09:43:00"),
        hidden,
        "already_denied",
        "PermanentKeysStay",
        unknown=["aws:ResourceTag/retention"],
        error=error,
        why="undecided (which key, tagged how?), but it failed anyway",
    )


STORIES = (
    root_users,
    management_account,
    user_with_keys,
    break_glass,
)
