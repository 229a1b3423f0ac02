"""A large backfill through real processes: bad rows fail alone, live webhooks overtake it, memory stays flat.

`BACKFILL_SIZE=10000 BACKFILL_BEFORE=1000` runs it at full size; `-s` shows the figures.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from tests.deliveries import event, post, registration, webhook
from tests.processes import Processes
from tests.tokens import TokenMint

SIZE = int(os.environ.get("BACKFILL_SIZE", "600"))
BEFORE = int(os.environ.get("BACKFILL_BEFORE", "100"))
BATCH = min(1000, SIZE // 6)
BAD_EVERY = 100
LIVE = 6
GROWTH_MEBIBYTES = 30
WITHIN_SECONDS = 60 + SIZE / 20
STATUSES = {"registered": "Sent", "attended": "Responded"}
RULES = [
    {"sobject": "Lead", "when": "Company = 'Dry Land'", "message": "Otters need water", "field": "Company"},
    {"sobject": "Lead", "when": "LastName = 'Heron'", "message": "No birds please", "field": "LastName"},
]
BAD: list[tuple[dict[str, str], str]] = [
    ({"company": "Dry Land"}, "Otters need water"),
    ({"last_name": "Heron"}, "No birds please"),
    ({"email": "not an address"}, "The e-mail address is not one that Salesforce takes"),
]
LOOK = "FROM%20Contact%20WHERE%20Email"
"""Every batch begins by looking for its people."""


def wrong(number: int) -> tuple[dict[str, str], str] | None:
    """What is bad about the attendee of this number, and what is said against it."""
    return BAD[number // BAD_EVERY % len(BAD)] if number % BAD_EVERY == 0 else None


def line(event_id: str, number: int) -> str:
    """One line of an import."""
    bad = wrong(number)
    who = {"id": f"per_{event_id}_{number}", "email": f"{event_id}.{number}@otter.example"}
    attendee = who | {"first_name": "Otter", "last_name": f"No {number}"} | (bad[0] if bad else {})
    payload = registration(id=f"reg_{event_id}_{number:05}", attendee=attendee)
    return json.dumps({"host": {"id": "host_a"}, "event": event(id=event_id), "registration": payload})


@dataclass
class RequestLog:
    """The simulator keeps its last 50 requests; reading them often enough makes them all."""

    processes: Processes
    entries: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> int:
        """How many requests there have been."""
        shown = self.processes.control("GET", "requests")["requests"]
        known = shown.index(self.entries[-1]) + 1 if self.entries else 0
        self.entries += shown[known:]
        return len(self.entries)

    def looks(self, start: int) -> list[str]:
        """The first request of each batch that began after so many requests."""
        return [entry["body"] for entry in self.entries[start:] if LOOK in entry["body"]]


@dataclass
class Bench:
    """The processes, a caller with every right on the host, and the request log."""

    processes: Processes
    http: httpx.AsyncClient
    log: RequestLog

    async def register(self, event_id: str, count: int) -> None:
        """Import so many who registered before."""
        lines = "\n".join(line(event_id, number) for number in range(1, count + 1))
        headers = {"content-type": "application/x-ndjson"}
        answer = await self.http.post("/v1/imports/registrations", content=lines, headers=headers)
        outcomes = [json.loads(each)["outcome"] for each in answer.text.splitlines()]
        assert outcomes == ["accepted"] * count

    async def link(self, event_id: str) -> None:
        campaign = {"Name": event_id, "IsActive": True}
        [campaign_id] = self.processes.control("POST", "records/Campaign", campaign)["ids"]
        body = {"campaign_id": campaign_id, "statuses": STATUSES}
        answer = await self.http.put(f"{base(event_id)}/campaign", json=body)
        assert answer.json()["backfill"]["why"] == "link"

    async def stats(self, event_id: str) -> dict[str, Any]:
        stats: dict[str, Any] = (await self.http.get(f"{base(event_id)}/stats")).json()
        return stats

    async def until_done(self, event_id: str) -> dict[str, Any]:
        """The backfill when it has ended; the request log is read on the way."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while (backfill := (await self.stats(event_id))["backfill"])["state"] != "done":
                self.log.read()
                await asyncio.sleep(0.2)
        self.log.read()
        return dict(backfill)

    async def hold_a_batch(self) -> None:
        """Come back while the second or third batch waits for the answer to one of its writes."""
        slow = {"kind": "latency", "seconds": 2, "count": 1, "skip": 3, "match": {"is_write": True}}
        self.processes.control("POST", "faults", slow)
        async with asyncio.timeout(WITHIN_SECONDS):
            while not self.processes.control("GET", "faults")["faults"][0]["fired"]:
                self.log.read()
                await asyncio.sleep(0.05)

    async def failed(self, event_id: str) -> dict[str, str]:
        """What is said against each failed registration."""
        found: dict[str, str] = {}
        cursor: str | None = ""
        while cursor is not None:
            query = {"state": "failed", "limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = (await self.http.get(f"{base(event_id)}/registrations", params=query)).json()
            found |= {row["registration_id"]: row["error"]["message"] for row in page["items"]}
            cursor = page["next_cursor"]
        return found

    def peaks(self) -> dict[str, float]:
        return {name: self.processes.peak_mebibytes(name) for name in ("api", "worker")}


def base(event_id: str) -> str:
    return f"/v1/hosts/host_a/events/{event_id}/salesforce"


@pytest.fixture
async def bench(
    settings: Settings, database: Database, mint: TokenMint, tmp_path: Path
) -> AsyncIterator[Bench]:
    with Processes(settings, tmp_path) as processes:
        async with database.system() as session:
            session.add(processes.connection())
        processes.control("PUT", "config", {"validation_rules": RULES})
        processes.env["BATCH_SIZE_MAX"] = str(BATCH)
        processes.start_api()
        processes.start_worker()
        headers = mint.headers(hosts={"host_a": "owner"}, scope="import")
        async with httpx.AsyncClient(base_url=processes.api_url, headers=headers, timeout=300) as http:
            yield Bench(processes, http, RequestLog(processes))


async def post_live(bench: Bench, event_ids: Sequence[str]) -> None:
    """Somebody registers for each, now."""
    for number, event_id in enumerate(event_ids):
        who = {"id": f"live_{number}", "email": f"a.live.{number}@otter.example"}
        payload = webhook(
            event=event(id=event_id), registration=registration(id=f"a_live_{number}", attendee=who)
        )
        answer = await post(bench.http, payload, f"msg_live_{number}")
        assert answer.json() == {"outcome": "accepted"}


async def test_live_webhooks_overtake_a_backfill_whose_bad_rows_fail_alone(bench: Bench) -> None:
    await bench.register("before", BEFORE)
    await bench.link("before")
    await bench.until_done("before")
    peaks = bench.peaks()

    await bench.register("large", SIZE)
    calls = bench.processes.control("GET", "calls")["total"]
    await bench.link("large")
    await bench.hold_a_batch()
    await post_live(bench, ["large", "other"] * (LIVE // 2))
    posted_at = bench.log.read()
    backfill = await bench.until_done("large")

    following, *later = bench.log.looks(posted_at)
    assert [f"a.live.{number}%40" in following for number in range(LIVE)] == [True] * LIVE
    assert not [look for look in later if "a.live." in look]
    assert len(later) >= 2, "the backfill went on behind them"
    assert (await bench.stats("other"))["counts"]["synced"] == LIVE // 2

    bad = {number: wrong(number) for number in range(1, SIZE + 1)}
    expected = {f"reg_large_{number:05}": each[1] for number, each in bad.items() if each}
    failed = await bench.failed("large")
    assert {key: message[: len(expected[key])] for key, message in failed.items()} == expected
    assert (backfill["done"], backfill["failed"]) == (SIZE - SIZE // BAD_EVERY, SIZE // BAD_EVERY)
    leads = [row["Email"] for row in bench.processes.control("GET", "records/Lead")["records"]]
    assert len(leads) == len(set(leads))

    growth = {name: peak - peaks[name] for name, peak in bench.peaks().items()}
    calls = bench.processes.control("GET", "calls")["total"] - calls
    sys.stdout.write(f"{SIZE} cost {calls} calls; MiB before {peaks}, more since {growth}; {backfill}\n")
    assert max(growth.values()) < GROWTH_MEBIBYTES
