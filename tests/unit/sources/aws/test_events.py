"""Event History and CloudTrail Lake: moto has no such operations, so a server of our own answers, over HTTP."""

import gzip
import itertools
import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from simulator.errors import ExitStatus, OrgsimError
from simulator.sources.aws.event_history import Clock, collect_history
from simulator.sources.aws.lake import collect_lake, parse_store, statement
from simulator.sources.aws.rate_limit import TokenBucket
from simulator.sources.aws.session import Aws, Login
from simulator.sources.aws.slices import DayFile
from tests.e2e.command import call
from tests.unit.sources.aws import bucket as made
from tests.unit.sources.aws.server import SECRETS, answer, failure

POLICIES = ("collect-event-history.json", "collect-lake.json")
ACCOUNT = made.OWNER
STORE = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:eventdatastore/01234567-89ab-cdef-0123-456789abcdef"
DAYS = [date(2026, 9, day) for day in (1, 2)]
LATER = datetime(2026, 9, 20, 12, tzinfo=UTC)


class FakeTime:
    """Time passes only by sleeping."""

    def __init__(self, now=LATER):
        self.passed, self.today = 0.0, now

    def sleep(self, seconds):
        self.passed += seconds

    def clock(self):
        return Clock(lambda: self.today, lambda: self.passed, self.sleep)


def rows(day, region, count):
    """Raw records as texts, some of them on several lines."""
    records = [made.record(f"{region}-{day}-{number}", ACCOUNT, region, day) for number in range(count)]
    return [json.dumps(record, indent=2 if index % 3 == 0 else None) for index, record in enumerate(records)]


def events(folder):
    found = []
    for path in sorted(folder.rglob("*.gz")):
        assert not path.name.startswith(".")
        found += [json.loads(line)["eventID"] for line in gzip.decompress(path.read_bytes()).splitlines()]
    return found


class History:
    """Answers LookupEvents: pages of 50, with tokens that belong to a request."""

    def __init__(self, per_day=120):
        self.per_day = per_day
        self.spoil = lambda call: None

    def all(self, regions, days=DAYS):
        return sorted(f"event-{region}-{day}-{n}" for region in regions for day in days for n in range(self.per_day))

    def __call__(self, call, reply):
        if reply is not None or call.operation != "LookupEvents":
            return None
        if (spoiled := self.spoil(call)) is not None:
            return spoiled
        asked = call.json
        begin, end = (datetime.fromtimestamp(asked[name], UTC) for name in ("StartTime", "EndTime"))
        assert end - begin == timedelta(days=1, seconds=-1)
        assert asked["MaxResults"] == 50
        place = 0
        if token := asked.get("NextToken"):
            region, day, place = token.split("|")
            if (region, day) != (call.region, str(begin.date())):
                return failure("InvalidNextTokenException")
        place = int(place)
        records = rows(begin.date(), call.region, self.per_day)
        page = [{"EventId": str(n), "CloudTrailEvent": text} for n, text in enumerate(records)][place : place + 50]
        following = place + 50
        more = {"NextToken": f"{call.region}|{begin.date()}|{following}"} if following < self.per_day else {}
        return answer(Events=page, **more)


def history(folder, time=None, regions=("eu-central-1", "us-east-1"), days=DAYS):
    time = time or FakeTime()
    return collect_history({ACCOUNT: Aws.login(Login())}, list(regions), days, folder, time.clock(), lambda *_: None)


def asked(proxy, operation="LookupEvents"):
    return [each for each in proxy.calls if each.operation == operation]


# Event History


def test_the_history_of_two_regions(proxy, tmp_path):
    proxy.spoil = served = History()
    done = history(tmp_path)
    assert done.missing == []
    assert done.read == 4 * 120
    assert sorted(events(tmp_path)) == served.all(["eu-central-1", "us-east-1"])
    assert len(asked(proxy)) == 4 * 3
    # Nothing is asked again for days that are over.
    proxy.calls.clear()
    again = history(tmp_path)
    assert (again.read, again.known, asked(proxy)) == (0, 480, [])
    report = call("catalog", "coverage", "--logs", tmp_path, "--format", "json")
    assert json.loads(report.stdout)["records"]["read"] == 480


def test_two_requests_a_second_for_each_region(proxy, tmp_path):
    served = proxy.spoil = History()
    failed = set()

    def sometimes(call):
        # A repeated request counts like any other.
        if call.text not in failed and len(failed) < 2:
            failed.add(call.text)
            return failure("ThrottlingException", message="Rate exceeded")
        return None

    served.spoil = sometimes
    time = FakeTime()
    history(tmp_path, time, regions=["eu-central-1"])
    assert len(asked(proxy)) == 2 * 3 + 2
    assert time.passed == pytest.approx((len(asked(proxy)) - 1) / 2)


def test_the_token_bucket():
    time = FakeTime()
    bucket = TokenBucket(2.0, lambda: time.passed, time.sleep)
    moments = []
    for pause in (0, 0, 0, 10, 0, 0.2, 0):
        time.passed += pause
        bucket.take()
        moments.append(time.passed)
    assert all(later - earlier >= 0.5 - 1e-9 for earlier, later in itertools.pairwise(moments))
    assert moments == pytest.approx([0, 0.5, 1.0, 11.0, 11.5, 12.0, 12.5])


@pytest.mark.parametrize("stop", [2, 3, 5])
def test_an_expired_token_between_pages(proxy, tmp_path, stop):
    served = proxy.spoil = History()
    served.spoil = lambda call: (
        failure("ExpiredTokenException", message=SECRETS[2]) if len(asked(proxy)) > stop else None
    )
    with pytest.raises(OrgsimError) as caught:
        history(tmp_path, regions=["eu-central-1"])
    assert caught.value.code == "aws-credentials"
    served.spoil = lambda call: None
    proxy.calls.clear()
    assert history(tmp_path, regions=["eu-central-1"]).missing == []
    assert sorted(events(tmp_path)) == served.all(["eu-central-1"])
    assert len(asked(proxy)) == 6 - stop
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or not any(secret.encode() in path.read_bytes() for secret in SECRETS)


def test_a_kill_while_a_page_is_written(proxy, tmp_path):
    served = proxy.spoil = History()
    served.spoil = lambda call: failure("ExpiredTokenException") if len(asked(proxy)) > 2 else None
    with pytest.raises(OrgsimError):
        history(tmp_path, regions=["eu-central-1"], days=DAYS[:1])
    (part,) = tmp_path.rglob("*.part")
    with part.open("ab") as file:
        file.write(b"half a page that the note does not cover")
    served.spoil = lambda call: None
    history(tmp_path, regions=["eu-central-1"], days=DAYS[:1])
    assert sorted(events(tmp_path)) == served.all(["eu-central-1"], DAYS[:1])
    assert not list(tmp_path.rglob("*.part"))
    assert not list(tmp_path.rglob("*.state"))


def test_a_place_in_the_pages_that_aws_forgot(proxy, tmp_path):
    served = proxy.spoil = History()
    served.spoil = lambda call: failure("ExpiredTokenException") if len(asked(proxy)) > 2 else None
    with pytest.raises(OrgsimError):
        history(tmp_path, regions=["eu-central-1"], days=DAYS[:1])
    forgotten = []

    def forget(call):
        if "NextToken" in call.text and not forgotten:
            forgotten.append(call)
            return failure("InvalidNextTokenException")
        return None

    served.spoil = forget
    history(tmp_path, regions=["eu-central-1"], days=DAYS[:1])
    assert sorted(events(tmp_path)) == served.all(["eu-central-1"], DAYS[:1])


def test_a_day_that_is_not_over_is_read_again(proxy, tmp_path):
    served = proxy.spoil = History(per_day=10)
    during = FakeTime(datetime(2026, 9, 2, 12, tzinfo=UTC))
    history(tmp_path, during, regions=["eu-central-1"])
    served.per_day = 25
    proxy.calls.clear()
    done = history(tmp_path, regions=["eu-central-1"])
    assert (len(asked(proxy)), done.known) == (1, 10)
    assert len(events(tmp_path)) == len(set(events(tmp_path))) == 10 + 25


def test_one_region_refuses(proxy, tmp_path):
    served = proxy.spoil = History()
    served.spoil = lambda call: failure("AccessDeniedException", message="no") if call.region == "us-east-1" else None
    done = history(tmp_path)
    assert len(done.missing) == 1
    assert "us-east-1" in done.missing[0]
    assert sorted(events(tmp_path)) == served.all(["eu-central-1"])


def test_the_command_for_the_history(proxy, tmp_path):
    served = proxy.spoil = History(per_day=3)
    today = datetime.now(UTC).date()
    since = today - timedelta(days=200)
    arguments = ("--since", since, "--until", today - timedelta(days=89), "--region", "eu-west-1")
    done = call("collect", "events", "--event-history", "-o", tmp_path, *arguments)
    assert done.returncode == ExitStatus.OK, done.stderr.decode()
    days = [today - timedelta(days=number) for number in (90, 89)]
    assert sorted(events(tmp_path)) == served.all(["eu-west-1"], days)
    assert b"6 events" in done.stdout
    assert b"management events only" in done.stdout
    assert f"none from before {days[0]}".encode() in done.stdout


def test_all_regions_and_a_role_in_another_account(proxy, tmp_path):
    proxy.spoil = History(per_day=1)
    day = datetime.now(UTC).date() - timedelta(days=1)
    accounts = ("--account", "111111110001", "--role-name", "reader")
    done = call("collect", "events", "--event-history", "-o", tmp_path, "--since", day, "--until", day, *accounts)
    assert done.returncode == ExitStatus.OK, done.stderr.decode()
    assert len(asked(proxy)) > 10  # every region that is switched on
    assert {each.key_id for each in asked(proxy)}.isdisjoint(SECRETS)  # the role's key, not ours
    assert (tmp_path / "event-history/111111110001").is_dir()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--event-history", "--bucket", "s3://b"),
        ("--event-history", "--account", "111111110001"),
        ("--event-history", "--account", "1"),
        ("--lake", "nonsense", "--since", "2026-09-01"),
        ("--lake", STORE),
        ("--lake", STORE, "--role-name", "x"),
        ("--bucket", "s3://b", "--since", "yesterday"),
    ],
)
def test_wrong_usage(proxy, tmp_path, arguments):
    assert call("collect", "events", "-o", tmp_path, *arguments).returncode == ExitStatus.USAGE
    assert {each.operation for each in proxy.calls} <= {"GetCallerIdentity"}


# CloudTrail Lake


class Lake:
    """Answers StartQuery and GetQueryResults; queries run for two looks, results have pages of `page` rows."""

    def __init__(self, per_day=25, page=10):
        self.per_day, self.page = per_day, page
        self.queries = {}
        self.looks = {}
        self.spoil = lambda call: None

    def all(self, days=DAYS):
        return sorted(f"event-r-{day}-{n}" for day in days for n in range(self.per_day))

    def __call__(self, call, reply):
        if reply is not None or call.operation not in ("StartQuery", "GetQueryResults"):
            return None
        if (spoiled := self.spoil(call)) is not None:
            return spoiled
        if call.operation == "StartQuery":
            query = f"{len(self.queries):08}-0000-0000-0000-000000000000"
            self.queries[query] = re.search(r"eventtime >= '(\S+) 00:00:00'", call.json["QueryStatement"])[1]
            return answer(QueryId=query)
        query = call.json["QueryId"]
        if query not in self.queries:
            return failure("QueryIdNotFoundException")
        self.looks[query] = self.looks.get(query, 0) + 1
        if self.looks[query] <= 2:
            return answer(QueryStatus="QUEUED" if self.looks[query] == 1 else "RUNNING")
        place = int(call.json.get("NextToken", "row-0").removeprefix("row-"))
        texts = rows(date.fromisoformat(self.queries[query]), "r", self.per_day)[place : place + self.page]
        following = place + self.page
        more = {"NextToken": f"row-{following}"} if following < self.per_day else {}
        result = [[{"eventjson": text}] for text in texts]
        return answer(QueryStatus="FINISHED", QueryStatistics={"BytesScanned": 1000}, QueryResultRows=result, **more)


def lake(folder, time=None, days=DAYS, accounts=()):
    time = time or FakeTime()
    aws = Aws.login(Login())
    return collect_lake(aws, parse_store(STORE), accounts, (), days, folder, time.clock(), lambda *_: None)


def test_the_query_of_a_day():
    assert statement(parse_store(STORE), DAYS[0], (ACCOUNT,), ("eu-west-1", "us-east-1")) == (
        "SELECT eventjson FROM 01234567-89ab-cdef-0123-456789abcdef WHERE eventtime >= '2026-09-01 00:00:00' "
        "AND eventtime < '2026-09-02 00:00:00' AND recipientaccountid IN ('123456789012') "
        "AND awsregion IN ('eu-west-1', 'us-east-1')"
    )


def test_all_days_of_a_store(proxy, tmp_path):
    proxy.spoil = served = Lake()
    time = FakeTime()
    done = lake(tmp_path, time)
    assert (done.read, done.missing, done.scanned) == (50, [], 2000)
    assert sorted(events(tmp_path)) == served.all()
    assert time.passed == pytest.approx(2 * (1 + 2))
    proxy.calls.clear()
    assert lake(tmp_path).known == 50
    assert proxy.calls == []
    report = call("catalog", "coverage", "--logs", tmp_path, "--format", "json")
    assert json.loads(report.stdout)["records"]["read"] == 50


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_query_is_not_paid_twice(proxy, tmp_path, stop):
    served = proxy.spoil = Lake()
    served.spoil = lambda call: failure("ExpiredTokenException") if len(proxy.calls) > stop else None
    with pytest.raises(OrgsimError):
        lake(tmp_path, days=DAYS[:1])
    served.spoil = lambda call: None
    lake(tmp_path, days=DAYS[:1])
    assert sorted(events(tmp_path)) == served.all(DAYS[:1])
    assert len(served.queries) == 1


def test_a_result_that_aws_forgot(proxy, tmp_path):
    served = proxy.spoil = Lake()
    served.spoil = lambda call: failure("ExpiredTokenException") if len(proxy.calls) > 4 else None
    with pytest.raises(OrgsimError):
        lake(tmp_path, days=DAYS[:1])
    served.spoil = lambda call: None
    served.queries = {"other": "2026-01-01"}
    lake(tmp_path, days=DAYS[:1])
    assert sorted(events(tmp_path)) == served.all(DAYS[:1])


def test_a_query_that_fails(proxy, tmp_path):
    served = proxy.spoil = Lake()
    served.spoil = lambda call: (
        answer(QueryStatus="TIMED_OUT", ErrorMessage="too long")
        if call.operation == "GetQueryResults" and served.queries[call.json["QueryId"]] == str(DAYS[1])
        else None
    )
    done = lake(tmp_path)
    assert len(done.missing) == 1
    assert "2026-09-02" in done.missing[0]
    assert "TIMED_OUT" in done.missing[0]
    assert sorted(events(tmp_path)) == served.all(DAYS[:1])
    # Another choice of accounts is another source: its days are read beside those.
    served.spoil = lambda call: None
    assert lake(tmp_path, accounts=(ACCOUNT,)).read == 50


def test_the_command_for_a_store(proxy, tmp_path, monkeypatch):
    proxy.spoil = Lake(per_day=2)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    arguments = ("--lake", STORE, "--since", "2026-09-01", "--until", "2026-09-02", "-o", tmp_path)
    done = call("collect", "events", *arguments)
    assert done.returncode == ExitStatus.OK, done.stderr.decode()
    assert b"4 events" in done.stdout
    assert b"2,000 bytes scanned" in done.stdout


@pytest.mark.parametrize("source", [History, Lake])
def test_a_kill_between_the_last_page_and_the_name(proxy, tmp_path, monkeypatch, source):
    served = proxy.spoil = source()
    collect = (
        (lambda: history(tmp_path, regions=["r-1"], days=DAYS[:1]))
        if source is History
        else (lambda: lake(tmp_path, days=DAYS[:1]))
    )

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DayFile, "finish", die)
        collect()
    proxy.calls.clear()
    collect()
    assert proxy.calls == []
    assert sorted(events(tmp_path)) == (served.all(["r-1"], DAYS[:1]) if source is History else served.all(DAYS[:1]))
