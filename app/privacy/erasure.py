"""Erase an attendee: redact personal data in every table, and leave keyed tombstones.

Ids, states and times of the registration stay; of Salesforce records, the ids.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure import audit_log
from app.models.registrations import ATTENDEE_EMAIL
from app.models.registrations import ATTENDEE_ID as PAYLOAD_ATTENDEE_ID
from app.privacy.campaign_members import keep_check_ins
from app.privacy.email_erasure import delete_emails, redact_records_of_others
from app.privacy.journal import JournalEntry, append_to_journal
from app.privacy.tombstones import (
    ATTENDEE_ID,
    EMAIL,
    MENTION,
    REGISTRATION,
    Subject,
    lock_exclusive,
    tombstone_key,
)
from app.privacy.unparsed_store import delete_unparsed
from app.states import JobState
from app.text.email_address import address_key

FIND_REGISTRATIONS = text("""
    SELECT registration_id, email_key, attendee ->> 'id' AS attendee_id FROM registrations
    WHERE host_id = :host_id AND (
        registration_id = ANY(:ids)
        OR (email_key = ANY(:emails) AND registered_at <= :at)
        OR (attendee ->> 'id' = :attendee_id AND registered_at <= :at)
    )
    ORDER BY registration_id FOR UPDATE
""")
REDACT_REGISTRATIONS = text("""
    UPDATE registrations
    SET attendee = '{}', email_key = NULL, ticket = NULL, buyer = NULL, answers = '[]', utm = NULL,
        salesforce_id = NULL, cancel_reason = NULL, reschedule_reason = NULL, replay = NULL, emails = '{}',
        merge_state = '{}', erased_at = coalesce(erased_at, clock_timestamp())
    WHERE host_id = :host_id AND registration_id = ANY(:ids)
""")
# Why an event was cancelled may name the attendee by the address, as its delivery does.
REDACT_EVENTS = text("""
    UPDATE events SET cancel_reason = NULL
    WHERE host_id = :host_id AND cancel_reason IS NOT NULL AND EXISTS (
        SELECT FROM unnest(CAST(:emails AS text[])) AS e (email)
        WHERE strpos(address_key(cancel_reason), e.email) > 0
    )
""")
REDACT_BUYERS = text("""
    UPDATE registrations SET buyer = NULL
    WHERE host_id = :host_id AND buyer IS NOT NULL AND address_key(buyer ->> 'email') = ANY(:emails)
    RETURNING registration_id
""")
# Deliveries without a registration are few: events, erasures, and types that we do not know.
REDACT_DELIVERIES = text(f"""
    UPDATE deliveries
    SET payload = jsonb_build_object(
        'type', type, 'timestamp', occurred_at, 'is_erased', true,
        'data', jsonb_build_object('host', jsonb_build_object('id', host_id))
    )
    WHERE host_id = :host_id AND (
        registration_id = ANY(:ids)
        OR (occurred_at <= :at AND (
            {ATTENDEE_EMAIL} = ANY(:emails)
            OR {PAYLOAD_ATTENDEE_ID} = :attendee_id
            OR (registration_id IS NULL AND EXISTS (
                SELECT FROM unnest(CAST(:emails AS text[])) AS e (email)
                WHERE strpos(address_key(payload::text), btrim(to_jsonb(e.email)::text, '"')) > 0
            ))
        ))
    )
    RETURNING registration_id
""")  # noqa: S608 -- put together from constants
# Members that we do not read may name the buyer again.
REDACT_SENT_BUYERS = text("""
    UPDATE deliveries SET payload = jsonb_set(payload, '{data}', (
        SELECT jsonb_object_agg(name, CASE
            WHEN name = 'host' THEN jsonb_build_object('id', value -> 'id', 'name', value -> 'name')
            WHEN name = 'registration' AND jsonb_typeof(value) = 'object' THEN (
                SELECT coalesce(jsonb_object_agg(key, told), '{}') FROM jsonb_each(value) AS r (key, told)
                WHERE key = ANY(:of_others_read)
            ) ELSE value END)
        FROM jsonb_each(payload -> 'data') AS d (name, value) WHERE name = ANY(:data_read)
    ))
    WHERE host_id = :host_id AND registration_id = ANY(:ids)
""")
# A write that is on its way is settled first; the job runs once more and finds the registration erased.
# Where counts are kept, what is in Salesforce stays counted as that.
SKIP_JOBS = text("""
    UPDATE sync_jobs
    SET state = CASE WHEN is_in_flight THEN state ELSE 'skipped' END,
        waiting_for = CASE WHEN is_in_flight THEN waiting_for END,
        skipped_because = CASE WHEN is_in_flight THEN skipped_because ELSE 'erased' END,
        requested_version = requested_version + 1,
        written_version = CASE WHEN is_in_flight THEN written_version ELSE requested_version + 1 END,
        error_class = NULL, error_code = NULL, group_id = NULL, error = NULL,
        first_error_at = NULL, last_error_at = NULL, warnings = '[]', failed_parts = '[]',
        settled_state = CASE WHEN is_in_flight THEN settled_state END
    FROM (
        SELECT host_id AS host, registration_id AS id, state IN ('running', 'ambiguous') AS is_in_flight
        FROM sync_jobs
        WHERE host_id = :host_id AND registration_id = ANY(:ids) AND state <> ALL(:states_kept)
        ORDER BY registration_id FOR UPDATE
    ) AS held
    WHERE host_id = held.host AND registration_id = held.id
""")
CLEAR_ERROR_TEXT = text("""
    UPDATE sync_jobs
    SET error = (error - 'value' - 'matches' - 'phrase') || '{"message": ""}', failed_parts = '[]'
    WHERE host_id = :host_id AND registration_id = ANY(:ids)
      AND (error IS NOT NULL OR failed_parts <> '[]')
""")
CLEAR_WARNINGS = text("""
    UPDATE sync_jobs SET warnings = '[]', failed_parts = '[]'
    WHERE host_id = :host_id AND registration_id = ANY(:ids) AND (warnings <> '[]' OR failed_parts <> '[]')
""")
DELETE_HISTORY = text("""
    DELETE FROM sync_attempts
    WHERE host_id = :host_id AND (
        registration_id = ANY(:ids) OR (registration_id = ANY(:others) AND at <= :at)
    )
""")
# A duplicate rule may have named the person beside another attendee's write.
DELETE_MATCHES = text("""
    UPDATE sync_attempts AS attempt SET responses = (
        SELECT jsonb_agg(answer - 'matches' ORDER BY place)
        FROM jsonb_array_elements(attempt.responses) WITH ORDINALITY AS a (answer, place)
    )
    WHERE host_id = :host_id AND EXISTS (
        SELECT FROM jsonb_path_query(attempt.responses, '$[*].matches[*].email') AS m (email)
        WHERE email #>> '{}' = ANY(:emails)
    )
""")
STRIPPED = """
    SET details = (
        SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(record.details)
        WHERE key IN ('found_by', 'is_created_by_us', 'was_member_before')
    )
"""
REDACT_RECORDS = text(f"""
    UPDATE written_records AS record {STRIPPED}
    WHERE host_id = :host_id AND registration_id = ANY(:ids)
""")
DELETE_DIFFERENCES = text("""
    DELETE FROM verification_differences WHERE host_id = :host_id AND registration_id = ANY(:ids)
""")
# Answers kept for a repeated Idempotency-Key are sealed: nobody can say whose rows they hold. One that is
# still under way has status 0; what it kept is forgotten a minute later.
DELETE_RESPONSES = text("DELETE FROM idempotency_keys WHERE host_id = :host_id AND status <> 0")
DELETE_EXCLUSIONS = text("""
    UPDATE hosts SET settings = jsonb_set(settings, '{exclusions,addresses}', (
        SELECT coalesce(jsonb_agg(address), '[]')
        FROM jsonb_array_elements_text(settings #> '{exclusions,addresses}') AS a (address)
        WHERE NOT address = ANY(:emails)
    ))
    WHERE host_id = :host_id AND settings #> '{exclusions,addresses}' ?| CAST(:emails AS text[])
""")
# A platform user with that address may connect again.
DELETE_USERS = (
    text("""
        DELETE FROM salesforce_users WHERE host_id = :host_id
          AND (email_key = ANY(:emails) OR address_key(user_email) = ANY(:emails))
    """),
    text("""
        DELETE FROM unconfirmed_users
        WHERE host_id = :host_id AND address_key(user_email) = ANY(:emails)
    """),
    text("""
        DELETE FROM describe_cache WHERE host_id = :host_id AND sobject IN (
            SELECT 'User:' || email FROM unnest(CAST(:emails AS text[])) AS e (email)
        )
    """),
    # The org's users by name, kept for a choice of owner.
    text("""
        DELETE FROM describe_cache WHERE host_id = :host_id AND sobject = 'Owner:all' AND EXISTS (
            SELECT FROM jsonb_path_query(body, '$.items[*].email') AS m (email)
            WHERE address_key(email #>> '{}') = ANY(:emails)
        )
    """),
)
INSERT_TOMBSTONES = text("""
    INSERT INTO erasures AS known (host_id, kind, key, erased_at, registration_ids)
    SELECT :host_id, kind, key, :at, CAST(:ids AS jsonb)
    FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bytea[])) AS new (kind, key) ORDER BY kind, key
    ON CONFLICT (host_id, kind, key) DO UPDATE
    SET erased_at = greatest(known.erased_at, excluded.erased_at), created_at = clock_timestamp(),
        registration_ids = (
            SELECT coalesce(jsonb_agg(DISTINCT id), '[]')
            FROM jsonb_array_elements(known.registration_ids || excluded.registration_ids) AS ids (id)
        )
""")
LOAD_TOMBSTONES = text("""
    SELECT DISTINCT jsonb_array_elements_text(registration_ids) AS registration_id FROM erasures
    WHERE host_id = :host_id AND kind <> 'registration' AND key = ANY(:keys)
""")

DATA_READ: Final = frozenset(
    ["attendee", "email", "event", "host", "previous", "reason", "registration", "registration_ids", "replay"]
)
"""Members of a payload's data that the service reads: whatever else it holds may name anybody."""

MEMBERS: Final = (
    "answers attendee cancelled_at checked_in_at ends_at id registered_at salesforce_id starts_at status"
    " ticket utm version"
)
OTHERS_READ: Final = frozenset(MEMBERS.split())
"""Of a registration of another attendee: all that the service reads but the buyer."""

READ = {"data_read": sorted(DATA_READ), "of_others_read": sorted(OTHERS_READ)}


@dataclass(frozen=True)
class ErasureRequest:
    """Whom to erase: all data up to `at`, and these registrations for ever."""

    host_id: str
    at: datetime
    attendee_id: str | None = field(repr=False)
    email: str | None = field(repr=False)
    registration_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ErasureScope:
    """The registrations to erase, and the addresses and ids of their attendee."""

    ids: list[str]
    emails: list[str]
    attendee_ids: list[str]


async def erase(session: AsyncSession, wish: ErasureRequest, *, pepper: bytes, by: str) -> list[str]:
    """Erase in the caller's transaction; returns the registrations, those of earlier erasures included.

    Needs a session that may write deliveries, and locks the host against intake.
    """
    await lock_exclusive(session, [wish.host_id])
    found = await _find(session, wish, pepper=pepper)
    await _redact(session, wish, found, states_kept=())
    await session.execute(DELETE_RESPONSES, {"host_id": wish.host_id})
    people = (*found.emails, *found.attendee_ids)
    await delete_unparsed(
        session, wish.host_id, people=people, registration_ids=found.ids, at=wish.at, pepper=pepper
    )
    await _insert_tombstones(session, wish, found, pepper=pepper)
    details = {"registration_ids": found.ids, "registrations": len(found.ids)}
    await audit_log.append_entry(
        session, wish.host_id, actor=by, action="salesforce.attendee_erased", details=details
    )
    return found.ids


async def redact_registrations(session: AsyncSession, wish: ErasureRequest, *, pepper: bytes) -> None:
    """Erase these registrations alone, whatever else their people registered for; what is synced or skipped
    stays counted as that. Answers kept for a repeated Idempotency-Key stay for their 24 hours.

    In the caller's transaction, which holds the host's lock against intake.
    """
    found = ErasureScope(sorted(wish.registration_ids), [], [])
    await _redact(session, wish, found, states_kept=(JobState.SYNCED, JobState.SKIPPED))
    await session.execute(CLEAR_WARNINGS, {"host_id": wish.host_id, "ids": found.ids})
    await delete_unparsed(
        session, wish.host_id, people=(), registration_ids=found.ids, at=wish.at, pepper=pepper
    )
    await _insert_tombstones(session, wish, found, pepper=pepper)


async def _find(session: AsyncSession, wish: ErasureRequest, *, pepper: bytes) -> ErasureScope:
    """Find registrations by the given ids and addresses, then by the addresses found with them."""
    ids, given = set(wish.registration_ids), address_key(wish.email)
    emails = {given} if given else set()
    attendee_ids = {wish.attendee_id} if wish.attendee_id else set()
    for _ in range(2):
        rows = await session.execute(FIND_REGISTRATIONS, _values(wish, ids, emails))
        for row in rows:
            ids.add(row.registration_id)
            emails |= {row.email_key} if row.email_key else set()
            attendee_ids |= {row.attendee_id} if row.attendee_id else set()
    keys = [tombstone_key(pepper, subject) for subject in _people(wish, emails)]
    earlier = await session.scalars(LOAD_TOMBSTONES, {"host_id": wish.host_id, "keys": keys})
    return ErasureScope(sorted(ids | set(earlier)), sorted(emails), sorted(attendee_ids))


async def _redact(
    session: AsyncSession, wish: ErasureRequest, found: ErasureScope, *, states_kept: Sequence[str]
) -> None:
    values = _values(wish, found.ids, found.emails)
    await session.execute(REDACT_REGISTRATIONS, values)
    await session.execute(REDACT_EVENTS, values)
    bought = (await session.scalars(REDACT_BUYERS, values)).all()
    answered = await delete_emails(session, values)
    mentioning = set((await session.scalars(REDACT_DELIVERIES, values)).all())
    await session.execute(REDACT_SENT_BUYERS, values | {"ids": list(bought)} | READ)
    await session.execute(SKIP_JOBS, values | {"states_kept": list(states_kept)})
    await keep_check_ins(session, values)
    await session.execute(REDACT_RECORDS, values)
    await session.execute(DELETE_DIFFERENCES, values)
    transferred = sorted(mentioning - set(found.ids) - {None})
    others = sorted({*transferred, *answered})
    await redact_records_of_others(session, values, others)
    await session.execute(CLEAR_ERROR_TEXT, values | {"ids": transferred})
    await session.execute(DELETE_HISTORY, values | {"others": others})
    await session.execute(DELETE_MATCHES, values)
    await session.execute(DELETE_EXCLUSIONS, values)
    for users in DELETE_USERS:
        await session.execute(users, values)


async def _insert_tombstones(
    session: AsyncSession, wish: ErasureRequest, found: ErasureScope, *, pepper: bytes
) -> None:
    await _add(session, wish, _people(wish, found.emails), found.ids, pepper=pepper)
    subjects = [(MENTION, each) for each in found.attendee_ids] + [(REGISTRATION, id_) for id_ in found.ids]
    others = [Subject(wish.host_id, kind, value) for kind, value in subjects]
    await _add(session, wish, others, [], pepper=pepper)
    # Bodies that nobody reads are found by what they mention, be it an address or an id.
    mentioned = [Subject(wish.host_id, MENTION, value) for value in (*found.emails, *found.ids)]
    subjects_kept = [*_people(wish, found.emails), *others, *mentioned]
    keys = frozenset((each.kind, tombstone_key(pepper, each)) for each in subjects_kept)
    await append_to_journal(session, JournalEntry(wish.host_id, wish.at, keys))


async def _add(
    session: AsyncSession,
    wish: ErasureRequest,
    subjects: Sequence[Subject],
    ids: Sequence[str],
    *,
    pepper: bytes,
) -> None:
    values = {
        "host_id": wish.host_id,
        "at": wish.at,
        "kinds": [subject.kind for subject in subjects],
        "keys": [tombstone_key(pepper, subject) for subject in subjects],
        "ids": json.dumps(ids),
    }
    await session.execute(INSERT_TOMBSTONES, values)


def _people(wish: ErasureRequest, emails: Iterable[str]) -> list[Subject]:
    people = [Subject(wish.host_id, EMAIL, email) for email in sorted(emails)]
    return people + ([Subject(wish.host_id, ATTENDEE_ID, wish.attendee_id)] if wish.attendee_id else [])


def _values(wish: ErasureRequest, ids: Iterable[str], emails: Iterable[str]) -> dict[str, Any]:
    return {
        "host_id": wish.host_id,
        "at": wish.at,
        "ids": sorted(ids),
        "emails": sorted(emails),
        "attendee_id": wish.attendee_id,
    }
