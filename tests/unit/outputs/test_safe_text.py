"""Hostile texts: what the fast path of `safe_text` relies on."""

import sys

from simulator.outputs.safe_text import _UNSAFE, safe_text


def test_all_that_is_unsafe_is_not_printable():
    characters = map(chr, range(sys.maxunicode + 1))
    assert [each for each in characters if each.isprintable() and _UNSAFE.match(each)] == []


def test_other_characters_that_are_not_printable_stay():
    assert safe_text("a\xa0b\u3000") == "a\xa0b\u3000"
