"""/docs/…: the guides, for everybody, with a policy that lets nothing run."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from app.config.settings import Settings
from app.console.documents import GUIDES
from tests.api.service import caller, running
from tools.monitoring.rules import ALERTS, Alert

SALESFORCE = Path(__file__).parents[3] / "salesforce"
PROJECT = SALESFORCE / "sfdx-project.json"
STANDARD = SALESFORCE / "unpackaged/permissionsets/Eventship_Standard_Access.permissionset-meta.xml"


@pytest.fixture
async def anybody(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings) as app, caller(app, {}) as client:
        yield client


@pytest.mark.parametrize("name", GUIDES)
async def test_guides_are_served_without_a_token(anybody: httpx.AsyncClient, name: str) -> None:
    answer = await anybody.get(f"/docs/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert f'<a href="/docs/{name}" aria-current=page>' in answer.text


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
async def test_the_runbook_of_each_alert_is_served(anybody: httpx.AsyncClient, alert: Alert) -> None:
    answer = await anybody.get(f"/docs/runbooks/{alert.name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{alert.name}</h1>" in answer.text


async def test_style_is_a_file_of_its_own(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/docs/style.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"


async def test_admins_get_the_permission_set_as_it_is_deployed(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/docs/eventship-standard-access.zip")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="eventship-standard-access.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    name = "permissionsets/Eventship_Standard_Access.permissionset"
    assert set(files) == {"package.xml", name}
    assert files[name] == STANDARD.read_text()
    manifest = ElementTree.fromstring(files["package.xml"])
    assert [each.text for each in manifest.iter() if not len(each)] == [
        "Eventship_Standard_Access", "PermissionSet", json.loads(PROJECT.read_text())["sourceApiVersion"],
    ]  # fmt: skip
    assert "/docs/eventship-standard-access.zip" in (await anybody.get("/docs/package")).text


async def test_the_picture_of_a_guide_is_served_and_no_other_file(anybody: httpx.AsyncClient) -> None:
    assert '<img src="/docs/campaign-id.svg"' in (await anybody.get("/docs/campaigns")).text
    picture = await anybody.get("/docs/campaign-id.svg")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert "7015g000000KqRs" in picture.text
    assert "img-src 'self'" in picture.headers["content-security-policy"]
    assert (await anybody.get("/docs/drain.svg")).status_code == 404


async def test_docs_lead_to_the_first_guide(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/docs")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs/connecting")


@pytest.mark.parametrize(
    "path",
    [
        "/docs/security",
        "/docs/..%2fREADME",
        "/docs/connecting.md",
        "/docs/a/b",
        "/docs/runbooks/Otters",
        "/docs/runbooks/..%2fsecurity",
    ],
)
async def test_nothing_else_is_served(anybody: httpx.AsyncClient, path: str) -> None:
    answer = await anybody.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
