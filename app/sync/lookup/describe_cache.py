"""What an org's objects look like to the connected user: kept, and asked for anew when they changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database, database_now
from app.infrastructure.joined_texts import Read
from app.models import DescribeCache
from app.models.kept_plan import kept_plan
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import Subrequest, SubResponse, sobject_path
from app.salesforce.describe import SObjectDescribe, describe_body, parse_describe
from app.salesforce.errors import RequestRejected
from app.sync.model.records import EMAIL_MESSAGE, TASK

REFUSED_EMAILS: Final = "EmailMessage:refused"
"""Kept beside the describes: that the org took no EmailMessage. One is tried again a day later."""

EMAIL_OBJECTS: Final = (EMAIL_MESSAGE, TASK, REFUSED_EMAILS)
MAX_AGE: Final = timedelta(hours=24)
RETRY_MAX_AGE: Final = timedelta(seconds=5)
"""A person who retries has changed something, maybe the org; a group of many batches asks now and then."""

HIDDEN_CODES: Final = frozenset({"NOT_FOUND", "INVALID_TYPE"})

# A slow request must not replace the answer to one that was sent later.
STORE_DESCRIBE = text("""
    INSERT INTO describe_cache (host_id, org_id, sobject, body, fetched_at)
    VALUES (:host_id, :org_id, :sobject, CAST(:body AS jsonb), coalesce(:asked_at, clock_timestamp()))
    ON CONFLICT (host_id, org_id, sobject) DO UPDATE
    SET body = excluded.body, fetched_at = excluded.fetched_at, is_stale = false
    WHERE describe_cache.fetched_at <= excluded.fetched_at
""")
# An object that was hidden is looked for again soon: somebody may have given the user the right to see it.
LOAD_DESCRIBES = kept_plan("""
    SELECT sobject, body FROM describe_cache
    WHERE host_id = :host_id AND org_id = :org_id AND sobject = ANY(:sobjects)
      AND NOT is_stale AND fetched_at > clock_timestamp() - CAST(:max_age AS interval)
      AND (body <> '{}' OR fetched_at > clock_timestamp() - interval '15 minutes')
""")
# The same of the fields that are unique alone: a whole describe takes long to read.
LOAD_UNIQUE_FIELDS = kept_plan("""
    SELECT sobject, CASE WHEN body = '{}' THEN body ELSE jsonb_set(
               body - 'recordTypeInfos', '{fields}',
               jsonb_path_query_array(body, '$.fields[*] ? (@.unique == true)')) END AS body
    FROM describe_cache
    WHERE host_id = :host_id AND org_id = :org_id AND sobject = ANY(:sobjects)
      AND NOT is_stale AND fetched_at > clock_timestamp() - CAST(:max_age AS interval)
      AND (body <> '{}' OR fetched_at > clock_timestamp() - interval '15 minutes')
""")
# What was fetched a moment ago is not fetched again: a lasting mismatch would cost a call in every batch.
MARK_STALE = text("""
    UPDATE describe_cache SET is_stale = true
    WHERE host_id = :host_id AND org_id = :org_id AND sobject = ANY(:sobjects) AND NOT is_stale
      AND fetched_at < clock_timestamp() - interval '30 seconds'
""")


async def load_describes(
    database: Database,
    client: SalesforceClient,
    *,
    host_id: str,
    org_id: str,
    sobjects: Iterable[str],
    max_age: timedelta = MAX_AGE,
) -> dict[str, SObjectDescribe]:
    """The describes of these objects, from our table or from Salesforce; a hidden object is left out.

    One call for all that are missing, stale or older than `max_age`; zero asks Salesforce whatever our table
    has. Raises what the client raises.
    """
    wanted = sorted(set(sobjects))
    if not wanted:
        return {}
    async with database.tenant(host_id) as session:
        asked_at = await database_now(session)
        bodies = await cached_bodies(
            session, host_id=host_id, org_id=org_id, sobjects=wanted, max_age=max_age
        )
    missing = [sobject for sobject in wanted if sobject not in bodies]
    if missing:
        fetched = await _fetch(client, missing)
        async with database.tenant(host_id) as session:
            await store_describes(session, fetched, host_id=host_id, org_id=org_id, asked_at=asked_at)
        bodies |= fetched
    return {sobject: parse_describe(body) for sobject, body in bodies.items() if body}


async def cached_bodies(
    session: AsyncSession, *, host_id: str, org_id: str, sobjects: Iterable[str], max_age: timedelta = MAX_AGE
) -> dict[str, dict[str, Any]]:
    """What our table has that is neither stale nor old, by object; empty for a hidden one."""
    values = {"host_id": host_id, "org_id": org_id, "sobjects": sorted(sobjects), "max_age": max_age}
    return {row.sobject: row.body for row in await session.execute(LOAD_DESCRIBES, values)}


async def load_unique_fields(
    session: AsyncSession, host_id: str, org_id: str, sobjects: Iterable[str], max_age: timedelta
) -> dict[str, SObjectDescribe | None]:
    """The objects of which our table has a describe that counts, with their unique fields alone; None of a
    hidden one.
    """
    asked = unique_fields_read(host_id, org_id, sobjects, max_age)
    if asked is None:
        return {}
    rows = await session.execute(*asked)
    return {row.sobject: parse_describe(row.body) if row.body else None for row in rows}


def unique_fields_read(host_id: str, org_id: str, sobjects: Iterable[str], max_age: timedelta) -> Read | None:
    """What `load_unique_fields` asks; None where it asks nothing."""
    wanted = sorted(sobjects)
    values = {"host_id": host_id, "org_id": org_id, "sobjects": wanted, "max_age": max_age}
    return (LOAD_UNIQUE_FIELDS, values) if wanted else None


async def uncached(
    session: AsyncSession, host_id: str, org_id: str, sobjects: Iterable[str], max_age: timedelta
) -> tuple[str, ...]:
    """Those of these objects of which our table has nothing that counts; no query where there are none."""
    wanted = sorted(sobjects)
    if not wanted:
        return ()
    known = await cached_bodies(session, host_id=host_id, org_id=org_id, sobjects=wanted, max_age=max_age)
    return tuple(each for each in wanted if each not in known)


async def store_describes(
    session: AsyncSession,
    bodies: Mapping[str, Mapping[str, Any]],
    *,
    host_id: str,
    org_id: str,
    asked_at: datetime | None = None,
) -> None:
    """Store the answers to a request sent at `asked_at` (by Postgres's clock; None is now), unless newer."""
    for sobject, body in sorted(bodies.items()):
        values = {"host_id": host_id, "org_id": org_id, "sobject": sobject, "body": json.dumps(body)}
        await session.execute(STORE_DESCRIBE, {**values, "asked_at": asked_at})


async def mark_stale(session: AsyncSession, sobjects: Iterable[str], *, host_id: str, org_id: str) -> None:
    """Salesforce said something that does not fit: ask again before the next batch."""
    values = {"host_id": host_id, "org_id": org_id, "sobjects": sorted(set(sobjects))}
    await session.execute(MARK_STALE, values)


async def expire_describes(session: AsyncSession, *, host_id: str, sobjects: Iterable[str] = ()) -> None:
    """Ask for these objects anew whenever they are needed next; for all of them when none is named.

    The answer to a request that was sent before this does not count.
    """
    wanted = sorted(set(sobjects))
    query = update(DescribeCache).where(DescribeCache.host_id == host_id)
    query = query.values(is_stale=True, fetched_at=func.clock_timestamp())
    await session.execute(query.where(DescribeCache.sobject.in_(wanted)) if wanted else query)


async def _fetch(client: SalesforceClient, sobjects: Sequence[str]) -> dict[str, dict[str, Any]]:
    version = client.api_version
    answers = await client.composite([describe_request(each, api_version=version) for each in sobjects])
    return {answer.reference_id: body_to_keep(answer) for answer in answers}


def describe_request(sobject: str, *, api_version: str) -> Subrequest:
    """Ask for an object, which is the reference id."""
    return Subrequest("GET", f"{sobject_path(api_version, sobject)}/describe", reference_id=sobject)


def body_to_keep(answer: SubResponse) -> dict[str, Any]:
    """What is kept of a describe: nothing for an object that the connected user may not see."""
    if answer.failures and answer.failures[0].error_code in HIDDEN_CODES:
        return {}
    if answer.failures:
        raise RequestRejected(answer.failures)
    return describe_body(parse_describe(answer.body))
