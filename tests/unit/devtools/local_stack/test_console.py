"""The printed address of the console: let in by its fragment, for a while."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from app.cli import main
from devtools.local_stack.console import console_address
from devtools.local_stack.secrets import LocalSecrets


def claims_in(address: str) -> dict[str, Any]:
    payload = unquote(urlsplit(address).fragment).removeprefix("token=").split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def test_the_token_is_in_the_fragment_alone(tmp_path: Path) -> None:
    parts = urlsplit(console_address("http://127.0.0.1:8000", LocalSecrets.of(tmp_path)))
    assert (parts.path, parts.query) == ("/console/", "")
    assert parts.fragment.startswith("token=")


def test_the_token_opens_the_local_host_and_operations_for_an_hour(tmp_path: Path) -> None:
    secrets = LocalSecrets.of(tmp_path)
    claims = claims_in(console_address("http://127.0.0.1:8000", secrets))
    shorter = claims_in(console_address("http://127.0.0.1:8000", secrets, minutes=1))
    assert (claims["hosts"], claims["scope"]) == ({"host_acme": "owner"}, "ops")
    assert 58 * 60 <= claims["exp"] - shorter["exp"] <= 60 * 60


def test_the_command_prints_an_address_for_the_hosts_that_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ["--home", str(tmp_path), "--port", "8123", "--host", "host_b=member"]
    assert main.main(["console", *given]) == 0
    address = capsys.readouterr().out.strip()
    assert address.startswith("http://127.0.0.1:8123/console/#token=")
    assert claims_in(address)["hosts"] == {"host_b": "member"}
