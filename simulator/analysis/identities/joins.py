"""Joining what was done in sessions to the records that issued them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from simulator.analysis.identities.model import Confidence
from simulator.cloudtrail.call import parse_time
from simulator.replay.bounded import Key
from simulator.replay.tie_folds import Issue, Use
from simulator.replay.tie_keys import HOLDS, has_access_key, session_of

_EARLY: Final = timedelta(minutes=5)
"""A session's first call may bear an earlier time than its beginning: clocks of services differ."""

_BEGINNING: Final = timedelta(seconds=5)
"""How far `creationDate` may be from the time of the record that issued the session."""


class Join(NamedTuple):
    """The record that issued a session, and how sure that is."""

    issue: Issue
    confidence: Confidence


class Joins:
    """Finds the issuing record of sessions.

    A session is *proved* to come of a record whose issued access key signed its calls, and *matched* to one of the
    same role and session name that was written when the session began, if all records that fit agree on the caller.
    A join holds for 36 hours.
    """

    def __init__(self, issued: Mapping[Key, Issue], used: Mapping[Key, Use]) -> None:
        self._issued = issued
        self._used = used
        self._by_name: dict[tuple[str, str], list[Key]] = defaultdict(list)
        keys_at_work = {key[0] for key in used}
        for key, issue in issued.items():
            # An issued key that is seen at work is that session, and no other.
            if len(key) > 1 or key[0] not in keys_at_work:
                self._by_name[issue.assumption.role, issue.name].append(key)

    def of(self, key: Key) -> Join | None:
        """The record that issued the session with this key in `Ties.used`; `None` if it is not known."""
        use = self._used.get(key)
        if use is None:
            return None
        issue = self._issued.get((key[0],))
        if issue is not None:
            fits = issue.assumption.role == key[1] and _holds(issue, use)
            return Join(issue, Confidence.PROVED) if fits else None
        # Whoever names its access key cannot be a session whose issued key is another.
        named = [
            self._issued[each]
            for each in self._by_name.get((key[1], session_of(key)), ())
            if (len(each) > 1 or not has_access_key(key)) and _began_with(self._issued[each], use)
        ]
        callers = {(each.assumption, each.caller) for each in named}
        return Join(min(named, key=lambda each: each[:5]), Confidence.MATCHED) if len(callers) == 1 else None


def _holds(issue: Issue, use: Use) -> bool:
    start, first, last = parse_time(issue.time), parse_time(use.first), parse_time(use.last)
    if start is None or first is None or last is None:
        # Without times nothing speaks against it: an access key is issued once.
        return True
    return start - _EARLY <= first and last <= start + HOLDS


def _began_with(issue: Issue, use: Use) -> bool:
    start, created = parse_time(issue.time), parse_time(use.created)
    if start is None:
        return False
    if created is not None:
        return abs(created - start) <= _BEGINNING and _holds(issue, use)
    # Without the session's own beginning its first call has to come after the record.
    return bool(use.first) and _holds(issue, use)
