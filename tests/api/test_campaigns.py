"""Campaign endpoints through the app, the simulated org and the real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.campaigns.backfill import arm_backfills, finish_backfills
from app.database import Database
from app.main import create_app
from app.models import AuditEntry, Backfill, CampaignLink, Connection, SyncJob, WrittenRecord
from app.models.base import Base
from app.settings import Settings
from app.vault import Vault
from tests.factories import ENCRYPTION_KEY, NOW
from tests.factories_events import event_for, job_for, registration_for
from tests.simulated_org import SimulatedOrg
from tests.tokens import TokenMint

PATH = "/v1/hosts/host_a/events/evt_otters/salesforce/campaign"
LABELS = ("Registered", "Attended*", "No Show")
STATUSES = {"registered": "Registered", "attended": "Attended", "no_show": "No Show"}


class Witness(httpx.AsyncBaseTransport):
    """Passes requests on to the org, and notes our transactions that were open while one was sent."""

    def __init__(self, org: SimulatedOrg, owner: AsyncEngine) -> None:
        self._org, self._owner = org, owner
        self.sent = 0
        self.open_transactions: list[str] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        async with self._owner.connect() as connection:
            found = await connection.scalars(
                text(
                    "SELECT query FROM pg_stat_activity WHERE state = 'idle in transaction' "
                    "AND application_name LIKE 'eventship-salesforce:%'"
                )
            )
            self.open_transactions += found.all()
        if self.meanwhile is not None:
            await self.meanwhile()
        return await self._org.transport.handle_async_request(request)


@dataclass
class Desk:
    """The dashboard of one owner of `host_a`, with everything behind it."""

    http: httpx.AsyncClient
    org: SimulatedOrg
    database: Database
    witness: Witness

    async def validate(self, pasted: str) -> httpx.Response:
        return await self.http.post(f"{PATH}/validate", json={"campaign_id": pasted})

    async def link(
        self, campaign_id: str, statuses: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        body = {"campaign_id": campaign_id, "statuses": statuses or STATUSES, **more}
        return await self.http.put(PATH, json=body)

    async def save(self, *rows: Base) -> None:
        async with self.database.system() as session:
            session.add_all(rows)

    async def rows(self, table: type[Any]) -> list[Any]:
        async with self.database.system() as session:
            return list((await session.scalars(select(table))).all())

    async def actions(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.database.system() as session:
            entries = await session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
            return [(entry.action, entry.details) for entry in entries]


@pytest.fixture
async def org() -> SimulatedOrg:
    return await SimulatedOrg.open()


@pytest.fixture
async def desk(
    settings: Settings, database: Database, owner: AsyncEngine, org: SimulatedOrg, mint: TokenMint
) -> AsyncIterator[Desk]:
    """`host_a` is connected to the simulated org and has an event."""
    vault = Vault.from_texts([ENCRYPTION_KEY])
    async with database.system() as session:
        session.add_all((org.connection(vault), event_for()))
    shared_app = {
        "salesforce_client_id": org.session["client_id"],
        "salesforce_client_secret": SecretStr(org.session["client_secret"]),
    }
    witness = Witness(org, owner)
    app = create_app(settings.model_copy(update=shared_app), transport=witness)
    async with app.router.lifespan_context(app):
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://dashboard",
            headers=mint.headers(hosts={"host_a": "owner"}),
        )
        yield Desk(http, org, database, witness)
        await http.aclose()


@pytest.fixture
async def campaign_id(org: SimulatedOrg) -> str:
    return await org.campaign(labels=LABELS, Type="Conference", Status="In Progress", EndDate="2036-11-25")


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_validate_shows_the_campaign_and_proposes_statuses(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1), registration_for(2, checked_in_at=NOW))
    answer = await desk.validate(f"  {campaign_id[:15]} ")
    assert answer.status_code == 200
    assert answer.json() == {
        "campaign": {
            "object": "Campaign",
            "id": campaign_id,
            "url": f"http://127.0.0.1:8100/{campaign_id}",
            "name": "Otter Summit",
            "type": "Conference",
            "status": "In Progress",
            "is_active": True,
            "start_date": None,
            "end_date": "2036-11-25",
            "members": 0,
        },
        "statuses": [
            {"label": "Sent", "is_default": True, "has_responded": False, "sort_order": 1},
            {"label": "Responded", "is_default": False, "has_responded": True, "sort_order": 2},
            {"label": "Registered", "is_default": False, "has_responded": False, "sort_order": 3},
            {"label": "Attended", "is_default": False, "has_responded": True, "sort_order": 4},
            {"label": "No Show", "is_default": False, "has_responded": False, "sort_order": 5},
        ],
        "proposed": {
            "registered": "Registered",
            "attended": "Attended",
            "cancelled": None,
            "no_show": "No Show",
            "replay_watched": None,
        },
        "proposed_because": {
            "registered": "label",
            "attended": "label",
            "cancelled": "none",
            "no_show": "label",
            "replay_watched": "none",
        },
        "backfill": {"registrations": 2, "checked_in": 1, "estimated_api_calls": 5},
        "warnings": [],
    }


async def test_validate_takes_a_lightning_address(desk: Desk, campaign_id: str) -> None:
    pasted = f"https://otter.lightning.force.com/lightning/r/Campaign/{campaign_id}/view"
    assert (await desk.validate(pasted)).json()["campaign"]["id"] == campaign_id


async def test_validate_asks_salesforce_once_and_outside_of_transactions(
    desk: Desk, campaign_id: str
) -> None:
    await desk.validate(campaign_id)
    assert (await desk.org.calls())["by_endpoint"] == {"POST /composite": 1}
    assert (desk.witness.sent, desk.witness.open_transactions) == (1, [])


async def test_validate_warns(desk: Desk) -> None:
    campaign_id = await desk.org.campaign(IsActive=False, EndDate="2020-01-01")
    await desk.save(event_for(event_id="evt_second"))
    await desk.save(link_for("evt_second", campaign_id, desk.org.org_id))
    codes = [each["code"] for each in (await desk.validate(campaign_id)).json()["warnings"]]
    assert codes == ["campaign_used_by_other_event", "campaign_inactive", "campaign_ended"]


async def test_events_own_link_is_no_reason_to_warn(desk: Desk, campaign_id: str) -> None:
    await desk.link(campaign_id)
    assert (await desk.validate(campaign_id)).json()["warnings"] == []


def link_for(event_id: str, campaign_id: str, org_id: str, **changes: Any) -> CampaignLink:
    values: dict[str, Any] = {
        "campaign_name": "Otter Summit",
        "is_active": True,
        "statuses": {"registered": "Sent", "attended": "Responded"},
        "available_statuses": ["Sent", "Responded"],
        "linked_by": "user_17",
    }
    return CampaignLink(
        host_id="host_a", event_id=event_id, campaign_id=campaign_id, org_id=org_id, **(values | changes)
    )


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        pytest.param("00Q5g0000000001", "format", id="a-lead"),
        pytest.param("7015g0000000001AAB", "checksum", id="wrong-suffix"),
        pytest.param("7015g0000000999", "not_found", id="unknown"),
    ],
)
async def test_invalid_campaign_id_is_explained(desk: Desk, pasted: str, reason: str) -> None:
    answer = await desk.validate(pasted)
    assert problem(answer) == (400, "CampaignIdInvalid")
    told = answer.json()
    assert (told["title"], told["reason"]) == ("Invalid Campaign Id", reason)
    assert told["advice"]["code"] == "campaign_not_in_org"


async def test_unknown_campaign_names_the_org(desk: Desk) -> None:
    detail = (await desk.validate("7015g0000000999")).json()["detail"]
    assert detail == f"No Campaign with this Id was found in Otter Events ({desk.org.org_id})."


async def test_malformed_id_is_refused_without_asking_salesforce(desk: Desk) -> None:
    await desk.validate("nonsense")
    assert desk.witness.sent == 0


@pytest.mark.parametrize("hidden", ["Campaign", "CampaignMemberStatus"])
async def test_hidden_campaigns_are_not_readable(desk: Desk, campaign_id: str, hidden: str) -> None:
    await desk.org.configure(hidden_objects=[hidden])
    answer = await desk.validate(campaign_id)
    assert problem(answer) == (409, "CampaignsNotReadable")
    assert answer.json()["salesforce"]["error_code"] == "INVALID_TYPE"


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"kind": "error", "status": 503}, id="503"),
        pytest.param({"kind": "html", "status": 502}, id="gateway"),
        pytest.param({"kind": "truncate"}, id="truncated"),
        pytest.param({"kind": "error", "status": 404, "error_code": "HTTP_404"}, id="odd-404"),
    ],
)
async def test_failed_look_is_never_not_found(desk: Desk, campaign_id: str, trouble: dict[str, Any]) -> None:
    await desk.org.fault(**trouble)
    answer = await desk.validate(campaign_id)
    assert answer.status_code in (502, 503)
    assert answer.json()["code"] in ("SalesforceUnavailable", "SalesforceRefused")
    assert int(answer.headers["Retry-After"]) > 0


async def test_revoked_connection_asks_to_reconnect(desk: Desk, campaign_id: str) -> None:
    await desk.org.door.post("/revoke")
    assert problem(await desk.validate(campaign_id)) == (409, "ConnectionNeedsReconnect")
    assert problem(await desk.link(campaign_id)) == (409, "ConnectionNeedsReconnect")


async def test_without_a_connection_nothing_is_validated(desk: Desk, campaign_id: str) -> None:
    async with desk.database.system() as session:
        await session.execute(
            update(Connection).values(state="disconnected", access_token=None, refresh_token=None)
        )
    assert problem(await desk.validate(campaign_id)) == (409, "NotConnected")
    assert problem(await desk.link(campaign_id)) == (409, "NotConnected")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_unknown_event_is_not_found(desk: Desk, campaign_id: str, method: str) -> None:
    path = PATH.replace("evt_otters", "evt_none") + ("/validate" if method == "POST" else "")
    body = {"campaign_id": campaign_id} | ({"statuses": STATUSES} if method == "PUT" else {})
    answer = await desk.http.request(method, path, json=None if method in ("GET", "DELETE") else body)
    assert problem(answer) == (404, "EventNotFound")


async def test_member_may_read_but_not_change(desk: Desk, campaign_id: str, mint: TokenMint) -> None:
    await desk.link(campaign_id)
    desk.http.headers.update(mint.headers(hosts={"host_a": "member"}))
    assert (await desk.http.get(PATH)).status_code == 200
    for answer in (
        await desk.validate(campaign_id),
        await desk.link(campaign_id),
        await desk.http.delete(PATH),
    ):
        assert problem(answer) == (403, "RoleInsufficient")


async def test_foreign_host_does_not_exist(desk: Desk, mint: TokenMint) -> None:
    desk.http.headers.update(mint.headers(hosts={"host_b": "owner"}))
    assert problem(await desk.http.get(PATH)) == (404, "HostNotFound")


async def test_first_link_answers_201_and_starts_a_backfill(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1), registration_for(2))
    answer = await desk.link(campaign_id)
    assert answer.status_code == 201
    link = answer.json()
    assert link == (await desk.http.get(PATH)).json()
    backfill = link.pop("backfill")
    assert link.pop("linked_at").endswith("Z")
    assert link == {
        "state": "linked",
        "problem": None,
        "campaign": {
            "object": "Campaign",
            "id": campaign_id,
            "url": f"http://127.0.0.1:8100/{campaign_id}",
            "name": "Otter Summit",
            "is_active": True,
        },
        "org_id": desk.org.org_id,
        "is_created_by_us": False,
        "statuses": {**STATUSES, "cancelled": None, "replay_watched": None},
        "available_statuses": ["Sent", "Responded", "Registered", "Attended", "No Show"],
        "linked_by": "user_17",
        "version": 1,
    }
    assert (backfill["why"], backfill["state"], backfill["total"], backfill["to_go"]) == (
        "link",
        "running",
        2,
        2,
    )
    assert backfill["estimated_end_at"] is None


async def test_linking_inserts_no_jobs_in_the_request(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1))
    await desk.link(campaign_id)
    assert await desk.rows(SyncJob) == []
    assert await arm_backfills(desk.database) == {desk.org.org_id}
    assert [job.why for job in await desk.rows(SyncJob)] == ["link"]


async def test_linking_an_event_without_registrations_needs_no_backfill(desk: Desk, campaign_id: str) -> None:
    assert (await desk.link(campaign_id)).json()["backfill"] is None


async def test_linking_is_audited(desk: Desk, campaign_id: str) -> None:
    await desk.link(campaign_id)
    [(action, details)] = await desk.actions()
    assert action == "salesforce.campaign_linked"
    assert (details["campaign_id"], details["event_id"]) == (campaign_id, "evt_otters")


async def test_linking_asks_salesforce_outside_of_transactions(desk: Desk, campaign_id: str) -> None:
    await desk.link(campaign_id)
    assert (desk.witness.sent, desk.witness.open_transactions) == (1, [])


async def test_changed_statuses_answer_200_and_arm_nothing(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1))
    await desk.link(campaign_id)
    await arm_backfills(desk.database)
    answer = await desk.link(campaign_id, STATUSES | {"registered": "Sent"})
    assert answer.status_code == 200
    link = answer.json()
    assert (link["statuses"]["registered"], link["version"]) == ("Sent", 2)
    assert link["backfill"]["why"] == "link"
    assert [job.wanted_version for job in await desk.rows(SyncJob)] == [1]
    action, details = (await desk.actions())[-1]
    assert action == "salesforce.campaign_statuses_changed"
    assert (details["before"]["registered"], details["statuses"]["registered"]) == ("Registered", "Sent")


async def test_changed_statuses_are_reapplied_when_asked(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1), registration_for(2))
    await desk.link(campaign_id)
    await arm_backfills(desk.database, chunk=1)
    answer = await desk.link(campaign_id, STATUSES | {"registered": "Sent"}, reapply=True)
    assert answer.status_code == 200
    backfill = answer.json()["backfill"]
    assert (backfill["why"], backfill["total"], backfill["to_go"]) == ("reapply", 2, 2)
    await arm_backfills(desk.database)
    assert {job.why for job in await desk.rows(SyncJob)} == {"reapply"}


async def test_same_link_again_changes_nothing(desk: Desk, campaign_id: str) -> None:
    first = (await desk.link(campaign_id)).json()
    answer = await desk.link(campaign_id)
    assert (answer.status_code, answer.json()) == (200, first)
    assert len(await desk.actions()) == 1


async def test_campaign_renamed_in_salesforce_is_shown_anew(desk: Desk, campaign_id: str) -> None:
    await desk.link(campaign_id)
    async with desk.database.system() as session:
        await session.execute(update(CampaignLink).values(campaign_name="Old name"))
    link = (await desk.link(campaign_id)).json()
    assert (link["campaign"]["name"], link["version"]) == ("Otter Summit", 2)


async def test_another_id_is_locked_out(desk: Desk, campaign_id: str) -> None:
    await desk.link(campaign_id)
    other = await desk.org.campaign(labels=LABELS)
    sent = desk.witness.sent
    answer = await desk.link(other)
    assert problem(answer) == (409, "CampaignIsLocked")
    assert answer.json()["title"] == (
        "The Campaign Id is locked. Unlink first, then link the new Campaign Id."
    )
    assert desk.witness.sent == sent


async def test_unknown_status_is_named(desk: Desk, campaign_id: str) -> None:
    answer = await desk.link(campaign_id, STATUSES | {"attended": "Atended"})
    assert problem(answer) == (400, "StatusUnknown")
    assert '"Atended"' in answer.json()["detail"]
    assert '"No Show"' in answer.json()["detail"]
    assert await desk.rows(CampaignLink) == []


async def test_incomplete_statuses_are_refused(desk: Desk, campaign_id: str) -> None:
    answer = await desk.link(campaign_id, {"registered": "Registered"})
    assert problem(answer) == (400, "StatusesIncomplete")
    assert answer.json()["errors"] == [{"path": "statuses.attended", "message": "is not chosen"}]


async def test_unknown_meaning_is_a_wrong_shape(desk: Desk, campaign_id: str) -> None:
    answer = await desk.link(campaign_id, STATUSES | {"noshow": "No Show"})
    assert problem(answer) == (422, "PayloadInvalid")


async def test_two_links_at_once_make_one(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1))
    answers = await asyncio.gather(desk.link(campaign_id), desk.link(campaign_id))
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert len(await desk.rows(CampaignLink)) == 1
    assert len(await desk.rows(Backfill)) == 1
    assert len(await desk.actions()) == 1


async def test_two_campaigns_at_once_link_one(desk: Desk, campaign_id: str) -> None:
    other = await desk.org.campaign(labels=LABELS)
    answers = await asyncio.gather(desk.link(campaign_id), desk.link(other))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(await desk.rows(CampaignLink)) == 1


async def test_event_without_a_link_says_so(desk: Desk) -> None:
    assert problem(await desk.http.get(PATH)) == (404, "CampaignNotLinked")
    assert problem(await desk.http.delete(PATH)) == (404, "CampaignNotLinked")


async def test_unlinking_counts_what_stops_and_what_stays(desk: Desk, campaign_id: str) -> None:
    await desk.save(*(registration_for(number) for number in range(6)))
    await desk.link(campaign_id)
    await arm_backfills(desk.database, chunk=4)
    async with desk.database.system() as session:
        done = SyncJob.registration_id.in_(("reg_00000", "reg_00001"))
        await session.execute(update(SyncJob).where(done).values(state="synced"))
        session.add_all((event_for(event_id="evt_second"), registration_for(9, event_id="evt_second")))
        session.add_all(member_of(number, desk.org.org_id, campaign_id) for number in (0, 1, 9))
    answer = await desk.http.delete(PATH)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["writes_stopped"], told["members_kept"]) == (4, 2)
    assert (told["campaign"]["id"], told["unlinked_at"][-1]) == (campaign_id, "Z")
    assert problem(await desk.http.get(PATH)) == (404, "CampaignNotLinked")
    action, details = (await desk.actions())[-1]
    assert (action, details["members_kept"]) == ("salesforce.campaign_unlinked", 2)


def member_of(number: int, org_id: str, campaign_id: str) -> WrittenRecord:
    return WrittenRecord(
        host_id="host_a",
        org_id=org_id,
        registration_id=f"reg_{number:05}",
        slot="member",
        discriminator=campaign_id,
        state="written",
        action="create",
        sobject="CampaignMember",
        sf_id=f"00v5g000000000{number}",
    )


async def test_unlinking_leaves_armed_work_and_ends_the_backfill(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1), registration_for(2))
    await desk.link(campaign_id)
    await arm_backfills(desk.database, chunk=1)
    await desk.http.delete(PATH)
    assert [job.state for job in await desk.rows(SyncJob)] == ["pending"]
    assert [backfill.state for backfill in await desk.rows(Backfill)] == ["cancelled"]


async def test_unlinking_works_while_disconnected(desk: Desk, campaign_id: str) -> None:
    await desk.link(campaign_id)
    async with desk.database.system() as session:
        await session.execute(
            update(Connection).values(state="disconnected", access_token=None, refresh_token=None)
        )
    assert (await desk.http.delete(PATH)).status_code == 200


async def test_another_campaign_may_be_linked_after_unlinking(desk: Desk, campaign_id: str) -> None:
    await desk.save(registration_for(1))
    await desk.link(campaign_id)
    await desk.http.delete(PATH)
    other = await desk.org.campaign(labels=LABELS)
    answer = await desk.link(other)
    assert (answer.status_code, answer.json()["backfill"]["state"]) == (201, "running")


async def test_broken_link_is_shown_with_advice_and_mended_by_the_same_id(
    desk: Desk, campaign_id: str
) -> None:
    broken = {"state": "broken", "problem_code": "campaign_status_gone"}
    await desk.save(
        link_for("evt_otters", campaign_id, desk.org.org_id, **broken),
        registration_for(1),
        job_for(1, state="held", waiting_for="campaign"),
    )
    shown = (await desk.http.get(PATH)).json()
    assert (shown["state"], shown["problem"]["code"]) == ("broken", "campaign_status_gone")
    mended = await desk.link(campaign_id)
    assert (mended.status_code, mended.json()["state"], mended.json()["problem"]) == (200, "linked", None)
    await arm_backfills(desk.database)
    assert [(job.state, job.waiting_for) for job in await desk.rows(SyncJob)] == [("pending", None)]
    action, details = (await desk.actions())[-1]
    assert (action, details["is_mended"]) == ("salesforce.campaign_linked", True)


async def test_broken_link_that_does_not_validate_stays_broken(desk: Desk) -> None:
    await desk.save(link_for("evt_otters", "7015g0000000999AAA", desk.org.org_id, state="broken"))
    assert problem(await desk.link("7015g0000000999AAA")) == (400, "CampaignIdInvalid")
    assert (await desk.http.get(PATH)).json()["state"] == "broken"


async def test_unlinking_a_broken_link_lets_held_work_come_to_rest(desk: Desk, campaign_id: str) -> None:
    await desk.save(
        link_for("evt_otters", campaign_id, desk.org.org_id, state="broken"),
        registration_for(1),
        job_for(1, state="held", waiting_for="campaign"),
    )
    assert (await desk.http.delete(PATH)).json()["writes_stopped"] == 1
    await arm_backfills(desk.database)
    assert [job.state for job in await desk.rows(SyncJob)] == ["pending"]
    async with desk.database.system() as session:
        await session.execute(update(SyncJob).values(state="synced"))
    assert await finish_backfills(desk.database) == 1


async def test_link_to_another_org_is_broken_and_has_no_address(desk: Desk, campaign_id: str) -> None:
    await desk.save(link_for("evt_otters", campaign_id, "00D5g0000000009EAA"))
    shown = (await desk.http.get(PATH)).json()
    assert (shown["state"], shown["problem"]["code"]) == ("broken", "campaign_in_other_org")
    assert shown["campaign"]["url"] is None


async def test_copy_of_the_campaign_in_the_org_now_connected_may_be_linked(
    desk: Desk, campaign_id: str
) -> None:
    await desk.save(link_for("evt_otters", campaign_id, "00D5g0000000009EAA"), registration_for(1))
    link = (await desk.link(campaign_id)).json()
    assert (link["state"], link["org_id"], link["backfill"]["why"]) == ("linked", desk.org.org_id, "link")


async def test_connection_that_moved_meanwhile_links_nothing(desk: Desk, campaign_id: str) -> None:
    async def somebody_connects_another_org() -> None:
        async with desk.database.system() as session:
            await session.execute(update(Connection).values(org_id="00D5g0000000009EAA"))

    desk.witness.meanwhile = somebody_connects_another_org
    assert problem(await desk.link(campaign_id)) == (503, "SalesforceUnavailable")
    assert await desk.rows(CampaignLink) == []


async def test_campaign_linked_meanwhile_locks_the_id(desk: Desk, campaign_id: str) -> None:
    async def somebody_links_another_campaign() -> None:
        await desk.save(link_for("evt_otters", "7015g0000000999AAA", desk.org.org_id))

    desk.witness.meanwhile = somebody_links_another_campaign
    assert problem(await desk.link(campaign_id)) == (409, "CampaignIsLocked")
