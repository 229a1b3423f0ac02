"""One event of the live stream: a snapshot, its change number, and its form on the wire."""

import re
from dataclasses import dataclass, field
from typing import Final

from app.api.auth import Role

HEARTBEAT: Final = b": still here\n\n"
OPENING: Final = b"retry: 1000\n\n"
NUMBER: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class StreamMessage:
    """`kind`: stats, row, link, card. `event_id` is empty on a card, which is made for one role and
    the other hosts that the reader's token names.
    """

    kind: str
    number: int
    data: str = field(repr=False)
    event_id: str = ""
    registration_id: str = ""
    role: Role | None = None
    hosts: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is a snapshot of: a newer one takes its place."""
        return self.kind, self.event_id, self.registration_id

    def encoded(self) -> bytes:
        """https://html.spec.whatwg.org/multipage/server-sent-events.html; JSON holds no line breaks."""
        return f"id: {self.number}\nevent: {self.kind}\ndata: {self.data}\n\n".encode()


def number_in(last_event_id: str | None) -> int | None:
    """The number that a client saw last; anything that is not ours means that it saw nothing."""
    return int(last_event_id) if last_event_id and NUMBER.fullmatch(last_event_id) else None
