"""The card: every field is always present, and each state is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.connections.tokens.connection_state import disconnect_by_salesforce
from app.models import Connection, Event, Host, OrgLease, SyncJob
from tests.api.conftest import Service
from tests.factories import ORG_ID, connection_for
from tests.tokens import TokenMint

FIELDS = {
    "": {
        "host_id", "state", "state_since", "reason", "fault", "backoff", "role", "actions", "app",
        "connection", "preflight", "work", "problems", "before_connection", "budget", "pause", "policy",
        "support_email", "version",
    },
    "actions": {"connect", "disconnect", "edit_credentials", "pause"},
    "actions.connect": {"is_allowed", "why_not"},
    "app": {
        "mode", "is_package_required", "package_install_url", "package_install_url_sandbox", "redirect_uri",
        "package_in", "scopes", "credentials",
    },
    "connection": {
        "environment", "login_host", "org", "user", "api_version", "connected_at", "connected_by",
        "last_used_at", "last_written_at", "approvals", "other_hosts_on_org",
    },
    "connection.org": {"id", "name", "edition", "is_sandbox", "instance_url", "lightning_url"},
    "connection.user": {"id", "username", "name"},
    "connection.approvals": {"count", "limit", "is_warning"},
    "work": {"pending", "waiting", "failed", "oldest_pending_at"},
    "budget": {
        "org_used", "org_limit", "cap_percent", "stop_at", "is_stopped", "resumes_at", "calls_today",
        "measured_at",
    },
    "pause": {"is_paused", "paused_at", "paused_by"},
    "policy": {"new_events", "before_first_connection"},
    "before_connection": {"registrations", "events", "estimated_api_calls"},
}  # fmt: skip


def part(card: dict[str, Any], path: str) -> Any:
    for name in filter(None, path.split(".")):
        card = card[name]
    return card


async def add(service: Service, *rows: Any) -> None:
    for row in rows:
        async with service.resources.database.system() as session:
            session.add(row)


async def change(service: Service, host_id: str = "host_a", **values: Any) -> None:
    async with service.resources.database.tenant(host_id) as session:
        await session.execute(update(Connection).values(values))


async def connected(service: Service, **values: Any) -> None:
    await add(service, Host(host_id="host_a"), connection_for(service.resources.vault, **values))


def job(number: int, **values: Any) -> SyncJob:
    given = {"event_id": "evt_1", "org_id": ORG_ID, "state": "pending"} | values
    return SyncJob(host_id="host_a", registration_id=f"reg_{number}", **given)


@pytest.mark.parametrize("path", FIELDS)
async def test_connected_card_has_every_field_and_no_other(service: Service, path: str) -> None:
    await connected(service)
    assert set(part(await service.card(), path)) == FIELDS[path]


async def test_what_the_connected_user_lacks_is_named_while_connected(service: Service) -> None:
    problem = {
        "code": "email_not_searchable", "sobject": "Lead", "field": "Email", "error_code": None,
        "since": "2026-11-29T06:00:00Z", "checked_at": "2026-11-29T07:00:00Z",
    }  # fmt: skip
    await connected(service, problems=[problem])
    [body] = (await service.card())["problems"]
    found = {name: body[name] for name in ("code", "object", "field", "since")}
    assert found == {
        "code": "email_not_searchable", "object": "Lead", "field": "Email", "since": "2026-11-29T06:00:00Z",
    }  # fmt: skip
    assert body["advice"]["title"] == "Lead cannot be looked for by e-mail"
    assert "hides Email on Lead" in body["advice"]["explanation"]
    await change(service, state="needs_reconnect", reason_code="access_revoked")
    assert (await service.card())["problems"] == []


async def test_host_that_never_connected(service: Service) -> None:
    card = await service.card()
    assert (card["state"], card["state_since"], card["reason"]) == ("not_connected", None, None)
    assert (card["connection"], card["preflight"], card["version"]) == (None, None, 0)
    assert card["actions"]["connect"] == {"is_allowed": True, "why_not": None}
    assert card["actions"]["disconnect"] == {"is_allowed": False, "why_not": "NotConnected"}
    assert card["work"] == {"pending": 0, "waiting": 0, "failed": 0, "oldest_pending_at": None}
    assert card["budget"]["cap_percent"] == 80
    assert card["policy"] == {"new_events": "sync", "before_first_connection": "on_request"}


async def test_connected_host(service: Service) -> None:
    await connected(service)
    card = await service.card()
    assert (card["state"], card["reason"], card["role"]) == ("connected", None, "owner")
    assert card["state_since"].endswith("Z")
    assert card["connection"]["login_host"] == "127.0.0.1:8100"
    assert card["connection"]["org"]["lightning_url"] is None
    assert card["connection"]["user"]["name"] == "Rita Otter"
    assert card["app"] == {
        "mode": "shared",
        "is_package_required": True,
        "package_install_url": service.settings.salesforce_package_url,
        "package_install_url_sandbox": None,
        "package_in": [],
        "redirect_uri": "http://127.0.0.1:8000/oauth/salesforce/callback",
        "scopes": ["api", "refresh_token", "id"],
        "credentials": None,
    }
    assert "otter.access" not in str(card)


async def test_lightning_address_follows_the_instance(service: Service) -> None:
    await connected(service, instance_url="https://otter--uat.sandbox.my.salesforce.com")
    org = (await service.card())["connection"]["org"]
    assert org["lightning_url"] == "https://otter--uat.sandbox.lightning.force.com"


async def test_ended_connection_says_why_and_what_waits(service: Service) -> None:
    await connected(service)
    await add(
        service, Event(host_id="host_a", event_id="evt_1", title="Summit", snapshot_at=datetime.now(UTC))
    )
    await add(service, *(job(number) for number in range(3)), job(9, state="failed"))
    async with service.resources.database.tenant("host_a") as session:
        await disconnect_by_salesforce(session, "host_a", reason_code="access_revoked")
    card = await service.card()
    assert (card["state"], card["reason"]["code"], card["version"]) == (
        "needs_reconnect",
        "access_revoked",
        2,
    )
    assert card["reason"]["explanation"].endswith("3 changes are waiting; none is lost.")
    assert card["work"] | {"oldest_pending_at": None} == {
        "pending": 3,
        "waiting": 3,
        "failed": 1,
        "oldest_pending_at": None,
    }
    assert card["work"]["oldest_pending_at"] is not None
    assert card["actions"]["disconnect"]["is_allowed"]


@pytest.mark.parametrize(
    ("closed_by", "waiting"),
    [
        pytest.param("nothing", 0, id="open"),
        pytest.param("host pause", 2, id="host pause"),
        pytest.param("event pause", 2, id="event pause"),
        pytest.param("budget closed", 2, id="budget closed"),
        pytest.param("budget used", 2, id="budget used"),
        pytest.param("org pause", 2, id="org pause"),
        pytest.param("org backoff", 2, id="org backoff"),
    ],
)
async def test_waiting_work_is_what_a_closed_gate_holds_back(
    service: Service, closed_by: str, waiting: int
) -> None:
    now = datetime.now(UTC)
    budgets: dict[str, dict[str, Any]] = {
        "budget closed": {"api_closed_until": now + timedelta(hours=1)},
        "budget used": {"api_used": 80, "api_limit": 100},
    }
    paused = {"paused_at": now, "paused_by": "user_17"}
    host = Host(host_id="host_a", **(paused if closed_by == "host pause" else {}))
    event = Event(
        host_id="host_a",
        event_id="evt_1",
        title="Summit",
        snapshot_at=now,
        **(paused if closed_by == "event pause" else {}),
    )
    await add(service, host, event, connection_for(service.resources.vault, **budgets.get(closed_by, {})))
    if closed_by == "org pause":
        await add(service, OrgLease(org_id=ORG_ID, **paused))
    if closed_by == "org backoff":
        await add(service, OrgLease(org_id=ORG_ID, not_before=now + timedelta(minutes=5)))
    await add(service, job(1), job(2, state="ambiguous"), job(3, state="running"), job(4, state="held"))
    work = (await service.card())["work"]
    assert (work["pending"], work["waiting"]) == (4, waiting)


async def test_org_that_is_left_alone_is_said_until_when(service: Service) -> None:
    await connected(service)
    assert (await service.card())["backoff"] is None
    until = datetime(2036, 11, 21, 10, tzinfo=UTC)
    await add(service, OrgLease(org_id=ORG_ID, not_before=until, not_before_reason="concurrency"))
    assert (await service.card())["backoff"] == {"code": "concurrency", "until": "2036-11-21T10:00:00Z"}
    await change(service, state="needs_reconnect", reason_code="access_revoked")
    assert (await service.card())["backoff"] is None


async def test_work_that_the_connected_users_access_holds_back_is_waiting(service: Service) -> None:
    await connected(service)
    waits = {"waiting_for": "salesforce_access"}
    await add(service, job(1), job(2, **waits), job(3, state="held", **waits), job(4, state="held"))
    work = (await service.card())["work"]
    assert (work["pending"], work["waiting"]) == (4, 2)


async def test_work_for_another_org_is_not_this_cards(service: Service) -> None:
    await connected(service)
    await add(service, job(1, org_id="00D5g000000Other"), job(2, state="synced"))
    assert (await service.card())["work"]["pending"] == 0


async def test_budget_is_the_orgs_usage_under_the_hosts_cap(service: Service) -> None:
    now = datetime.now(UTC)
    measured = {"api_used": 51230, "api_limit": 145000, "api_measured_at": now}
    await connected(service, **measured, calls_today=812, calls_day=now)
    budget = (await service.card())["budget"]
    assert (budget["stop_at"], budget["is_stopped"], budget["calls_today"]) == (116000, False, 812)


async def test_approvals_and_neighbours_are_counted_across_hosts(service: Service, mint: TokenMint) -> None:
    await connected(service)
    assert not (await service.card())["connection"]["other_hosts_on_org"]
    vault = service.resources.vault
    await add(service, *(connection_for(vault, f"other_{number}") for number in range(3)))
    ended = connection_for(vault, "ended", state="needs_reconnect")
    await add(service, ended, connection_for(vault, "colleague", user_id="0055g00000Other"))
    body = (await service.card())["connection"]
    assert body["approvals"] == {"count": 4, "limit": 5, "is_warning": True}
    assert not body["other_hosts_on_org"]
    service.http.headers.update(mint.headers(hosts={"host_a": "owner", "other_1": "member"}))
    assert (await service.card())["connection"]["other_hosts_on_org"]


async def test_an_org_has_the_package_where_another_host_of_the_reader_uses_it(
    service: Service, mint: TokenMint
) -> None:
    vault = service.resources.vault
    await add(service, connection_for(vault, "host_b"))
    await add(service, connection_for(vault, "own", client_id="3MVG9own", org_name="Own App GmbH"))
    await add(service, connection_for(vault, "ended", state="needs_reconnect", org_name="Ended GmbH"))
    service.http.headers.update(mint.headers(hosts={"host_a": "owner"}))
    assert (await service.card())["app"]["package_in"] == []
    hosts = dict.fromkeys(("host_a", "host_b", "own", "ended"), "owner")
    service.http.headers.update(mint.headers(hosts=hosts))
    assert (await service.card())["app"]["package_in"] == ["Otter Events"]
    await add(service, connection_for(vault))
    assert (await service.card())["app"]["package_in"] == []


async def test_member_is_refused_what_is_not_allowed(service: Service, mint: TokenMint) -> None:
    await connected(service)
    headers = mint.headers(hosts={"host_a": "member"})
    card = (await service.http.get("/v1/hosts/host_a/salesforce", headers=headers)).json()
    assert card["role"] == "member"
    refused = {"is_allowed": False, "why_not": "RoleInsufficient"}
    assert card["actions"] == dict.fromkeys(FIELDS["actions"], refused)


async def test_pause_and_resume_are_shown_counted_and_idempotent(service: Service) -> None:
    await connected(service)
    url = "/v1/hosts/host_a/salesforce"
    cards = [
        (await service.http.post(f"{url}/{what}")).json() for what in ("pause", "pause", "resume", "resume")
    ]
    assert [card["pause"]["is_paused"] for card in cards] == [True, True, False, False]
    assert cards[0]["pause"]["paused_by"] == "user_17"
    assert cards[0]["pause"]["paused_at"] == cards[1]["pause"]["paused_at"]
    assert [card["version"] for card in cards] == [2, 2, 3, 3]


async def test_host_without_connection_can_be_paused(service: Service) -> None:
    card = (await service.http.post("/v1/hosts/host_a/salesforce/pause")).json()
    assert (card["pause"]["is_paused"], card["version"], card["state"]) == (True, 0, "not_connected")


async def test_without_a_token_there_is_no_card(service: Service) -> None:
    answer = await service.http.get("/v1/hosts/host_a/salesforce", headers={"authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "TokenInvalid")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_orgs_that_have_the_package_are_named_to_who_manages_a_host_there(
    service: Service, mint: TokenMint
) -> None:
    vault, shared = service.resources.vault, service.settings.salesforce_client_id
    await add(service, connection_for(vault, "neighbour", client_id=shared, org_name="Delta"))
    await add(service, connection_for(vault, "ours", client_id=shared, org_name="Acme"))
    await add(service, connection_for(vault, "own_app", client_id="own_1", org_name="Beta"))
    assert (await service.card())["app"]["package_in"] == []
    hosts = {"host_a": "owner", "ours": "member", "own_app": "admin"}
    service.http.headers.update(mint.headers(hosts=hosts))
    assert (await service.card())["app"]["package_in"] == ["Acme"]
    await connected(service)
    assert (await service.card())["app"]["package_in"] == []
