"""proposal.yaml: what it may say, and errors that name the line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import OrgsimError
from simulator.organization.manifest import parse_manifest
from tests.unit.organization.small import RCP, SCP

WHOLE = """\
policies:
  - file: scp/regions.json
    name: regions-2026
    type: SERVICE_CONTROL_POLICY
    attach: [Root, Workloads/Prod]
    replaces: p-old
  - file: rcp/perimeter.json
    attach: "111111111111"
detach:
  - policy: old
    from: Labs
move:
  - account: shop
    to: Labs
"""


def error_of(text):
    with pytest.raises(OrgsimError) as caught:
        parse_manifest(text, "proposal.yaml")
    assert caught.value.file == "proposal.yaml"
    return caught.value


def test_all_of_it():
    manifest = parse_manifest(WHOLE, "proposal.yaml")
    first, second = manifest.policies
    assert (first.file.text, first.name, first.type, first.replaces.text) == (
        "scp/regions.json",
        "regions-2026",
        SCP,
        "p-old",
    )
    assert [(each.text, each.line) for each in first.attach] == [("Root", 5), ("Workloads/Prod", 5)]
    assert (first.line, second.line) == (2, 7)
    assert (second.name, second.type, second.replaces) == (None, None, None)
    assert [each.text for each in second.attach] == ["111111111111"]
    assert manifest.detach[0].policy.text == "old"
    assert [each.text for each in manifest.detach[0].targets] == ["Labs"]
    assert (manifest.move[0].account.text, manifest.move[0].to.line) == ("shop", 14)


@pytest.mark.parametrize(("name", "found"), [("scp", SCP), ("RCP", RCP), ("RESOURCE_CONTROL_POLICY", RCP)])
def test_names_of_the_types(name, found):
    assert parse_manifest(f"policies: [{{file: a.json, type: {name}}}]").policies[0].type is found


@pytest.mark.parametrize("text", ["policies: []", "policies:\n", "{}"])
def test_a_proposal_may_change_nothing(text):
    assert parse_manifest(text) == parse_manifest("move: []")


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("", "proposal-empty", None, "empty"),
        ("# only a comment\n", "proposal-empty", None, "empty"),
        ("- a\n", "yaml-shape", 1, "mapping"),
        ("polices: []\n", "yaml-unknown-member", 1, "`polices`"),
        ("policies:\n  - file: a.json\n    atach: Root\n", "yaml-unknown-member", 3, "`atach`"),
        ("policies:\n  - file: a.json\n    file: b.json\n", "yaml-duplicate-key", 3, "first on line 2"),
        ("policies: []\npolicies: []\n", "yaml-duplicate-key", 2, "first on line 1"),
        ("policies:\n  file: a.json\n", "yaml-shape", 2, "list"),
        ("policies:\n  - a.json\n", "yaml-shape", 2, "mapping"),
        ("policies:\n  - name: a\n", "proposal-missing", 2, "`file`"),
        ("policies:\n  - file: a.json\n    type: SPC\n", "proposal-type", 3, "`SPC`"),
        ("policies:\n  - file: a.json\n    attach: []\n", "yaml-shape", 3, "empty list"),
        ("policies:\n  - file: a.json\n    attach: ''\n", "yaml-shape", 3, "empty"),
        ("policies:\n  - file: a.json\n    attach: [Root, [Labs]]\n", "yaml-shape", 3, "a list"),
        ("policies:\n  - file: a.json\n    name: {a: b}\n", "yaml-shape", 3, "a mapping"),
        ("detach:\n  - policy: a\n", "proposal-missing", 2, "`from`"),
        ("move:\n  - account: a\n", "proposal-missing", 2, "`to`"),
        ("policies:\n\t- file: a.json\n", "yaml-syntax", 2, "not YAML"),
        ("policies: [\n", "yaml-syntax", 2, "not YAML"),
        ("policies: []\n---\npolicies: []\n", "yaml-syntax", 2, "not YAML"),
        ("policies: *nowhere\n", "yaml-syntax", 1, "not YAML"),
        ("policies: []\n# \x07\n", "yaml-syntax", 2, "character"),
        ("? [a]\n: b\n", "yaml-unknown-member", 1, "a list"),
    ],
)
def test_errors_name_the_line(text, code, line, words):
    error = error_of(text)
    assert (error.code, error.line) == (code, line)
    assert words in error.message


def test_a_misspelt_member_gets_a_suggestion():
    assert error_of("policies:\n  - file: a.json\n    atach: Root\n").hint == "did you mean `attach`?"


@pytest.mark.parametrize("number", ["111122223333", "012345670123", "012345678901", "1_000"])
@pytest.mark.parametrize("form", ["attach: {}", "attach: [Root, {}]"])
def test_an_unquoted_number_as_an_account_is_an_error(number, form):
    error = error_of(f"policies:\n  - file: a.json\n    {form.format(number)}\n")
    assert (error.code, error.line) == ("yaml-unquoted", 3)
    assert error.hint == f'quote it: "{number}"'


@pytest.mark.parametrize("value", ["yes", "2024-01-01", "1.5", "!!python/object:os.system x", "!custom x"])
def test_other_values_that_are_not_strings(value):
    assert error_of(f"move:\n  - account: {value}\n    to: Root\n").line == 2


def test_move_and_detach_want_quoted_accounts_too():
    assert error_of("move:\n  - account: 111122223333\n    to: Labs\n").code == "yaml-unquoted"
    assert error_of("detach:\n  - policy: a\n    from: 111122223333\n").code == "yaml-unquoted"


def test_anchors_work():
    manifest = parse_manifest(
        "policies:\n  - {file: a.json, attach: &where [Root, Labs]}\n  - {file: b.json, attach: *where}\n"
    )
    assert [each.text for each in manifest.policies[1].attach] == ["Root", "Labs"]


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000])
def test_hostile_nesting_is_an_error(text):
    assert error_of(text).code in ("yaml-depth", "yaml-syntax")


def test_an_alias_bomb_costs_nothing():
    rows = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert error_of("\n".join(rows)).code == "yaml-unknown-member"


WORDS = ["policies", "file", "attach", "move", "a.json", "Root", "~", "7", "ü", "\x00", "\ud800", "\t", "\n", "\n  "]
MARKS = [
    ": ",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<",
    "'",
    '"',
    "|\n",
    "#",
    "---\n",
    "!t ",
    "%",
    "@",
    "? ",
]
pieces = st.sampled_from([*WORDS, *MARKS])


@given(st.lists(pieces, max_size=30).map("".join))
def test_any_text_is_read_or_refused(text):
    try:
        parse_manifest(text, "proposal.yaml")
    except OrgsimError as error:
        assert error.file == "proposal.yaml"


def test_the_example_of_the_documentation_is_valid():
    page = Path(__file__).parents[3].joinpath("docs", "proposal.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    manifest = parse_manifest(example)
    assert (len(manifest.policies), len(manifest.detach), len(manifest.move)) == (1, 1, 1)
    assert manifest.policies[0].replaces.text == "regions-2024"
