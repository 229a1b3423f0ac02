"""Logs: one JSON object a line, and nothing secret or personal in it."""

import json
import logging
import sys
from typing import Any

import pytest

from app.infrastructure.database import engine_for
from app.infrastructure.telemetry import LIBRARIES, JsonFormatter, configure_logging, mask

SECRETS = {
    "access token": "00D5g000004XyZa!AQ0AQotter.token_1",
    "refresh token": "5Aep861-otter" + "otter" * 5,
    "sent in a form": "grant_type=refresh_token refresh_token=otter client_secret=otter code_verifier=otter",
    "bearer token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl",
    "webhook secret": "whsec_b3R0ZXJzIHNpZ24=",
    "e-mail": "m.o'brien+summit@mail.example.co.uk",
    "code": "https://sync.example/callback?code=aPrxOtter==&state=s3cr3tstate",
    "ticket": "/oauth/salesforce/start?ticket=t1ck3t",
}


def line_of(message: str, *args: object, extra: dict[str, Any] | None = None, exc_info: Any = None) -> Any:
    record = logging.getLogger("otter").makeRecord(
        "otter", logging.INFO, __file__, 1, message, args, exc_info, extra=extra
    )
    return json.loads(JsonFormatter().format(record))


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_secret_is_masked_wherever_it_stands(secret: str) -> None:
    try:
        raise ValueError(f"about {secret}")
    except ValueError:
        line = line_of("saw %s", secret, extra={"about": secret, "many": [secret]}, exc_info=sys.exc_info())
    text = json.dumps(line)
    for part in ("otter", "s3cr3t", "aPrx", "t1ck3t", "eyJ", "whsec_b", "brien"):
        assert part not in text.replace('"logger": "otter"', "")
    assert "***" in line["event"]


@pytest.mark.parametrize(
    "name", ["authorization", "Cookie", "access_token", "client_secret", "code_verifier", "code", "state"]
)
def test_field_with_a_telling_name_is_masked(name: str) -> None:
    assert line_of("saw", extra={name: "plain"})[name] == "***"


def test_line_says_when_who_and_what() -> None:
    line = line_of("drained", extra={"org_id": "00D5g000004XyZaEAK", "jobs": 3, "is_slow": False})
    assert line.pop("ts").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "otter",
        "event": "drained",
        "org_id": "00D5g000004XyZaEAK",
        "jobs": 3,
        "is_slow": False,
    }


@pytest.mark.parametrize("value", [1, 1.5, True, None])
def test_plain_values_stay(value: object) -> None:
    assert mask(value) is value


def test_ordinary_words_stay() -> None:
    text = "state=synced error_code=INVALID_FIELD 00D5g000004XyZaEAK /rows?state_of=x"
    assert mask(text) == text


def test_libraries_speak_up_from_warnings_on() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), [logging.getLogger(name).level for name in LIBRARIES])
    try:
        configure_logging("DEBUG")
        assert {name: logging.getLogger(name).level for name in LIBRARIES} == LIBRARIES
        assert isinstance(root.handlers[0].formatter, JsonFormatter)
        pool = engine_for("postgresql+asyncpg://otter@127.0.0.1/otter", "eventship_app").pool
        assert not pool.logger.isEnabledFor(logging.INFO)
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        for name, level in zip(LIBRARIES, before[2], strict=True):
            logging.getLogger(name).setLevel(level)
