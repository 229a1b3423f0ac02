"""Strict JSON: what is bounded, unambiguous and storable is read as is; everything else has one error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.webhooks.strict_json import InvalidJson, parse_object


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b" {} ", id="empty"),
        pytest.param(nested(32), id="depth-32"),
        pytest.param(b'{"brackets": "' + b"[{" * 500 + b'"}', id="brackets-in-a-string"),
        pytest.param(rb'{"a": "\"[[[\\", "b": ["\\\\"]}', id="escaped-quotes"),
        pytest.param(rb'{"a": "\\u0000 \\ud800"}', id="escaped-backslash-before-u"),
        pytest.param(rb'{"a": "\ud83e\udda6"}', id="surrogate-pair"),
        pytest.param('{"a": "🦦"}'.encode(), id="utf8"),
        pytest.param(b'{"a": 9223372036854775807, "b": -9223372036854775807}', id="largest-integers"),
        pytest.param(b'{"a": 1.5e300}', id="float"),
        pytest.param(b'{"a": 4.9E-324, "b": 1e-400}', id="smallest-floats"),
        pytest.param(json.dumps({str(n): n for n in range(1000)}).encode(), id="1000-members"),
    ],
)
def test_sound_object_is_read_as_the_parser_reads_it(raw: bytes) -> None:
    assert parse_object(raw) == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "not_json", id="empty"),
        pytest.param(b"{", "not_json", id="unfinished"),
        pytest.param(b'{"a": "', "not_json", id="unfinished-string"),
        pytest.param(b'{"a": "\\', "not_json", id="unfinished-escape"),
        pytest.param(b"\xef\xbb\xbf{}", "not_json", id="byte-order-mark"),
        pytest.param(b"\xff{}", "not_utf8", id="bad-utf8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', "not_utf8", id="encoded-surrogate"),
        pytest.param("{}".encode("utf-16"), "not_utf8", id="utf16"),
        pytest.param(b"[]", "not_an_object", id="list"),
        pytest.param(b"null", "not_an_object", id="null"),
        pytest.param(nested(33), "too_deep", id="depth-33"),
        pytest.param(b'{"a":' * 100_000, "too_deep", id="depth-100000"),
        pytest.param(b"[" * 100_000, "too_deep", id="lists-100000"),
        pytest.param(b'{"a": [' + b"1," * 20_001 + b"1]}", "too_many_values", id="many-values"),
        pytest.param(
            json.dumps({str(n): n for n in range(1001)}).encode(), "too_many_members", id="1001-members"
        ),
        pytest.param(b'{"a": 1, "a": 1}', "duplicate_key", id="duplicate-key"),
        pytest.param(rb'{"a": 1, "\u0061": 2}', "duplicate_key", id="duplicate-escaped-key"),
        pytest.param(b'{"a": ' + b"9" * 100_000 + b"}", "number_too_large", id="100000-digits"),
        pytest.param(b'{"a": 9223372036854775808}', "number_too_large", id="more-than-64-bits"),
        pytest.param(b'{"a": 1e999}', "number_too_large", id="overflowing-float"),
        pytest.param(b'{"a": 0e99999}', "number_too_large", id="exponent-beyond-any-double"),
        pytest.param(b'{"a": 1e-401}', "number_too_large", id="exponent-below-any-double"),
        pytest.param(b'{"a": 0.' + b"1" * 100 + b"}", "number_too_large", id="long-float"),
        pytest.param(b'{"a": NaN}', "not_json", id="nan"),
        pytest.param(b'{"a": -Infinity}', "not_json", id="infinity"),
        pytest.param(b'{"a": "\x00"}', "not_json", id="raw-nul"),
        pytest.param(rb'{"a": "\u0000"}', "nul_or_surrogate", id="escaped-nul"),
        pytest.param(rb'{"\u0000": 1}', "nul_or_surrogate", id="nul-in-a-key"),
        pytest.param(rb'{"a": [{"b": "\ud800"}]}', "nul_or_surrogate", id="lone-surrogate"),
        pytest.param(rb'{"a": "\uDFFF\uD800"}', "nul_or_surrogate", id="swapped-pair"),
    ],
)
def test_unsound_body_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidJson) as refused:
        parse_object(raw)
    assert refused.value.reason == reason


TOKENS = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b":",
        b",",
        b'"a"',
        b"1",
        b"e9",
        b"\\u",
        b"d800",
        b"\x00",
        b"\xff",
        b" ",
    ]
)


@given(st.one_of(st.binary(max_size=200), st.lists(TOKENS, max_size=60).map(b"".join)))
def test_any_bytes_are_read_or_refused_with_the_one_error(raw: bytes) -> None:
    try:
        value = parse_object(raw)
    except InvalidJson:
        return
    assert value == json.loads(raw)


def test_hostile_strings_are_scanned_in_linear_time() -> None:
    """Quadratic scanning would take minutes here."""
    with pytest.raises(InvalidJson):
        parse_object(b'{"a": "' + rb"\"" * 130_000)
