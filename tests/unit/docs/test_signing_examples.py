"""The examples of a sender send what we take: each is run where its language is at hand, and verified."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.config.webhook_secret import WebhookSecret
from app.webhooks.endpoints import PATH
from app.webhooks.parse import parse_delivery
from app.webhooks.signature import verify
from app.webhooks.signature_check import checked
from app.webhooks.signature_endpoint import TEST_PATH
from tests.factories import WEBHOOK_SECRET

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
RUN = {
    "py": [sys.executable],
    "mjs": ["node"],
    "php": ["php"],
    "rb": ["ruby"],
    "go": ["go", "run"],
}
SECRET = WebhookSecret.parse(WEBHOOK_SECRET)
Post = tuple[str, list[tuple[bytes, bytes]], bytes]


class Receiver(ThreadingHTTPServer):
    """Takes what is posted; the first is refused for a while."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts: list[Post] = []
        self.statuses = iter([503])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        self.server.posts.append((self.path, headers, body))
        answer = json.dumps({"outcome": "accepted"}).encode()
        self.send_response(next(self.server.statuses, 202))
        self.send_header("Retry-After", "0")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of its base
        """Quietly."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


def run(language: str, url: str, **settings: str) -> str:
    command = RUN[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not at hand: this example was not run")
    environment = os.environ | {"EVENTSHIP_URL": url, "WEBHOOK_SECRET": WEBHOOK_SECRET} | settings
    script = str(EXAMPLES / f"send_webhook.{language}")
    done = subprocess.run([*command, script], env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.decode()


def test_there_is_one_for_every_language() -> None:
    assert {path.suffix[1:] for path in EXAMPLES.glob("send_webhook.*")} == RUN.keys()


@pytest.mark.parametrize("language", RUN)
def test_what_it_sends_is_signed_and_usable_to_the_byte(language: str, receiver: Receiver) -> None:
    said = run(language, receiver.url)
    assert [line.split()[0] for line in said.splitlines()] == ["503", "202"]
    taken = [
        verify(headers, body, secrets=[SECRET], now=datetime.now(UTC)) for _, headers, body in receiver.posts
    ]
    first, second = receiver.posts
    assert (first[0], taken[0], first[2]) == (PATH, taken[1], second[2])
    delivery = parse_delivery(taken[0], first[2])
    attendee = json.loads(delivery.payload)["data"]["registration"]["attendee"]
    assert (delivery.outcome.value, delivery.host_id, delivery.registration_id) == (
        "accepted",
        "host_acme",
        "reg_8842",
    )
    assert (attendee["first_name"], attendee["last_name"]) == ("Zoë", "Ångström 李")
    assert "Zoë".encode() in first[2]


@pytest.mark.parametrize("language", ["py", "mjs"])
def test_it_can_be_tried_out_first(language: str, receiver: Receiver) -> None:
    run(language, receiver.url, EVENTSHIP_PATH=TEST_PATH)
    path, headers, body = receiver.posts[-1]
    assert path == TEST_PATH
    assert checked(headers, body, secrets=[SECRET], now=datetime.now(UTC)).is_valid
