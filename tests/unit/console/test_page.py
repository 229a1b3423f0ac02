"""The console's page: served with its policy, explained when it is not built, absent when switched off."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.console.page import POLICY, install_console

WANTED = (
    "require-trusted-types-for 'script'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "script-src 'self'",
)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html><title>otter</title>")
    (tmp_path / "console.js").write_text("export {};")
    return tmp_path


async def got(files: Path, path: str, **headers: str) -> httpx.Response:
    app = FastAPI()
    install_console(app, files)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        return await client.get(path)


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    assert all(directive in POLICY for directive in WANTED)
    assert "unsafe" not in POLICY


@pytest.mark.parametrize("path", ["/console/", "/console/console.js"])
async def test_every_file_carries_the_policy(built: Path, path: str) -> None:
    answer = await got(built, path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_file_that_has_not_changed_is_not_sent_again(built: Path) -> None:
    first = await got(built, "/console/console.js")
    again = await got(built, "/console/console.js", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_address_without_a_slash_leads_to_the_page(built: Path) -> None:
    answer = await got(built, "/console")
    assert (answer.status_code, answer.headers["location"]) == (308, "/console/")


@pytest.mark.parametrize("path", ["/console/../secrets.json", "/console/%2e%2e/secrets.json"])
async def test_nothing_beside_the_built_files_is_served(built: Path, path: str) -> None:
    (built.parent / "secrets.json").write_text("{}")
    assert (await got(built, path)).status_code == 404


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/console.js"])
async def test_without_built_files_it_says_how_to_get_them(tmp_path: Path, path: str) -> None:
    answer = await got(tmp_path, path)
    assert answer.status_code == 503
    assert "make web" in answer.text
