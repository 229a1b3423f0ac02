"""The guide for the dashboard's developers, followed: each of its commands, in order, does what it says."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.campaigns.backfill import enqueue_backfill_chunk
from tests.api.browser import brought_back
from tests.api.conftest import Service
from tests.deliveries import event, post, registration, webhook
from tests.tokens import TokenMint

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
API = "http://127.0.0.1:8000"
BASES = {
    "$API": API,
    "$H": f"{API}/v1/hosts/host_1/salesforce",
    "$E": f"{API}/v1/hosts/host_1/events/evt_summit/salesforce",
}
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.S | re.M)
CAMPAIGN_ID, ORG_ID, ATTEMPT_ID = "7015g000000KqRs", "00D5g000004XyZaEAK", "att_01JD3QK9"
UPCOMING = {"starts_at": "2036-11-24T08:00:00Z", "ends_at": "2036-11-25T16:00:00Z"}
CODE = "q8Zt4v"
STATUSES = ["Registered", "Attended"]


@dataclass(frozen=True)
class Command:
    """One curl command of the guide."""

    method: str
    url: str
    body: str | None
    headers: dict[str, str]

    @classmethod
    def read(cls, line: str) -> "Command":
        for name, value in BASES.items():
            line = line.replace(name, value)
        words = iter(shlex.split(line, comments=True)[1:])
        method, url, body, headers = "GET", "", None, {}
        for word in words:
            match word:
                case "-X":
                    method = next(words)
                case "-d" | "--data-binary":
                    body = next(words)
                case "-H":
                    name, _, value = next(words).partition(": ")
                    headers[name] = value
                case "-o":
                    next(words)
                case _:
                    url = word
        return cls(method, url, body, {k: v for k, v in headers.items() if v})


def commands() -> Iterator[Command]:
    for block in BLOCK.findall(GUIDE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("curl "):
                yield Command.read(line)


@dataclass
class Reader:
    """Follows the guide with ids of its own in the place of those that Salesforce and we make."""

    service: Service
    ids: dict[str, str]

    async def follow(self, command: Command) -> httpx.Response:
        url, body = self._own(command.url), self._own(command.body or "")
        if body == "@registrations.ndjson":
            payload = registration(id="reg_imported", attendee={"email": "late@otter.example"})
            body = json.dumps(
                {
                    "host": {"id": "host_1"},
                    "event": event(id="evt_summit", **UPCOMING),
                    "registration": payload,
                }
            )
        kind = {name: value for name, value in command.headers.items() if name == "content-type"}
        answer = await self.service.http.request(command.method, url, content=body or None, headers=kind)
        if url.endswith("/connect"):
            await self._sign_in(answer.json())
        await enqueue_backfill_chunk(self.service.resources.database)
        return answer

    async def _sign_in(self, started: dict[str, Any]) -> None:
        async with self.service.browser() as browser:
            landed = await browser.sign_in(started["start_url"])
        self.ids[ATTEMPT_ID], self.ids[CODE] = brought_back(landed)

    def _own(self, text: str) -> str:
        for theirs, own in self.ids.items():
            text = text.replace(theirs, own)
        return text


@pytest.fixture
async def reader(service: Service, mint: TokenMint) -> Reader:
    """`host_1` is connected, knows two events, and has somebody registered."""
    service.http.headers.update(mint.headers(hosts={"host_1": "owner"}, scope="ops import"))
    await service.connect("host_1")
    for event_id in ("evt_spring", "evt_summit"):
        who = {"id": f"per_{event_id}", "email": "m.obrien@example.com"}
        registered = registration(id="reg_8842" if event_id == "evt_summit" else "reg_1", attendee=who)
        payload: dict[str, Any] = webhook(event=event(id=event_id, **UPCOMING), registration=registered)
        payload["data"]["host"] = {"id": "host_1"}
        await post(service.http, payload, f"msg_{event_id}")
    async with service.control() as control:
        row = {"Name": "Autumn Summit", "IsActive": True}
        [campaign_id] = (await control.post("/_simulator/records/Campaign", json=row)).json()["ids"]
        labels = [
            {"CampaignId": campaign_id, "Label": label, "SortOrder": order}
            for order, label in enumerate(STATUSES, start=3)
        ]
        await control.post("/_simulator/records/CampaignMemberStatus", json=labels)
    org_id = service.simulator.simulator.default_org.id
    ids = {CAMPAIGN_ID: campaign_id[:15], ORG_ID: org_id, '"version": 3': '"version": 0'}
    return Reader(service, ids)


async def test_every_command_of_the_guide_works(reader: Reader) -> None:
    refused = {}
    followed = list(commands())
    for command in followed:
        answer = await reader.follow(command)
        if not answer.is_success:
            refused[f"{command.method} {command.url}"] = (answer.status_code, answer.json()["code"])
    assert refused == {
        # Nobody drained the org yet.
        "POST " + BASES["$API"] + f"/ops/leases/{ORG_ID}/release": (404, "NotFound"),
    }
    assert len(followed) > 40
