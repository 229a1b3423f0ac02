"""Addresses as they are written and compared."""

import re
import sys
import unicodedata

import pytest

from app.text.email_address import INVISIBLE, address_key, plain_address

ADDRESSES = [
    pytest.param(" Ann@Otter.example\n", "Ann@Otter.example", id="white space"),
    pytest.param("\ufeffAnn@Otter.example", "Ann@Otter.example", id="byte order mark"),
    pytest.param("Ann\u200b@Otter\u200d.example", "Ann@Otter.example", id="zero width"),
    pytest.param("\u202aAnn@Otter.example\u202c", "Ann@Otter.example", id="direction marks"),
    pytest.param("\u00a0\u200bAnn@Ot\u00adter.example \u200e", "Ann@Otter.example", id="mixed with spaces"),
    pytest.param("Ann\x01@Otter.example", "Ann@Otter.example", id="control"),
    pytest.param("\U000e0041Ann@Otter.example", "Ann@Otter.example", id="tag"),
    pytest.param("a b@otter.example", "a b@otter.example", id="white space inside stays and is refused"),
    pytest.param("\u200b ", None, id="nothing left"),
    pytest.param(None, None, id="none"),
]


@pytest.mark.parametrize(("given", "plain"), ADDRESSES)
def test_address_loses_invisible_characters(given: str | None, plain: str | None) -> None:
    assert plain_address(given) == plain
    assert address_key(given) == (plain.lower() if plain else None)


def test_every_format_character_is_invisible() -> None:
    every = map(chr, range(1, sys.maxunicode + 1))
    missed = [
        hex(ord(char))
        for char in every
        if unicodedata.category(char) in ("Cc", "Cf") and not char.isspace() and not re.match(INVISIBLE, char)
    ]
    assert missed == []
