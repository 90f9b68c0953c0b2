"""Finds out what credentials reach: by making, once and small, the calls that the commands make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.analysis.diagnosis import Check, CheckStatus, Collection, Diagnosis
from simulator.organization.tree import FULL_ACCESS
from simulator.policy.document import PolicyType
from simulator.sources.aws.failures import AWS_ERRORS, failure_of
from simulator.sources.aws.session import Aws, read_only_operations
from simulator.sources.aws.trail_bucket import Place

SNAPSHOT: Final = "snapshot"
TAGS: Final = "snapshot --tags"
BUCKET: Final = "collect events --bucket"
HISTORY: Final = "collect events --event-history"
LAKE: Final = "collect events --lake"
DOCTOR: Final = "doctor"
COMMANDS: Final = (SNAPSHOT, TAGS, BUCKET, HISTORY, LAKE, DOCTOR)


def diagnose(aws: Aws, regions: Sequence[str], places: Sequence[Place]) -> Diagnosis:
    """Try what the commands need; trails are looked for in `regions` and, if they cover all regions, everywhere.

    `places` are buckets to try besides those of the trails found. Raises `OrgsimError` if AWS does not accept the
    credentials.
    """
    return _Doctor(aws).diagnose(regions, places)


@dataclass(slots=True)
class _Doctor:
    aws: Aws
    checks: list[Check] = field(default_factory=list)

    def diagnose(self, regions: Sequence[str], places: Sequence[Place]) -> Diagnosis:
        try:
            identity = self.aws.client("sts").get_caller_identity()
        except AWS_ERRORS as error:
            raise failure_of(error).error() from error
        organization, delegated = self.organization(identity["Account"])
        self.tags()
        collections = self.trails(regions) + self.stores(regions)
        found = [Place(*address[5:].split("/", 1)) for each in collections if (address := each.address) is not None]
        self.buckets([*places, *(each for each in found if each not in places)])
        self.history(regions)
        return Diagnosis(
            method=self.aws.method or "unknown",
            account=identity["Account"],
            arn=identity["Arn"],
            organization_id=organization.get("Id"),
            management_account=organization.get("MasterAccountId"),
            delegated_administrator=delegated,
            checks=tuple(self.checks),
            collections=tuple(collections),
        )

    # The commands

    def organization(self, account: str) -> tuple[Mapping[str, Any], bool | None]:
        """The organization, and whether the account is a delegated administrator."""
        service = "organizations"
        answer = self.check(SNAPSHOT, service, "DescribeOrganization")
        roots = self.check(SNAPSHOT, service, "ListRoots")
        root = _first(roots, "Roots", "Id")
        policy = FULL_ACCESS[PolicyType.SCP]
        for operation, parameters in (
            ("ListOrganizationalUnitsForParent", {"ParentId": root}),
            ("ListAccountsForParent", {"ParentId": root}),
            ("ListPolicies", {"Filter": PolicyType.SCP.value}),
            ("DescribePolicy", {"PolicyId": policy}),
            ("ListTargetsForPolicy", {"PolicyId": policy}),
        ):
            if None in parameters.values():
                self.leave_out(SNAPSHOT, service, operation, "the root is not known")
            else:
                self.check(SNAPSHOT, service, operation, **parameters)
        answer_of_delegates = self.check(SNAPSHOT, service, "ListDelegatedAdministrators")
        delegates = [row["Id"] for row in (answer_of_delegates or {}).get("DelegatedAdministrators") or ()]
        operation = "ListDelegatedServicesForAccount"
        if delegates:
            self.check(SNAPSHOT, service, operation, AccountId=delegates[0])
        else:
            self.leave_out(SNAPSHOT, service, operation, "no delegated administrator is known")
        organization: Mapping[str, Any] = (answer or {}).get("Organization") or {}
        return organization, account in delegates if answer_of_delegates is not None else None

    def tags(self) -> None:
        self.check(TAGS, "iam", "GetAccountAuthorizationDetails", MaxItems=1)
        self.check(TAGS, "s3", "ListBuckets", MaxBuckets=1)
        self.check(TAGS, "resourcegroupstaggingapi", "GetResources", ResourcesPerPage=1)
        self.leave_out(TAGS, "sts", "AssumeRole", "which role is not known")

    def history(self, regions: Sequence[str]) -> None:
        for region in regions or (None,):
            self.check(HISTORY, "cloudtrail", "LookupEvents", region, MaxResults=1)
        self.check(HISTORY, "ec2", "DescribeRegions")
        for operation in ("StartQuery", "GetQueryResults"):
            self.leave_out(LAKE, "cloudtrail", operation, "AWS charges for queries")

    def buckets(self, places: Sequence[Place]) -> None:
        if not places:
            for operation in ("ListObjectsV2", "GetObject"):
                self.leave_out(BUCKET, "s3", operation, "no trail is known; name its bucket with --bucket")
        for place in places:
            where = {"Bucket": place.bucket}
            prefix = f"{place.prefix.rstrip('/')}/" if place.prefix else ""
            page = self.check(BUCKET, "s3", "ListObjectsV2", **where, Prefix=prefix, MaxKeys=1)
            key = _first(page, "Contents", "Key")
            if key is None:
                self.leave_out(BUCKET, "s3", "GetObject", f"no object of {place} is known")
            else:
                answer = self.check(BUCKET, "s3", "GetObject", **where, Key=key)
                if answer is not None:
                    answer["Body"].close()

    # What is collected

    def trails(self, regions: Sequence[str]) -> list[Collection]:
        found: dict[str, Collection] = {}
        for region in regions or (None,):
            rows = self.check(DOCTOR, "cloudtrail", "DescribeTrails", region, includeShadowTrails=True)
            for row in (rows or {}).get("trailList") or ():
                if row["TrailARN"] not in found:
                    found[row["TrailARN"]] = self.trail(row)
        return list(found.values())

    def trail(self, row: Mapping[str, Any]) -> Collection:
        arn, region = row["TrailARN"], row["HomeRegion"]
        status = self.check(DOCTOR, "cloudtrail", "GetTrailStatus", region, Name=arn)
        selectors = self.check(DOCTOR, "cloudtrail", "GetEventSelectors", region, TrailName=arn)
        chosen = (selectors or {}).get("AdvancedEventSelectors") or (selectors or {}).get("EventSelectors")
        bucket, prefix = row.get("S3BucketName"), row.get("S3KeyPrefix") or ""
        return Collection(
            kind="trail",
            name=row["Name"],
            arn=arn,
            home_region=region,
            organization=bool(row.get("IsOrganizationTrail")),
            multi_region=bool(row.get("IsMultiRegionTrail")),
            logging=None if status is None else bool(status.get("IsLogging")),
            address=None if bucket is None else str(Place(bucket, prefix)),
            selectors=None if selectors is None else tuple(chosen or ()),
        )

    def stores(self, regions: Sequence[str]) -> list[Collection]:
        found = []
        for region in regions or (None,):
            rows = self.check(DOCTOR, "cloudtrail", "ListEventDataStores", region, MaxResults=25)
            for row in (rows or {}).get("EventDataStores") or ():
                arn = row["EventDataStoreArn"]
                store = self.check(DOCTOR, "cloudtrail", "GetEventDataStore", region, EventDataStore=arn)
                found.append(_store(arn, row.get("Name") or arn, store))
        return found

    # Trying

    def check(
        self, command: str, service: str, operation: str, region: str | None = None, **parameters: Any
    ) -> dict[str, Any] | None:
        """Make a call and note what became of it; its answer, or `None`."""
        actions = read_only_operations()[service][operation]
        client = self.aws.client(service, region)
        call = getattr(client, _method(client, operation))
        try:
            answer: dict[str, Any] = call(**parameters)
        except AWS_ERRORS as error:
            failure = failure_of(error)
            if failure.final:
                raise failure.error() from error
            status = CheckStatus.DENIED if failure.kind == "denied" else CheckStatus.UNCLEAR
            self.checks.append(Check(command, operation, actions, status, failure.text))
            return None
        self.checks.append(Check(command, operation, actions, CheckStatus.ALLOWED))
        return answer

    def leave_out(self, command: str, service: str, operation: str, reason: str) -> None:
        actions = read_only_operations()[service][operation]
        self.checks.append(Check(command, operation, actions, CheckStatus.NOT_TRIED, reason))


def _method(client: Any, operation: str) -> str:
    """The name of a client's method for an operation, as botocore spells it."""
    return next(str(name) for name, each in client.meta.method_to_api_mapping.items() if each == operation)


def _first(answer: Mapping[str, Any] | None, rows: str, name: str) -> str | None:
    """A member of the first row of an answer, if there is one."""
    for row in (answer or {}).get(rows) or ():
        return str(row[name])
    return None


def _store(arn: str, name: str, store: Mapping[str, Any] | None) -> Collection:
    found = store or {}
    return Collection(
        kind="event data store",
        name=name,
        arn=arn,
        home_region=arn.split(":")[3],
        organization=bool(found.get("OrganizationEnabled")),
        multi_region=bool(found.get("MultiRegionEnabled")),
        logging=None if store is None else found.get("Status") == "ENABLED",
        address=None,
        selectors=None if store is None else tuple(found.get("AdvancedEventSelectors") or ()),
    )
