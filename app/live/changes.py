"""Detect changes for one host's streams, and decide what one poll sends of them.

Polling is cheap, and tolerates changes that are committed late.
"""

import hashlib
from collections import deque
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import xor
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.live.subscriber import Subscriber

OVERLAP_SECONDS: Final = 10.0
CHANGED_MAX: Final = 20_000

# Two index look-ups for the rows of each host, and the few things of a host that carry no change number.
LOOK = text("""
    SELECT watched.host_id, 'rows' AS kind, '' AS event_id, greatest(
        (SELECT max(change_no) FROM registrations WHERE host_id = watched.host_id),
        (SELECT max(change_no) FROM sync_jobs WHERE host_id = watched.host_id), 0)::text AS mark
    FROM unnest(CAST(:host_ids AS text[])) AS watched (host_id)
    UNION ALL
    SELECT host.host_id, 'card', '', concat_ws('|', host.paused_at, host.api_cap_percent, connection.state,
                                 connection.version, connection.org_id,
                                 connection.api_closed_until > clock_timestamp(), connection.api_closed_until,
                                 connection.fault_until,
                                 lease.not_before > clock_timestamp(), lease.not_before, lease.paused_at)
    FROM hosts AS host
    LEFT JOIN connections AS connection ON connection.host_id = host.host_id
    LEFT JOIN org_leases AS lease ON lease.org_id = connection.org_id
    WHERE host.host_id = ANY(:host_ids)
    UNION ALL
    SELECT host_id, 'link', event_id, concat_ws('|', state, version, campaign_id) FROM campaign_links
    WHERE host_id = ANY(:host_ids)
    UNION ALL
    SELECT host_id, 'backfill', event_id, string_agg(
        concat_ws('|', backfill_id, state, enqueued, is_enqueued, total), '|' ORDER BY backfill_id)
    FROM backfills WHERE host_id = ANY(:host_ids)
      AND (state IN ('running', 'paused') OR finished_at > clock_timestamp() - interval '1 minute')
    GROUP BY host_id, event_id
    UNION ALL
    SELECT host_id, 'pause', event_id, paused_at::text FROM events
    WHERE host_id = ANY(:host_ids) AND paused_at IS NOT NULL
""")
# Of thousands of markers one number a host: few rows for a look that mostly finds nothing.
DIGESTS = text(f"""
    SELECT coalesce(array_agg(host_id), '{{}}'), coalesce(array_agg(digest), '{{}}') FROM (
        SELECT host_id, bit_xor(CAST(CAST(
            'x' || left(md5(concat_ws('|', kind, event_id, mark)), 16) AS bit(64)) AS bigint)) AS digest
        FROM ({LOOK.text}) AS markers GROUP BY host_id
    ) AS of_hosts
""")  # noqa: S608 -- put together from constants
CHANGED = text("""
    SELECT event_id, registration_id, max(change_no) AS number FROM (
        (SELECT event_id, registration_id, change_no FROM registrations
         WHERE host_id = :host_id AND change_no > :after ORDER BY change_no LIMIT :most)
        UNION ALL
        (SELECT event_id, registration_id, change_no FROM sync_jobs
         WHERE host_id = :host_id AND change_no > :after ORDER BY change_no LIMIT :most)
    ) AS changed
    GROUP BY event_id, registration_id ORDER BY number LIMIT :most
""")
NEWEST = """
        (SELECT change_no, updated_at FROM registrations
         WHERE host_id = :host_id AND change_no <= :number ORDER BY change_no DESC LIMIT 1)
        UNION ALL
        (SELECT change_no, updated_at FROM sync_jobs
         WHERE host_id = :host_id AND change_no <= :number ORDER BY change_no DESC LIMIT 1)
"""
# Numbers are drawn before they are committed: what was stamped shortly before may appear after.
FLOOR = text(f"""
    WITH sent AS ({NEWEST}), since AS (
        SELECT max(updated_at) - make_interval(secs => :overlap) AS at FROM sent
    )
    SELECT coalesce(max(change_no), 0) FROM (
        (SELECT change_no FROM registrations, since WHERE host_id = :host_id
         AND change_no <= :number AND updated_at < since.at ORDER BY change_no DESC LIMIT 1)
        UNION ALL
        (SELECT change_no FROM sync_jobs, since WHERE host_id = :host_id
         AND change_no <= :number AND updated_at < since.at ORDER BY change_no DESC LIMIT 1)
    ) AS settled
""")  # noqa: S608 -- put together from constants
IS_RECENT = text(f"""
    SELECT coalesce(max(updated_at) > clock_timestamp() - make_interval(secs => :overlap), false)
    FROM ({NEWEST}) AS newest
""")  # noqa: S608 -- put together from constants


class ChangeMarkers(dict[tuple[str, str], str]):
    """A host's markers by (kind, event id); two reads differ where something changed."""

    @cached_property
    def digest(self) -> int:
        """The number that `read_digests` has for the same markers."""
        texts = ("|".join((*key, mark)).encode() for key, mark in self.items())
        digests = (int.from_bytes(hashlib.md5(each, usedforsecurity=False).digest()[:8]) for each in texts)
        unsigned = reduce(xor, digests, 0)
        return unsigned - 2**64 if unsigned >= 2**63 else unsigned


@dataclass(frozen=True)
class Changed:
    """One row that was written, and the number of its last change."""

    event_id: str
    registration_id: str
    number: int


async def read_markers(session: AsyncSession, host_ids: Collection[str]) -> dict[str, ChangeMarkers]:
    """Read each host's markers."""
    found = {host_id: ChangeMarkers() for host_id in host_ids}
    for host_id, kind, event_id, mark in await session.execute(LOOK, {"host_ids": list(host_ids)}):
        found[host_id][kind, event_id] = mark
    return found


async def read_digests(session: AsyncSession, host_ids: Collection[str]) -> dict[str, int]:
    """Read one number for each host's markers."""
    names, digests = (await session.execute(DIGESTS, {"host_ids": list(host_ids)})).one()
    return dict(zip(names, digests, strict=True))


async def read_changed(session: AsyncSession, host_id: str, *, after: int) -> Sequence[Changed]:
    """The rows that changed after this number, in order, at most 20,000."""
    values: dict[str, Any] = {"host_id": host_id, "after": after, "most": CHANGED_MAX}
    return [
        Changed(row.event_id, row.registration_id, row.number)
        for row in await session.execute(CHANGED, values)
    ]


async def resume_position(session: AsyncSession, host_id: str, number: int) -> int:
    """Return the change number to read from for a client that has seen everything up to `number`."""
    values = {"host_id": host_id, "number": number, "overlap": OVERLAP_SECONDS}
    return int(await session.scalar(FLOOR, values) or 0)


async def read_late(session: AsyncSession, host_id: str, number: int) -> tuple[int, Sequence[Changed]]:
    """The number above which something may be committed yet, up to `number`, and what is there already."""
    values = {"host_id": host_id, "number": number, "overlap": OVERLAP_SECONDS}
    if not await session.scalar(IS_RECENT, values):
        return number, ()
    floor = await resume_position(session, host_id, number)
    changed = await read_changed(session, host_id, after=floor)
    return floor, [each for each in changed if each.number <= number]


def changed_events(before: ChangeMarkers, after: ChangeMarkers, kind: str) -> set[str]:
    """Return the events whose markers of this kind were added, removed or changed."""
    keys = {key for key in before.keys() | after.keys() if key[0] == kind}
    return {event_id for _, event_id in keys if before.get((kind, event_id)) != after.get((kind, event_id))}


@dataclass(frozen=True)
class ChangeSet:
    """What differs between two polls, by event; `moved` are the events whose numbers may differ."""

    rows: frozenset[str]
    linked: frozenset[str]
    moved: frozenset[str]
    is_card_new: bool


@dataclass(frozen=True)
class SnapshotPlan:
    """The events whose rows, link and stats the subscribers need, in the order of sending."""

    rows: tuple[str, ...]
    links: tuple[str, ...]
    stats: frozenset[str]


def detect(before: ChangeMarkers, after: ChangeMarkers, rows: Sequence[Changed]) -> ChangeSet:
    """Compare the markers of two polls; `rows` changed in between."""
    changed = frozenset(each.event_id for each in rows)
    linked = changed_events(before, after, "link")
    counted = changed_events(before, after, "backfill") | changed_events(before, after, "pause")
    return ChangeSet(
        rows=changed,
        linked=frozenset(linked),
        moved=changed | linked | counted,
        is_card_new=bool(changed_events(before, after, "card")),
    )


def snapshots_for(
    changes: ChangeSet, subscribers: Collection[Subscriber], *, aged: Set[str] = frozenset()
) -> SnapshotPlan:
    """Rows and links go to the streams of their event, stats also to a host's stream.

    A new card makes the stats of every watched event anew, since a gate may explain other rows; time makes
    those of the events that `aged`.
    """
    watched = {each.event_id for each in subscribers if each.event_id is not None}
    is_host_watched = any(each.event_id is None for each in subscribers)
    moved = changes.moved if is_host_watched else changes.moved & watched
    return SnapshotPlan(
        rows=tuple(sorted(watched & changes.rows)),
        links=tuple(sorted(watched & changes.linked)),
        stats=frozenset(moved | (watched if changes.is_card_new else watched & aged)),
    )


@dataclass
class SentRows:
    """Remembers which changed rows were sent.

    A change number is drawn before its transaction commits, so that a lower one may appear after a higher
    one: rows are read from the position of ten seconds before, and those that were sent are left out.
    """

    position: int = 0
    _positions: deque[tuple[float, int]] = field(default_factory=deque)
    _sent: dict[str, int] = field(default_factory=dict)

    def start(self, position: int, *, now: float, floor: int, sent: Sequence[Changed]) -> None:
        """Take for sent what is there: everything up to `floor`, and these rows above it."""
        self.position = position
        self._sent = {each.registration_id: each.number for each in sent}
        self._positions.append((now, floor))

    def copy(self) -> "SentRows":
        """As it is now, to go back to."""
        return SentRows(self.position, self._positions.copy(), self._sent)

    def safe_position(self, looked_at: float) -> int:
        """The position of ten seconds before the last look: whatever has a lower number was found by it."""
        while len(self._positions) > 1 and self._positions[1][0] <= looked_at - OVERLAP_SECONDS:
            self._positions.popleft()
        return self._positions[0][1]

    def unsent(self, changed: Sequence[Changed]) -> list[Changed]:
        return [each for each in changed if self._sent.get(each.registration_id, 0) < each.number]

    def remember(self, sent: Sequence[Changed], *, safe: int, is_crowded: bool, now: float) -> None:
        """`is_crowded`: the rows of ten seconds alone would fill every poll, so only newer ones are read."""
        numbers = {each.registration_id: each.number for each in sent}
        self._sent = {name: number for name, number in self._sent.items() if number > safe} | numbers
        self.position = max([self.position, *numbers.values()])
        if is_crowded:
            self._positions.clear()
        self._positions.append((now, self.position))
