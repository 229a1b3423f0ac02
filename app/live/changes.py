"""Decide what one poll sends: what changed, which rows are new, and which snapshots the subscribers need."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from app.live.change_detection import OVERLAP_SECONDS, Changed, ChangeMarkers, changed_events
from app.live.subscriber import Subscriber


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
    changes: ChangeSet, subscribers: Collection[Subscriber], *, is_refresh: bool
) -> SnapshotPlan:
    """Rows and links go to the streams of their event, stats also to a host's stream.

    A refresh, and a new card, makes the stats of every watched event anew: a gate may explain other rows.
    """
    watched = {each.event_id for each in subscribers if each.event_id is not None}
    is_host_watched = any(each.event_id is None for each in subscribers)
    moved = changes.moved if is_host_watched else changes.moved & watched
    return SnapshotPlan(
        rows=tuple(sorted(watched & changes.rows)),
        links=tuple(sorted(watched & changes.linked)),
        stats=frozenset(moved | (watched if is_refresh or changes.is_card_new else set())),
    )


@dataclass
class SentRows:
    """Remembers which changed rows were sent.

    A change number is drawn before its transaction commits, so that a lower one may appear after a higher
    one: rows are read from the position of ten seconds ago, and those that were sent are left out.
    """

    position: int = 0
    _positions: deque[tuple[float, int]] = field(default_factory=deque)
    _sent: dict[str, int] = field(default_factory=dict)

    def start(self, position: int, *, now: float) -> None:
        """Take everything up to `position` for sent."""
        self.position = position
        self._positions.append((now, position))

    def safe_position(self, now: float) -> int:
        """The position of ten seconds ago: no lower number can still appear."""
        while len(self._positions) > 1 and self._positions[1][0] <= now - OVERLAP_SECONDS:
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
