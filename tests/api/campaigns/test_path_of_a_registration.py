"""One registration on its way through the service meets few modules, as docs/architecture.md tells."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import httpx

import app as service_package
from app.connections.service import open_client
from app.sync.engine.drain import drain
from app.sync.engine.org_drain import DrainContext
from tests.api.campaigns.dashboard import CampaignDashboard
from tests.deliveries import post, registration, webhook

ROOT: Final = Path(service_package.__file__).parent
REGISTRATION: Final = "reg_walk"
FRONT: Final = "webhooks/fast_path.py"
"""The ASGI application that every request passes."""
SHARED: Final = ("models/", "infrastructure/", "api/", "text/", "config/", "states.py", "sync/model/", FRONT)
"""What a walk leaves out: tables and values, infrastructure, pieces that all endpoints share."""
FILES_MAX: Final = 45
EVENT: Final = "/v1/hosts/host_a/events/evt_otters/salesforce"


def mentions(value: Any, *, depth: int = 6) -> bool:
    """Whether the value is the registration's id, or a record that holds it."""
    if isinstance(value, str | bytes):
        return value in (REGISTRATION, REGISTRATION.encode())
    if depth == 0 or value is None or isinstance(value, int | float | type):
        return False
    if isinstance(value, dict):
        return any(mentions(each, depth=depth - 1) for pair in list(value.items())[:40] for each in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(mentions(each, depth=depth - 1) for each in list(value)[:40])
    kept = getattr(value, "__dict__", None) or {
        name: getattr(value, name, None) for name in getattr(type(value), "__slots__", ())
    }
    return bool(kept) and mentions(kept, depth=depth - 1)


@contextmanager
def traced(files: list[str]) -> Iterator[None]:
    """Note each module of the service that is called with the registration, in their order."""

    def note(frame: FrameType, event: str, arg: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(ROOT)):
            return
        name = Path(frame.f_code.co_filename).relative_to(ROOT).as_posix()
        if name in files or name.startswith(SHARED):
            return
        code = frame.f_code
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(mentions(frame.f_locals.get(each)) for each in given):
            files.append(name)

    before: Callable[..., Any] | None = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


async def walk(dashboard: CampaignDashboard, campaign_id: str) -> list[str]:
    """Register somebody, drain the org, and look at the row: the modules that met the registration."""
    app = dashboard.http._transport.app  # type: ignore[attr-defined]
    resources = app.state.resources
    assert (await dashboard.link(campaign_id)).status_code < 300

    async def opener(host_id: str, *, before_send: Callable[[], None], **read: Any) -> Any:
        return await open_client(resources, host_id, before_send=before_send, **read)

    context = DrainContext(
        resources.database, resources.settings, opener, "worker_walk", resources.settings.hash_pepper
    )
    files: list[str] = []
    payload = webhook(registration=registration(id=REGISTRATION))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://platform") as platform:
        with traced(files):
            answer = await post(platform, payload)
            assert answer.status_code in (200, 202), answer.text
            await drain(context, dashboard.org.org_id, stop=asyncio.Event())
            row = await dashboard.http.get(f"{EVENT}/registrations/{REGISTRATION}")
    assert row.json()["state"] == "synced", row.text
    return files


async def test_a_registration_meets_few_modules(dashboard: CampaignDashboard, campaign_id: str) -> None:
    files = await walk(dashboard, campaign_id)
    assert len(files) <= FILES_MAX, "\n".join(files)
