"""Erase what e-mails of other registrations hold of somebody: of a ticket that was handed on since, and of
replies that the person sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.registrations import ATTENDEE_EMAIL, ATTENDEE_ID

# Which e-mails went to the person only the deliveries say: this comes before they are redacted.
DELETE_EMAILS_TO = text(f"""
    UPDATE registrations AS registration SET emails = registration.emails - held.messages
    FROM (
        SELECT registration_id AS id, array_agg(DISTINCT payload #>> '{{data,email,id}}') AS messages
        FROM deliveries
        WHERE host_id = :host_id AND NOT registration_id = ANY(:ids) AND occurred_at <= :at
          AND ({ATTENDEE_EMAIL} = ANY(:emails) OR {ATTENDEE_ID} = :attendee_id)
          AND payload #>> '{{data,email,id}}' IS NOT NULL
        GROUP BY registration_id
    ) AS held
    WHERE registration.host_id = :host_id AND registration.registration_id = held.id
""")  # noqa: S608 -- put together from constants
# Who sends in the host's name stays, as an organizer does.
DELETE_REPLIES_FROM = text("""
    UPDATE registrations SET emails = (
        SELECT coalesce(jsonb_object_agg(id, facts) FILTER (WHERE facts <> '{}'), '{}') FROM (
            SELECT message.id, (
                SELECT coalesce(jsonb_object_agg(kind, fact), '{}')
                FROM jsonb_each(message.facts) AS f (kind, fact)
                WHERE kind <> 'replied'
                   OR NOT coalesce(address_key(fact #>> '{from,email}') = ANY(:emails), false)
            ) AS facts
            FROM jsonb_each(emails) AS message (id, facts)
        ) AS left_over
    )
    WHERE host_id = :host_id AND emails <> '{}' AND EXISTS (
        SELECT FROM jsonb_path_query(emails, '$.*.replied.from.email') AS s (email)
        WHERE address_key(email #>> '{}') = ANY(:emails)
    )
    RETURNING registration_id
""")
REDACT_DELIVERIES_FROM = text("""
    UPDATE deliveries SET payload = jsonb_set(payload, '{data,email}', jsonb_build_object(
        'id', payload #> '{data,email,id}', 'at', payload #> '{data,email,at}'
    ))
    WHERE host_id = :host_id AND registration_id = ANY(:answered) AND type = 'email.replied'
      AND address_key(payload #>> '{data,email,from,email}') = ANY(:emails)
""")
# Of activities the subject, of people whose ticket it was, whom a duplicate rule named and the hash of their
# address.
REDACT_RECORDS_OF_OTHERS = text("""
    UPDATE written_records AS record
    SET details = record.details - ARRAY['subject', 'warning', 'attendee_id', 'sent_key']
    FROM registrations AS registration
    WHERE record.host_id = :host_id AND record.registration_id = ANY(:others)
      AND registration.host_id = record.host_id AND registration.registration_id = record.registration_id
      AND (
        starts_with(record.slot, 'former:')
        OR (starts_with(record.slot, 'email_') AND NOT coalesce(
            registration.emails -> record.instance_key ? replace(record.slot, 'email_', ''), false
        ))
      )
""")


async def delete_emails(session: AsyncSession, values: Mapping[str, Any]) -> list[str]:
    """Delete e-mails to the person and their replies, in the caller's transaction; deliveries are redacted
    after it.

    Returns the registrations that had such replies.
    """
    await session.execute(DELETE_EMAILS_TO, values)
    answered = list(await session.scalars(DELETE_REPLIES_FROM, values))
    await session.execute(REDACT_DELIVERIES_FROM, {**values, "answered": answered})
    return answered


async def redact_records_of_others(
    session: AsyncSession, values: Mapping[str, Any], registration_ids: Sequence[str]
) -> None:
    """Redact what is remembered of activities of these e-mails, and of whoever held a ticket before."""
    await session.execute(REDACT_RECORDS_OF_OTHERS, {**values, "others": list(registration_ids)})
