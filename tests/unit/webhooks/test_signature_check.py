"""The check of a signature names the usual mistakes, agrees with the real one, and tells no more."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config.webhook_secret import WebhookSecret
from app.webhooks.signature import InvalidSignature, StaleSignature, signed_by, verify
from app.webhooks.signature_check import MESSAGES, SignatureChecked, _written_again, checked
from tests.factories import NOW, WEBHOOK_KEY

AT = int(NOW.timestamp())
VALUE = {"type": "registration.confirmed", "data": {"name": "Zoë Ångström", "url": "https://a.example/<b>"}}
BODY = json.dumps(VALUE, ensure_ascii=False, separators=(",", ":")).encode()
SECRET = WebhookSecret(WEBHOOK_KEY)
RETIRED = WebhookSecret(b"r" * 32, NOW - timedelta(days=1))

Headers = list[tuple[bytes, bytes]]


def headers(key: bytes = WEBHOOK_KEY, *, at: int = AT, body: bytes = BODY, **changed: str) -> Headers:
    values = signed_by([key], "msg_1", at, body) | {name.replace("_", "-"): v for name, v in changed.items()}
    return [(name.encode(), value.encode()) for name, value in values.items()]


def mac(content: bytes, key: bytes = WEBHOOK_KEY) -> bytes:
    return hmac.digest(key, content, hashlib.sha256)


def as_header(digest: bytes) -> str:
    return "v1," + base64.b64encode(digest).decode()


def check(sent: Headers, body: bytes = BODY) -> SignatureChecked:
    return checked(sent, body, secrets=(SECRET, RETIRED), now=NOW)


def codes(sent: Headers, body: bytes = BODY) -> list[str]:
    return [each.code for each in check(sent, body).findings]


def test_what_is_right_has_no_findings_and_says_which_bytes_arrived() -> None:
    answer = check(headers())
    assert (answer.is_valid, answer.findings, answer.received_at) == (True, [], NOW)
    assert (answer.body_bytes, answer.body_sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())


SIGNED = f"msg_1.{AT}.".encode()
MISTAKES: dict[str, Callable[[], tuple[Headers, str]]] = {
    "milliseconds": lambda: (headers(webhook_timestamp=f"{AT}000"), "timestamp_in_milliseconds"),
    "date": lambda: (headers(webhook_timestamp="2026-11-21"), "timestamp_malformed"),
    "space in id": lambda: (headers(webhook_id="msg 1"), "id_malformed"),
    "no version": lambda: (
        headers(webhook_signature=as_header(mac(SIGNED))[3:]),
        "signature_without_version",
    ),
    "hex": lambda: (headers(webhook_signature=f"v1,{mac(SIGNED).hex()}"), "signature_in_hex"),
    "no padding": lambda: (headers(webhook_signature=as_header(mac(SIGNED))[:-1]), "signature_not_base64"),
    "v2": lambda: (
        headers(webhook_signature="v2" + as_header(mac(SIGNED))[2:]),
        "signature_of_other_version",
    ),
    "comma": lambda: (headers(webhook_signature=as_header(mac(SIGNED)) + ", v1,"), "signature_malformed"),
    "none": lambda: ([each for each in headers() if each[0] != b"webhook-id"], "header_missing"),
    "twice": lambda: ([*headers(), (b"webhook-id", b"msg_2")], "header_repeated"),
    "late": lambda: (headers(at=AT - 301), "clock_behind"),
    "early": lambda: (headers(at=AT + 301), "clock_ahead"),
    "whsec text": lambda: (headers(b"whsec_" + base64.b64encode(WEBHOOK_KEY)), "secret_not_decoded"),
    "base64 text": lambda: (headers(base64.b64encode(WEBHOOK_KEY)), "secret_not_decoded"),
    "body alone": lambda: (headers(webhook_signature=as_header(mac(BODY))), "parts_left_out"),
    "no id": lambda: (headers(webhook_signature=as_header(mac(SIGNED[6:] + BODY))), "parts_left_out"),
    "another secret": lambda: (headers(b"x" * 32), "no_secret_fits"),
    "retired secret": lambda: (headers(RETIRED.key), "no_secret_fits"),
    "python's spaces": lambda: (headers(body=json.dumps(VALUE).encode()), "body_written_again"),
    "php": lambda: (
        headers(body=json.dumps(VALUE, separators=(",", ":")).replace("/", r"\/").encode()),
        "body_written_again",
    ),
    "go": lambda: (
        headers(body=BODY.replace(b"<", rb"\u003c").replace(b">", rb"\u003e")),
        "body_written_again",
    ),
    "line end": lambda: (headers(body=BODY + b"\n"), "body_ends_differ"),
    "byte order mark": lambda: (headers(body=b"\xef\xbb\xbf" + BODY), "body_ends_differ"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_usual_mistakes_are_named(mistake: str) -> None:
    sent, code = MISTAKES[mistake]()
    answer = check(sent)
    assert ([each.code for each in answer.findings], answer.is_valid) == ([code], False)
    assert code in MESSAGES[answer.findings[0].part]
    assert "{" not in answer.findings[0].message


def test_every_code_has_a_mistake() -> None:
    assert {MISTAKES[mistake]()[1] for mistake in MISTAKES} == {
        code for codes in MESSAGES.values() for code in codes
    }


def test_several_things_can_be_wrong_at_once() -> None:
    assert codes(headers(b"x" * 32, at=AT - 900)) == ["clock_behind", "no_secret_fits"]


def test_a_near_signature_answers_like_a_far_one() -> None:
    digest = mac(SIGNED + BODY)
    near = as_header(digest[:-1] + bytes([digest[-1] ^ 1]))
    assert check(headers(webhook_signature=near)) == check(headers(webhook_signature=as_header(bytes(32))))


def test_a_dead_secret_answers_like_one_that_never_was() -> None:
    assert check(headers(RETIRED.key)) == check(headers(b"y" * 32))


@pytest.mark.parametrize(
    "body", [b"", b"[" * 20_000, b'{"a":"\\ud800"}', b"9" * 10_000, b"x" * 262_144, b"\xff\xfe"], ids=repr
)
def test_any_body_is_judged(body: bytes) -> None:
    assert codes(headers(body=body), body) == []
    assert codes(headers(body=b"other"), body) == ["no_secret_fits"]


def test_no_body_makes_many_bytes_of_few() -> None:
    """Each level indents every line: 32 KiB of nesting once became 118 MB, and kept the loop for seconds."""
    for depth in (1, 30, 900):
        levels = b"[" * depth
        body = b'{"a":' + levels + b"0" + b",0" * 14_000 + b"]" * depth + b"}"
        for each in (body, body[:4000] + b"]" * (depth % 900) + b"}"):
            assert sum(map(len, _written_again(each))) < 2_000_000


def mixed() -> st.SearchStrategy[Headers]:
    """Headers of good and bad values in any number."""
    good = dict(headers())
    values: dict[bytes, Any] = {
        b"webhook-id": st.sampled_from([good[b"webhook-id"], b"", b"msg 1", b"msg_2"]),
        b"webhook-timestamp": st.sampled_from([good[b"webhook-timestamp"], b"1", str(AT - 900).encode()]),
        b"webhook-signature": st.lists(
            st.sampled_from([good[b"webhook-signature"], b"v1,AAAA", b"v2,x", b"v1,", b"", b"v1,?"]),
            max_size=10,
        ).map(b" ".join),
    }
    pairs = [st.tuples(st.just(name), value) for name, value in values.items()]
    whole = st.tuples(*pairs).map(list)
    return whole | st.lists(st.one_of(*pairs), max_size=4)


@settings(max_examples=200)
@given(mixed())
def test_it_is_valid_exactly_where_the_webhook_is_taken(sent: Headers) -> None:
    try:
        verify(sent, BODY, secrets=(SECRET, RETIRED), now=NOW)
        is_taken = True
    except (InvalidSignature, StaleSignature):
        is_taken = False
    assert check(sent).is_valid == is_taken
