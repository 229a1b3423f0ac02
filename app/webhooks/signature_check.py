"""Says what is wrong with a webhook's signature, for whoever builds the sender: nothing is recorded.

Of each part that can be wrong it names the usual mistake. It never says which secret, nor how near a
signature comes: whoever has no secret learns no more than that nothing matches. Every comparison is made,
whatever the ones before found.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel

from app.config.webhook_secret import WHSEC, WebhookSecret
from app.webhooks.signature import (
    SIGNATURES,
    SIGNATURES_MAX,
    TIMESTAMP,
    TOLERANCE,
    VERSION,
    WEBHOOK_ID,
    Headers,
    digest,
)
from app.webhooks.strict_json import InvalidJson, parse_object

REWRITTEN_MAX: Final = 8_192
"""Bytes of a body that is written in other ways to see whether one of them was signed."""
DIGEST_BYTES: Final = 32
FORMS: Final[tuple[dict[str, Any], ...]] = ({"separators": (",", ":")}, {}, {"indent": 2})
MILLISECONDS: Final = re.compile(rb"[0-9]{13}")
HEX: Final = re.compile(rb"[0-9a-fA-F]{64}")
HEADERS: Final = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")

Part = Literal["headers", "clock", "signature"]

MESSAGES: Final[dict[Part, dict[str, str]]] = {
    "headers": {
        "header_missing": "{header} is not there.",
        "header_repeated": "{header} is there more than once.",
        "id_malformed": "webhook-id is 1 to 255 printable ASCII characters without spaces.",
        "timestamp_in_milliseconds": "webhook-timestamp is in milliseconds: send seconds since 1970.",
        "timestamp_malformed": "webhook-timestamp is seconds since 1970, ten digits, and nothing else.",
        "signature_malformed": "webhook-signature is one to eight of `v1,<base64>`, one space between each.",
        "signature_without_version": "A signature begins with its version: `v1,` and then base64.",
        "signature_in_hex": "The signature is in hexadecimal: send the digest's 32 bytes as base64.",
        "signature_not_base64": "Behind `v1,` stands no base64 of 32 bytes, with `+`, `/` and `=`.",
        "signature_of_other_version": "There is no signature of version `v1`.",
    },
    "clock": {
        "clock_behind": "webhook-timestamp is {seconds} s before our time, and may be 300: sign each attempt "
        "with its own time, and check your clock.",
        "clock_ahead": "webhook-timestamp is {seconds} s after our time, and may be 300: check your clock.",
    },
    "signature": {
        "body_written_again": "The signature is of the same JSON, written in another way: sign the very "
        "bytes that you send.",
        "body_ends_differ": "The signature is of a body with other line ends, or with or without a byte "
        "order mark: something on the way changes it.",
        "secret_not_decoded": "The secret was used as text: the key is what its base64 behind `whsec_` "
        "stands for.",
        "parts_left_out": "Sign webhook-id, webhook-timestamp and body, with a dot between each: "
        "`<id>.<timestamp>.<body>`.",
        "no_secret_fits": "No live secret signed these bytes: it is another secret or one whose time is "
        "over, or id, timestamp or body changed on the way. Compare body_sha256 with what you signed.",
    },
}
"""By part and code: what is wrong and what to do, for engineers."""


class SignatureFinding(BaseModel):
    """One thing that is wrong; `message` says what to do about it."""

    part: Part
    code: str
    message: str


class SignatureChecked(BaseModel):
    """Whether the webhook would be taken as signed, and if not, why. Nothing of it was kept.

    `received_at` is our time; `body_bytes` and `body_sha256` (hexadecimal) are of the body as it arrived.
    """

    is_valid: bool
    findings: list[SignatureFinding]
    received_at: datetime
    body_bytes: int
    body_sha256: str


def checked(
    headers: Headers, body: bytes, *, secrets: Sequence[WebhookSecret], now: datetime
) -> SignatureChecked:
    """Judge as `verify` does, and name each thing that is wrong."""
    findings, values = _form(headers)
    if b"webhook-timestamp" in values:
        findings += _clock(int(values[b"webhook-timestamp"]), now)
    if len(values) == len(HEADERS):
        findings += _signature(values, body, [secret.key for secret in secrets if secret.is_live(now)])
    return SignatureChecked(
        is_valid=not findings,
        findings=findings,
        received_at=now,
        body_bytes=len(body),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )


def _finding(part: Part, code: str, **places: object) -> SignatureFinding:
    return SignatureFinding(part=part, code=code, message=MESSAGES[part][code].format(**places))


def _form(headers: Headers) -> tuple[list[SignatureFinding], dict[bytes, bytes]]:
    """What is wrong with the headers, and those that are well formed."""
    sent = list(headers)
    findings: list[SignatureFinding] = []
    good: dict[bytes, bytes] = {}
    for name in HEADERS:
        values = [value for each, value in sent if each == name]
        code = FAULTS[name](values[0]) if len(values) == 1 else _number_fault(values)
        if code is None:
            good[name] = values[0]
        else:
            findings.append(_finding("headers", code, header=name.decode()))
    return findings, good


def _number_fault(values: Sequence[bytes]) -> str:
    return "header_repeated" if values else "header_missing"


def _id_fault(value: bytes) -> str | None:
    return None if WEBHOOK_ID.fullmatch(value) else "id_malformed"


def _timestamp_fault(value: bytes) -> str | None:
    if TIMESTAMP.fullmatch(value):
        return None
    return "timestamp_in_milliseconds" if MILLISECONDS.fullmatch(value) else "timestamp_malformed"


def _signature_fault(value: bytes) -> str | None:
    signatures = value.split(b" ")
    if not SIGNATURES.fullmatch(value) or len(signatures) > SIGNATURES_MAX:
        return "signature_malformed"
    parts = [each.partition(b",") for each in signatures]
    if not all(version and comma and digest_ for version, comma, digest_ in parts):
        return "signature_malformed" if any(comma for _, comma, _ in parts) else "signature_without_version"
    ours = [digest_ for version, _, digest_ in parts if version == VERSION]
    if not ours:
        return "signature_of_other_version"
    digests = [_decoded(each) for each in ours]
    if all(digests) and any(len(each) == DIGEST_BYTES for each in digests):
        return None
    return "signature_in_hex" if any(HEX.fullmatch(each) for each in ours) else "signature_not_base64"


FAULTS: Final[dict[bytes, Callable[[bytes], str | None]]] = {
    b"webhook-id": _id_fault,
    b"webhook-timestamp": _timestamp_fault,
    b"webhook-signature": _signature_fault,
}


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return b""


def _clock(timestamp: int, now: datetime) -> list[SignatureFinding]:
    age = now.timestamp() - timestamp
    if abs(age) <= TOLERANCE.total_seconds():
        return []
    return [_finding("clock", "clock_behind" if age > 0 else "clock_ahead", seconds=f"{abs(age):.0f}")]


def _signature(values: dict[bytes, bytes], body: bytes, keys: Sequence[bytes]) -> list[SignatureFinding]:
    webhook_id, timestamp, signatures = (values[name] for name in HEADERS)
    parts = [each.partition(b",") for each in signatures.split(b" ")]
    given = [_decoded(value) for version, _, value in parts if version == VERSION]

    def is_of(keys: Iterable[bytes], bodies: Iterable[bytes]) -> bool:
        made = [digest(key, webhook_id, timestamp, each) for key in keys for each in bodies]
        return _matches(made, given)

    texts = [text for key in keys for text in _as_text(key)]
    short = [part for each in (timestamp + b"." + body, body) for part in _macs(keys, each)]
    found = {
        "": is_of(keys, [body]),
        "body_written_again": is_of(keys, _written_again(body)),
        "body_ends_differ": is_of(keys, _other_ends(body)),
        "secret_not_decoded": is_of(texts, [body]),
        "parts_left_out": _matches(short, given),
    }
    code = next((each for each, is_found in found.items() if is_found), "no_secret_fits")
    return [_finding("signature", code)] if code else []


def _matches(made: Iterable[bytes], given: Sequence[bytes]) -> bool:
    """Whether one is another; each is compared with each."""
    compared = [hmac.compare_digest(ours, theirs) for ours in made for theirs in given]
    return any(compared)


def _macs(keys: Iterable[bytes], content: bytes) -> list[bytes]:
    return [hmac.digest(key, content, hashlib.sha256) for key in keys]


def _as_text(key: bytes) -> tuple[bytes, bytes]:
    """The key's secret as it is written down, with and without what it begins with."""
    text = base64.b64encode(key)
    return text, WHSEC.encode() + text


def _other_ends(body: bytes) -> list[bytes]:
    lines, mark = body.replace(b"\r\n", b"\n"), b"\xef\xbb\xbf"
    return [
        body.strip(),
        body + b"\n",
        body + b"\r\n",
        lines,
        lines.replace(b"\n", b"\r\n"),
        body.removeprefix(mark),
        mark + body,
    ]


def _written_again(body: bytes) -> list[bytes]:
    """The body's JSON as the usual languages write it; nothing for what is large, or no JSON of ours.

    What webhooks may not be is left alone: each level of nesting makes every indented line longer.
    """
    if len(body) > REWRITTEN_MAX:
        return []
    try:
        parse_object(body)
        value = json.loads(body)
        return [each for is_ascii in (True, False) for each in _dumped(value, is_ascii=is_ascii)]
    except (ValueError, InvalidJson):
        return []


def _dumped(value: Any, *, is_ascii: bool) -> Iterable[bytes]:
    for is_sorted in (True, False):
        compact, spaced, indented = [
            json.dumps(value, ensure_ascii=is_ascii, sort_keys=is_sorted, **form).encode() for form in FORMS
        ]
        yield from (compact, spaced, indented, compact.replace(b"/", rb"\/"), _for_html(compact))


def _for_html(text: bytes) -> bytes:
    """As Go writes it by default."""
    for character in b"<>&":
        text = text.replace(bytes([character]), rb"\u%04x" % character)
    return text
