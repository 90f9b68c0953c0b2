"""Placeholders of the Landing Zone Accelerator: `{{ Key }}` in its YAML files, `${KEY}` in its policies.

Their values come from replacements-config.yaml, accounts-config.yaml and global-config.yaml, or are given. Source:
Landing Zone Accelerator on AWS, "Configuration Replacement Variables" and "Policy replacement" (user guide).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from simulator.errors import OrgsimError
from simulator.sources.given import Given

_MARK: Final = ("\ue000", "\ue001")
"""Around the name of a placeholder without a value: only where it is used, it is an error."""

_HANDLEBARS: Final = re.compile(r"\{\{\{?[ \t]*(?:(account)[ \t]+)?[\"']?([\w.-]+)[\"']?[ \t]*\}?\}\}")
_IN_POLICY: Final = re.compile(r'(")?\$\{([A-Z][A-Z0-9_]*|ACCEL_LOOKUP::[A-Za-z0-9:_-]*)\}(")?')
_MARKED: Final = re.compile(f"{_MARK[0]}([^{_MARK[1]}]*){_MARK[1]}")
_CUSTOM: Final = "ACCEL_LOOKUP::CUSTOM:"
_ACCOUNT_IDS: Final = "ACCEL_LOOKUP::ACCOUNT_ID:"
_LISTED: Final = (_ACCOUNT_IDS, "ACCEL_LOOKUP::VPC_ID:", "ACCEL_LOOKUP::VPCE_ID:")
_ACCOUNTS: Final = {
    "MANAGEMENT_ACCOUNT_ID": "Management",
    "ACCOUNT_ID": "Management",  # the stack that makes the policies runs there
    "AUDIT_ACCOUNT_ID": "Audit",
    "LOGARCHIVE_ACCOUNT_ID": "LogArchive",
}

Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfiguredAccount:
    """An account of accounts-config.yaml; `id` where the file tells it."""

    name: str
    unit: str
    id: str | None


@dataclass(slots=True)
class Placeholders:
    """The values that the configuration has for placeholders."""

    given: Given
    replacements: Mapping[str, Value] = field(default_factory=dict)
    accounts: tuple[ConfiguredAccount, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def in_yaml(self, text: str) -> str:
        """A YAML file with its `{{ Key }}`s replaced; one without a value becomes a mark."""

        def found(match: re.Match[str]) -> str:
            if match[1]:
                value: Value | None = self.account_id(match[2])
            else:
                value = self.replacement(match[2])
            if value is None or "\n" in value:
                return match[2].join(_MARK)
            return value if isinstance(value, str) else ",".join(value)

        return _HANDLEBARS.sub(found, text)

    def in_policy(self, text: str, file: str) -> str:
        """A policy's text with its placeholders replaced. Raises `OrgsimError` for one without a value."""

        def found(match: re.Match[str]) -> str:
            name = match[2]
            value = self.policy_value(name)
            if value is None:
                line = text.count("\n", 0, match.start()) + 1
                raise unresolved(f"${{{name}}}", name, file, line)
            before, after = match[1] or "", match[3] or ""
            if isinstance(value, str):
                return f"{before}{_inside(value)}{after}"
            listed = ",".join(f'"{_inside(each)}"' for each in value)
            if name.startswith(_LISTED):
                return listed  # these stand between the brackets of a list
            if bool(before) != bool(after) or _within_text(text, match.start(), match.end()):
                line = text.count("\n", 0, match.start()) + 1
                message = f"`${{{name}}}` is a list and stands within a text"
                raise OrgsimError("source-placeholder", message, hint="let it stand alone", file=file, line=line)
            return f"[{listed}]"

        return _IN_POLICY.sub(found, text)

    def policy_value(self, name: str) -> Value | None:
        """What `${name}` stands for in a policy."""
        value = self.given.get(name)
        if value is not None:
            return tuple(value.split(",")) if name.startswith(_LISTED) else value
        if name.startswith(_CUSTOM):
            return self.replacement(name.removeprefix(_CUSTOM))
        if name.startswith(_ACCOUNT_IDS):
            return self.account_ids(name.removeprefix(_ACCOUNT_IDS))
        if name in _ACCOUNTS:
            return self.account_id(_ACCOUNTS[name])
        if name in ("ACCELERATOR_PREFIX_ND", "ACCELERATOR_PREFIX_LND"):
            prefix = self.given.get("ACCELERATOR_PREFIX")
            plain = prefix.removesuffix("-") if prefix is not None else None
            return plain.lower() if plain is not None and name.endswith("LND") else plain
        if name == "PARTITION":
            note = "${PARTITION} is taken as `aws`"
            self.notes += [note] if note not in self.notes else []
            return "aws"
        return self.settings.get(name)

    def replacement(self, key: str) -> Value | None:
        """The value of a key of replacements-config.yaml; a value given for a list has commas."""
        configured, given = self.replacements.get(key), self.given.get(key)
        if given is None:
            return configured
        return tuple(given.split(",")) if isinstance(configured, tuple) else given

    def account_id(self, name: str) -> str | None:
        """The id of an account by its name in the configuration."""
        return next((each.id for each in self.accounts if each.name == name), None)

    def account_ids(self, scope: str) -> tuple[str, ...] | None:
        """The ids of `ACCOUNT:name`, `OU:path` or `ORG`; nothing if one of them is not known."""
        kind, _, name = scope.partition(":")
        tests: dict[str, Callable[[ConfiguredAccount], bool]] = {
            "ACCOUNT": lambda each: each.name == name,
            "OU": lambda each: each.unit == name,
            "ORG": lambda _: True,
        }
        wanted = [each for each in self.accounts if kind in tests and tests[kind](each)]
        ids = tuple(each.id for each in wanted if each.id is not None)
        return ids if ids and len(ids) == len(wanted) else None


def check_marks(text: str, file: str, line: int | None) -> None:
    """Refuse a text of a YAML file in which a placeholder without a value stands."""
    match = _MARKED.search(text)
    if match:
        raise unresolved(f"{{{{ {match[1]} }}}}", match[1], file, line)


def unresolved(what: str, key: str, file: str, line: int | None) -> OrgsimError:
    """The error for a placeholder without a value."""
    hint = f"set it in replacements-config.yaml, or give it: --parameters '{key}=…'"
    return OrgsimError("source-placeholder", f"`{what}` has no value", hint=hint, file=file, line=line)


def without_marks(texts: Iterable[str]) -> bool:
    """Whether no placeholder without a value stands in these texts."""
    return not any(_MARKED.search(each) for each in texts)


def _within_text(text: str, start: int, end: int) -> bool:
    """Whether a piece without quotes of its own has text of a JSON string beside it."""
    before, after = text[:start].rstrip(" \t\r\n"), text[end:].lstrip(" \t\r\n")
    return before[-1:] not in (":", "[", ",") or after[:1] not in ("]", ",", "}")


def _inside(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
