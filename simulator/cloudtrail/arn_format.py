"""ARN formats of the Service Authorization Reference: filling them and recognising ARNs by them.

A format is `arn:${Partition}:service:${Region}:${Account}:kind/${Name}`; see "Resource types defined by ..." on each
service's page of the Service Authorization Reference.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from simulator.iam.arn import Arn, split_arn

_MAX_COMPILED: Final = 5_000
"""Patterns to remember; all formats of the reference are fewer."""

_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")
_PLACES: Final = frozenset({"partition", "region", "account"})
_WITH_SLASHES: Final = frozenset(
    {
        "ObjectName",
        "LogGroupName",
        "LogStreamName",
        "ParameterNameWithoutLeadingSlash",
        "RepositoryName",
        "SecretId",
        "Alias",
        "OidcProviderName",
        "ContextProviderName",
        "MetricStreamName",
        "AlarmName",
    }
)
"""Variables whose values may hold slashes and colons; in all others these characters end the value."""


class ArnFormat(msgspec.Struct, frozen=True):
    """One format. `variables` are those beyond partition, region and account, in order."""

    text: str
    variables: tuple[str, ...]
    weight: int
    has_account: bool
    _parts: Arn
    _resource: str

    @property
    def service(self) -> str:
        """The ARN's service, which need not be the prefix of the actions (`iam` in sts, `ec2` in ssm)."""
        return self._parts.service

    def fill(self, partition: str, region: str | None, account: str | None, values: Mapping[str, str]) -> str | None:
        """The ARN, or `None` if a variable has no value."""
        known = {"partition": partition, "region": region, "account": account}
        filled: list[str] = []
        at = 0
        for match in _VARIABLE.finditer(self.text):
            name = match[1]
            value = known.get(name.lower()) if name.lower() in _PLACES else values.get(name)
            if not value:
                return None
            filled += (self.text[at : match.start()], value)
            at = match.end()
        filled.append(self.text[at:])
        return "".join(filled)

    def matches(self, arn: Arn) -> bool:
        """Whether an ARN has this format, in whatever partition, region and account."""
        mine = self._parts
        if arn.service != mine.service or (arn.region == "") != (mine.region == ""):
            return False
        if mine.account == "aws" and arn.account != "aws":
            return False
        return _compiled(self._resource).fullmatch(arn.resource) is not None


def parse_format(text: str, *, open_star: bool = False) -> ArnFormat | None:
    """Read a format; `None` for the few that are not ARNs of six parts.

    With `open_star` a `*` in the resource stands for an id, as a variable named `*`; otherwise it is a plain star.
    """
    parts = split_arn(text)
    if open_star and parts is not None:
        text = text.removesuffix(parts.resource) + parts.resource.replace("*", "${*}")
        parts = split_arn(text)
    if parts is None:
        return None
    variables = tuple(name for name in _VARIABLE.findall(text) if name.lower() not in _PLACES)
    pattern: list[str] = []
    at = weight = 0
    for match in _VARIABLE.finditer(parts.resource):
        literal = parts.resource[at : match.start()]
        weight += len(literal)
        free = match[1] in _WITH_SLASHES or "Path" in match[1]
        pattern += (re.escape(literal), ".+" if free else "[^/:]+")
        at = match.end()
    weight += len(parts.resource) - at
    pattern.append(re.escape(parts.resource[at:]))
    return ArnFormat(
        text=text,
        variables=variables,
        weight=weight,
        has_account=parts.account != "",
        _parts=parts,
        _resource="".join(pattern),
    )


@lru_cache(maxsize=_MAX_COMPILED)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Compiled when first asked: most formats of a service never are.
    return re.compile(pattern, re.DOTALL)


def best_match(arn: Arn, formats: Iterable[tuple[str, ArnFormat]]) -> tuple[str, ...]:
    """The names of the formats that fit an ARN most closely: those with the most literal text."""
    weight = -1
    names: tuple[str, ...] = ()
    for name, form in formats:
        if form.weight >= weight and form.matches(arn):
            names = (*names, name) if form.weight == weight else (name,)
            weight = form.weight
    return names
