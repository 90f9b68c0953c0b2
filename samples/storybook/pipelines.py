"""Stories of automation: GitHub Actions, CodeBuild, a cron job, training runs, a key rotation."""

from __future__ import annotations

from storybook import calls, denials
from storybook.identities import AGENT_BOTO, Caller, service, web_identity_user
from storybook.journal import Journal, Outcome, Story
from storybook.world import (
    BOOKING_DEV,
    BOOKING_PROD,
    BUILD,
    DAYS,
    FRANKFURT,
    GITHUB_RUNNER,
    IRELAND,
    NAT_BUILD,
    PAYMENTS_PROD,
    PERMANENT_KEY,
    REGIONS_2026,
    SANDBOX_EXPERIMENTS,
    SHORT_LIVED_KEY,
    STRANGER,
    UNTAGGED_KEY,
    at,
    digest,
    policy_arn,
    role_arn,
)

AGENT_ACTIONS = (
    "aws-sdk-js/3.840.0 ua/2.1 os/linux#6.11.0 lang/js api/sts#3.840.0 configure-aws-credentials-for-github-actions"
)
GITHUB = "oidc-provider/token.actions.githubusercontent.com"


def _github(
    story: Story,
    day: str,
    clock: str,
    repository: str,
    run: str,
    *,
    outcome: Outcome = "unchanged",
    by: str = "",
    why: str = "",
) -> Caller:
    """A workflow run exchanges its token for the deploy role of the build account."""
    subject = f"repo:{repository}:ref:refs/heads/main"
    provider = f"arn:aws:iam::{BUILD}:{GITHUB}"
    holder = web_identity_user(provider, "sts.amazonaws.com", subject, address=GITHUB_RUNNER, agent=AGENT_ACTIONS)
    role = role_arn(BUILD, "platform/deploy/GitHubDeploy")
    return story.exchange_token(holder, at(day, clock), role, run, outcome=outcome, by=by, why=why)


def booking_pipeline(journal: Journal) -> None:
    """GitHub Actions → GitHubDeploy → ReleaseRole, whose path exempts it from the region guardrail."""
    story = Story("booking-pipeline", journal)
    for run, day in enumerate((DAYS[0], DAYS[3], DAYS[6]), 501):
        first = _github(story, day, "12:00:00", "nordhaven-ferries/booking", f"booking-{run}")
        release = story.assume_role(
            first,
            at(day, "12:00:20"),
            role_arn(BOOKING_PROD, "platform/deploy/ReleaseRole"),
            f"release-{run}",
            outcome="unchanged",
        )
        why = "the path in sessionIssuer.arn exempts it; the session ARN has no path"
        for number, function in enumerate(("seat-map", "price-board")):
            call = calls.update_function(function, IRELAND)
            story.log(release, at(day, f"12:01:{number:02}"), call, "unchanged", why=why)
        role = role_arn(BOOKING_PROD, "service-role/invoice-mailer-role")
        call = calls.create_function(BOOKING_PROD, f"invoice-mailer-{run}", role, IRELAND)
        story.log(release, at(day, "12:02:00"), call, "unchanged", why=why)
        call = calls.s3_object("GetObject", "nordhaven-build-artifacts", "invoice-mailer.zip")
        story.log(release, at(day, "12:01:58"), call, "unchanged", why="cross-account pair inside the organization")


def payments_pipeline(journal: Journal) -> None:
    """GitHub Actions → GitHubDeploy → PaymentsRelease, a role without the exempt path: the releases would break."""
    story = Story("payments-pipeline", journal)
    for run, day in enumerate((DAYS[1], DAYS[4], DAYS[7]), 77):
        first = _github(story, day, "14:30:00", "nordhaven-ferries/payments", f"payments-{run}")
        release = story.assume_role(
            first,
            at(day, "14:30:15"),
            role_arn(PAYMENTS_PROD, "PaymentsRelease"),
            f"release-{run}",
            outcome="unchanged",
        )
        for number, function in enumerate(("settlement", "refunds")):
            call = calls.update_function(function, IRELAND)
            story.log(release, at(day, f"14:31:{number:02}"), call, "newly_denied", REGIONS_2026)
        role = role_arn(PAYMENTS_PROD, "app/Settlement")
        call = calls.create_function(PAYMENTS_PROD, f"settlement-{run}", role, IRELAND)
        why = "lambda:CreateFunction; iam:PassRole is left alone"
        story.log(release, at(day, "14:32:00"), call, "newly_denied", REGIONS_2026, why=why)
        story.log(release, at(day, "14:33:00"), calls.update_function("settlement", FRANKFURT), "unchanged")
    _github(
        story,
        DAYS[7],
        "03:12:00",
        "passer-by/payments-fork",
        "fork-1",
        outcome="newly_denied",
        by="OnlyOurPipelines",
        why="a repository of somebody else: the trust policy is too wide",
    )


def website_builds(journal: Journal) -> None:
    """CodeBuild: writes logs and artifacts, publishes the website into another account with an ACL."""
    story = Story("website-builds", journal)
    role = role_arn(BUILD, "service-role/codebuild-website-service-role")
    for day in (DAYS[0], DAYS[4], DAYS[8]):
        session = f"AWSCodeBuild-{digest('build', day)[:8]}-1234-4321-8888-{digest('build', day)[8:20]}"
        build = story.assume_role(
            service("codebuild.amazonaws.com"),
            at(day, "16:00:00"),
            role,
            session,
            outcome="unchanged",
            address=NAT_BUILD,
            agent=AGENT_BOTO.format("AWS_CODEBUILD"),
        )
        stream = {"logGroupName": "/aws/codebuild/website", "logStreamName": digest("stream", day)[:12]}
        story.log(build, at(day, "16:00:05"), calls.write("logs", "CreateLogStream", FRANKFURT, **stream), "unchanged")
        call = calls.s3_object("PutObject", "nordhaven-build-artifacts", f"website/{day}.zip")
        story.log(build, at(day, "16:03:00"), call, "unchanged")
        call = calls.s3_object("PutObject", "nordhaven-website", "index.html", **{"x-amz-acl": "public-read"})
        why = "cross-account pair; PutObject and PutObjectAcl"
        story.log(build, at(day, "16:04:00"), call, "unchanged", why=why)
        push = calls.write("ecr", "PutImage", FRANKFURT, registryId=BUILD, repositoryName="website", imageTag=day)
        story.log(build, at(day, "16:05:00"), push, "unchanged")


def night_crawler(journal: Journal) -> None:
    """A forgotten cron job in the account that the proposal moves to Suspended."""
    story = Story("night-crawler", journal)
    role = role_arn(SANDBOX_EXPERIMENTS, "cron/NightlyCrawler")
    for day in (DAYS[2], DAYS[5], DAYS[9]):
        job = story.session(
            role,
            "i-0c0ffee000000cc01",
            at(day, "01:00:00"),
            address=NAT_BUILD,
            agent=AGENT_BOTO.format("EC2"),
            ec2_delivery="2.0",
        )
        call = calls.s3_object("PutObject", "nordhaven-experiments", f"crawl/{day}.json")
        story.log(job, at(day, "01:02:00"), call, "newly_denied", "NothingRunsHere", why="the account moves")
        call = calls.table("PutItem", SANDBOX_EXPERIMENTS, "crawl-state")
        story.log(job, at(day, "01:03:00"), call, "newly_denied", "NothingRunsHere", why="the account moves")


def training_runs(journal: Journal) -> None:
    """The machine-learning role in booking-dev, refused GPU servers so far."""
    story = Story("training-runs", journal)
    role = role_arn(BOOKING_DEV, "ml/Trainer")
    for day in (DAYS[4], DAYS[8]):
        trainer = story.session(role, "train", at(day, "17:00:00"), mfa=True)
        place = f"arn:aws:ec2:{FRANKFURT}:{BOOKING_DEV}:instance/*"
        error = denials.by_ec2(trainer, "ec2:RunInstances", place, policy=policy_arn("p-nobigservers"))
        launch = calls.run_instances("p5.48xlarge", "required")
        story.log(trainer, at(day, "17:01:00"), launch, "newly_allowed", "NoGpuServers", error=error)
        launch = calls.run_instances("c7i.xlarge", "required")
        story.log(trainer, at(day, "17:02:00"), launch, "unchanged")


def deleted_keys(journal: Journal) -> None:
    """Deletion of keys: one tagged permanent, one tagged otherwise, one that the snapshot does not know."""
    story = Story("deleted-keys", journal)
    day = DAYS[6]
    role = role_arn(BOOKING_PROD, "platform/KeyKeeper")
    keeper = story.session(role, "rotate", at(day, "07:00:00"))
    sid = "PermanentKeysStay"
    days = {"pendingWindowInDays": 30}
    call = calls.kms("ScheduleKeyDeletion", PERMANENT_KEY, **days)
    story.log(keeper, at(day, "07:01:00"), call, "newly_denied", sid)
    call = calls.kms("ScheduleKeyDeletion", SHORT_LIVED_KEY, **days)
    story.log(keeper, at(day, "07:02:00"), call, "unchanged")
    call = calls.kms("ScheduleKeyDeletion", UNTAGGED_KEY, **days)
    story.log(
        keeper,
        at(day, "07:03:00"),
        call,
        "possibly_newly_denied",
        sid,
        unknown=["aws:ResourceTag/retention"],
        why="the key's tags are not in the snapshot",
    )
    call = calls.kms("DescribeKey", f"arn:aws:kms:{FRANKFURT}:{STRANGER}:key/0a1f6f4e-0009-4a5e-9c1d-00000000e001")
    story.log(keeper, at(day, "07:04:00"), call, "unchanged", why="somebody else's key")


STORIES = (
    booking_pipeline,
    payments_pipeline,
    website_builds,
    night_crawler,
    training_runs,
    deleted_keys,
)
