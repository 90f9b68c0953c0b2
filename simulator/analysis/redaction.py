"""A report that can be shown to more people: account ids, users, sessions and addresses as stable pseudonyms.

A pseudonym is a keyed hash (HMAC-SHA-256) of what it stands for, so the same account has the same one everywhere: in
ARNs, names of buckets and sentences, in this run and the next one with the same salt. Roles, policies, units, names of
accounts, actions and ids of findings and events stay, else there would be nothing to talk about.

The walk knows types of values, not fields of reports: what is added to a report later is redacted, too, and a value
that it cannot look into is an error, never passed on.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum
from typing import Any, Final

import msgspec

from simulator.analysis.findings import Finding, FindingPrincipal
from simulator.analysis.identities.model import Identity, IdentityKind
from simulator.analysis.report import Report, Version
from simulator.analysis.waivers import FindingRef
from simulator.iam.arn import is_account_id
from simulator.organization.tree import NodeKind, without_snapshot
from simulator.replay.impact import Impact
from simulator.replay.outcome import StatementPlace

_SECRETS: Final = re.compile(
    r"""
      (?P<uuid> (?<![\w-]) [0-9a-fA-F]{8} (?:-[0-9a-fA-F]{4}){3} - [0-9a-fA-F]{12} (?![\w-]) )
    | (?P<session> (?<=:assumed-role/) [^\s/"'<>]+ / [^\s"'<>]+ )
    | (?P<user> (?<=:) (?:federated-user|dbuser|user|mfa) [:/] [^\s"'<>]+ )
    | (?P<email> [^\s@"'<>(),;:/\\|\[\]{}=`]{0,64} @ (?:[\w-]{1,63}\.){1,40} [\w-]{1,63} )
    | (?P<key> (?<![A-Z0-9]) (?:ABIA|ACCA|AIDA|AKIA|AROA|ASIA) [A-Z0-9]{12,} )
    | (?P<ipv6> (?<![\w:.]) (?:[0-9a-fA-F]{0,4}:){2,7} [0-9a-fA-F.]{0,15} (?![\w:]) )
    | (?P<ipv4> (?<!\d) (?<!\d\.) \d{1,3} (?:\.\d{1,3}){3} (?! \d | \.\d ) )
    | (?P<host> (?<![\w-]) ip (?:-\d{1,3}){4} (?!\d) )
    | (?P<organization> (?<![\w-]) o-[a-z0-9]{10,32} (?![\w-]) )
    | (?P<dashed> (?<![\d-]) \d{4}-\d{4}-\d{4} (?![\d-]) )
    | (?P<digits> \d{12,} )
    """,
    re.VERBOSE,
)
"""What is replaced wherever it stands. Repetitions are bounded, so that hostile texts cost linear time.

Ids of users and access keys count: an access key's id tells the account (AWS re:Post, aws-account-id of access keys).
"""

_PEOPLE: Final = frozenset({"user", "federated-user", "identity-center"})

_SPENT: Final[Mapping[str, Any]] = {"findings": {}, "ties": None}
"""Raw folds of an impact, which no output shows: what they tell stands in the report's findings and identities."""

_ATOMS: Final = (bool, int, float, bytes, type(None), Enum, date)

_KEPT: Final = {Finding: "id", FindingRef: "id", Version: "commit"}
"""Hashes of ours, in which digits are no account."""


def redact(report: Report, salt: str) -> Report:
    """The same report with pseudonyms. `salt` keys them: who knows it can find an account id by trying all."""
    pseudonyms = _Pseudonyms(salt, report)
    hidden: Report = pseudonyms.value(report)
    organization = report.organization
    if not organization.assumed:
        return hidden
    # Without a snapshot every account counts as ours by the form of its id, which a pseudonym has lost.
    members = without_snapshot(pseudonyms.account(each) for each in pseudonyms.accounts).nodes
    return replace(hidden, organization=replace(hidden.organization, nodes={**members, **hidden.organization.nodes}))


class _Pseudonyms:
    """Replaces what is secret in values of any type."""

    def __init__(self, salt: str, report: Report) -> None:
        self._key = salt.encode("utf-8", "surrogatepass")
        self._known: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._shared: dict[FindingPrincipal | StatementPlace, FindingPrincipal | StatementPlace] = {}
        self.accounts = _accounts(report)
        # A principal's ARN is a key elsewhere, where its type is not told.
        callers = {each.principal for each in report.findings}
        self._callers = {each.arn: self._caller(each.arn, each.type) for each in sorted(callers, key=_order)}

    # Texts

    def account(self, account: str) -> str:
        """The pseudonym of an account id."""
        return self._name("acct", account)

    def text(self, text: str) -> str:
        """A text with pseudonyms for what is recognized in it."""
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = self._callers.get(text) or self._hidden_in(text)
        return known

    def _hidden_in(self, text: str) -> str:
        return _SECRETS.sub(self._hidden, text)

    def person(self, text: str) -> str:
        """The pseudonym of a user's name or an ARN that ends with one; the rest of the ARN is treated as a text."""
        head, mark, rest = text.partition("user/")
        if mark and head.startswith("arn:"):
            return self._hidden_in(head) + mark + self._user(rest)
        return self._user(text)

    def session(self, text: str) -> str:
        """The pseudonym of a session's name."""
        return self._name("session", text)

    def _user(self, name: str) -> str:
        # A path tells about the user as well; the name alone makes the pseudonym, as people have one name in many
        # accounts.
        return self._name("user", name.rpartition("/")[2])

    def _hidden(self, match: re.Match[str]) -> str:
        text = match.group()
        match match.lastgroup:
            case "uuid":
                # The id of an event, unless somebody hides an account in one.
                return self._digits(text) if text[-12:] in self.accounts else text
            case "session":
                role, _, session = text.partition("/")
                return f"{self._hidden_in(role)}/{self.session(session)}"
            case "user":
                kind = re.split("[:/]", text, maxsplit=1)[0]
                rest = text[len(kind) + 1 :]
                return text if rest == "*" else f"{kind}{text[len(kind)]}{self._user(rest)}"
            case "email":
                return self._name("address", text.casefold())
            case "key":
                return self._name("key", text)
            case "ipv4" | "ipv6":
                return self._address(text)
            case "host":
                return f"ip-{self._address(text[3:].replace('-', '.'))}"
            case "organization":
                return self._name("organization", text)
            case "dashed":
                return self.account(text.replace("-", ""))
        return self._digits(text)

    def _address(self, text: str) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            # No address: colons and dots of something else, in which an account may still stand.
            return self._digits(text)
        return self._name("address", str(address)) if int(address) else text

    def _digits(self, text: str) -> str:
        """Twelve digits are taken for an account id; in longer runs the accounts of the report are looked for."""
        return re.sub(r"\d{12,}", self._account_in, text)

    def _account_in(self, match: re.Match[str]) -> str:
        digits = match.group()
        if len(digits) == 12:
            return self.account(digits)
        parts, place, kept = [], 0, 0
        while place <= len(digits) - 12:
            if (account := digits[place : place + 12]) in self.accounts:
                parts += [digits[kept:place], self.account(account)]
                place = kept = place + 12
            else:
                place += 1
        return "".join([*parts, digits[kept:]])

    def _name(self, kind: str, text: str) -> str:
        suffix = self._known.get(text)
        if suffix is None:
            digest = hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
            # Eight letters and digits: 40 bits, so ten thousand names are told apart almost surely. Base 32 has no
            # 0, 1, 8 and 9, and twelve digits in a row cannot come out.
            suffix = self._known[text] = base64.b32encode(digest[:5]).decode("ascii").lower()
        return f"{kind}-{suffix}"

    # Values

    def value(self, value: Any, *, sessions: bool = False) -> Any:
        """A value of the same type. `sessions`: its texts are names of sessions."""
        if isinstance(value, str):
            return self.session(value) if sessions else self.text(value)
        if isinstance(value, _ATOMS):
            return value
        if isinstance(value, FindingPrincipal | StatementPlace):
            # Many findings have the same.
            if value not in self._shared:
                self._shared[value] = self._principal_or_place(value)
            return self._shared[value]
        if isinstance(value, Identity):
            return replace(self._fields(value, False), label=self._label(value))
        if isinstance(value, msgspec.Struct) or (is_dataclass(value) and not isinstance(value, type)):
            return self._fields(value, sessions)
        if isinstance(value, Mapping):
            items = {self.value(key, sessions=sessions): self.value(each) for key, each in value.items()}
            return Counter(items) if isinstance(value, Counter) else items
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*(self.value(each, sessions=sessions) for each in value))
        if isinstance(value, tuple | list | set | frozenset):
            return type(value)(self.value(each, sessions=sessions) for each in value)
        if type(value).__module__.startswith("simulator."):
            return self._fold(value, sessions)
        raise TypeError(f"a {type(value).__name__} cannot be redacted")

    def _fields(self, value: Any, sessions: bool) -> Any:
        struct = isinstance(value, msgspec.Struct)
        names = value.__struct_fields__ if struct else [each.name for each in fields(value)]
        changes = {
            name: self.value(getattr(value, name), sessions=sessions or name == "sessions")
            for name in names
            if _KEPT.get(type(value)) != name
        }
        return msgspec.structs.replace(value, **changes) if struct else replace(value, **changes)

    def _principal_or_place(self, value: FindingPrincipal | StatementPlace) -> FindingPrincipal | StatementPlace:
        if isinstance(value, StatementPlace):
            return StatementPlace(*map(self.value, value))
        hidden: FindingPrincipal = self._fields(value, False)
        return replace(hidden, arn=self._caller(value.arn, value.type))

    def _caller(self, arn: str, kind: str) -> str:
        # A type alone stands for a caller whose name the log has lost.
        named = kind in _PEOPLE or (kind == "federated" and not arn.startswith("arn:") and "." not in arn)
        return self.person(arn) if named and arn != kind and not is_account_id(arn) else self._hidden_in(arn)

    def _label(self, identity: Identity) -> str:
        match identity.identity_kind:
            case IdentityKind.PERSON | IdentityKind.USER | IdentityKind.TOKEN_HOLDER:
                return self._user(identity.label)
            case IdentityKind.SESSION_GROUP:
                return self.session(identity.label)
        return self.text(identity.label)

    def _fold(self, value: Any, sessions: bool) -> Any:
        """A copy of an object of ours that is no dataclass, such as `Impact`."""
        slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
        copy = object.__new__(type(value))
        for name in (*slots, *getattr(value, "__dict__", ())):
            part = _SPENT[name] if isinstance(value, Impact) and name in _SPENT else getattr(value, name)
            setattr(copy, name, self.value(part, sessions=sessions or name == "sessions"))
        return copy


def _order(principal: FindingPrincipal) -> tuple[str, str]:
    return principal.arn, principal.type


def _accounts(report: Report) -> frozenset[str]:
    """Every account id that the report knows to be one."""
    impact, organization = report.impact, report.organization
    known = {node.id for node in organization.nodes.values() if node.kind is NodeKind.ACCOUNT}
    known |= {*impact.accounts.counts, *impact.stale_accounts.counts}
    known |= {each.principal.account for each in report.findings if each.principal.account}
    known |= {organization.management_account} if organization.management_account else set()
    return frozenset(filter(is_account_id, known))
