"""Hosts, events, links and registrations for a measurement, put into the database as sets."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.infrastructure.encryption import Encryptor
from bench.rig import Org, Rig

HOST, EVENT = "host_bench", "evt_bench"
TITLE = "Autumn Summit"
STATUSES = '{"registered": "Sent", "attended": "Responded"}'

PUT_HOST = "INSERT INTO hosts (host_id, name) VALUES ($1, 'Bench') ON CONFLICT DO NOTHING"
PUT_EVENT = """
    INSERT INTO events (host_id, event_id, title, starts_at, snapshot_at)
    VALUES ($1, $2, 'Autumn Summit', now() + interval '3 days', now())
"""
PUT_CONNECTION = """
    INSERT INTO connections (host_id, state, environment, login_url, client_id, org_id, org_name,
                             instance_url, user_id, identity_url, scope, api_version, access_token,
                             refresh_token, connected_at, connected_by)
    VALUES ($1, 'connected', 'production', $2, $3, $4, 'Bench', $2, $5, $6, 'refresh_token api id', '62.0',
            $7, $8, now(), 'bench')
"""
PUT_LINK = """
    INSERT INTO campaign_links (host_id, event_id, state, org_id, campaign_id, campaign_name, is_active,
                                statuses, available_statuses, linked_by)
    VALUES ($1, $2, 'linked', $3, $4, 'Autumn Summit', true, $5::jsonb, '["Sent", "Responded"]', 'bench')
"""
PUT_STATUSES = """
    INSERT INTO describe_cache (host_id, org_id, sobject, body) VALUES ($1, $2, 'TaskStatus', $3::jsonb)
"""
PUT_REGISTRATIONS = """
    INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, email_key, snapshot_at,
                               registered_at, confirmed_at)
    SELECT $1, 'reg_' || lpad(n::text, 7, '0'), $2, 'confirmed',
           jsonb_build_object('email', 'guest' || n || '@bench.example', 'first_name', 'Guest',
                              'last_name', 'No' || n, 'company', 'Company ' || n),
           'guest' || n || '@bench.example', now(), now(), now()
    FROM generate_series($3::int, $4::int) AS n
"""
ARM = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, priority, reason)
    SELECT $1, 'reg_' || lpad(n::text, 7, '0'), $2, $3, $4, $5 FROM generate_series($6::int, $7::int) AS n
"""


async def connect_host(
    rig: Rig, org: Org, *, host_id: str = HOST, event_id: str = EVENT, org_id: str | None = None
) -> str:
    """A connected host with one event linked to a campaign of its own; returns the org's id.

    `org_id` lets several hosts count as several orgs to the engine while one simulator answers for all.
    """
    org_id = org_id or str(org.session["org_id"])
    await connect_hosts(rig, org, {host_id: org_id}, event_id=event_id)
    return org_id


async def connect_hosts(rig: Rig, org: Org, org_ids: Mapping[str, str], *, event_id: str = EVENT) -> None:
    """The same for many hosts, each with the id of its org."""
    session, statuses = org.session, json.dumps({"closed": org.closed_statuses()})
    campaigns = org.insert("Campaign", [{"Name": TITLE, "IsActive": True} for _ in org_ids])
    vault = Encryptor.from_texts([key.get_secret_value() for key in rig.settings().encryption_keys])
    user_id = str(session["user_id"])
    identity_url = f"{org.url}/id/{session['org_id']}/{user_id}"
    connection = await rig.sql()
    for (host_id, org_id), campaign_id in zip(org_ids.items(), campaigns, strict=True):
        tokens = [
            vault.seal(session[name], host_id=host_id, column=f"connections.{name}")
            for name in ("access_token", "refresh_token")
        ]
        await connection.execute(PUT_HOST, host_id)
        await connection.execute(PUT_EVENT, host_id, event_id)
        await connection.execute(
            PUT_CONNECTION, host_id, org.url, session["client_id"], org_id, user_id, identity_url, *tokens
        )
        # As the preflight of every new connection leaves it.
        await connection.execute(PUT_STATUSES, host_id, org_id, statuses)
        await connection.execute(PUT_LINK, host_id, event_id, org_id, campaign_id, STATUSES)
    await connection.close()


async def register(
    rig: Rig, first: int, last: int, *, org_id: str, is_live: bool = False, host_id: str = HOST
) -> None:
    """Registrations `first` to `last` with a job each, as webhooks or a backfill leave them."""
    connection = await rig.sql()
    priority, reason = (0, "live") if is_live else (10, "link")
    await connection.execute(PUT_REGISTRATIONS, host_id, EVENT, first, last)
    await connection.execute(ARM, host_id, EVENT, org_id, priority, reason, first, last)
    await connection.execute("ANALYZE registrations, sync_jobs")
    await connection.close()


def lead(number: int, **changes: Any) -> dict[str, Any]:
    """The Lead that attendee `number` already is in Salesforce."""
    return {
        "FirstName": "Guest",
        "LastName": f"No{number}",
        "Company": f"Company {number}",
        "Email": f"guest{number}@bench.example",
    } | changes


def know(org: Org, numbers: Sequence[int]) -> None:
    """Put these attendees into Salesforce as Leads."""
    org.insert("Lead", [lead(number) for number in numbers])


def know_elsewhere(org: Org, numbers: Sequence[int]) -> None:
    """Put them in with another address, so that only a duplicate rule finds them."""
    org.insert("Lead", [lead(number, Email=f"old{number}@bench.example") for number in numbers])
    rule = {"sobject": "Lead", "action": "block", "matching": "fuzzy", "fields": [], "against": ["Lead"]}
    org.configure(duplicate_rules=[rule])
