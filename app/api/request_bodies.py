"""Bodies, bounded in size and in time while they are read."""

import asyncio
import gc
from typing import Final

from starlette.types import Message, Receive

from app.api.errors import BodyIncomplete, BodyTooLarge
from app.user_messages.catalog import say

BODY_MAX: Final = 1_048_576
"""Of whatever is not a webhook and not an import; the largest mapping needs half of it."""
PARTS_MAX: Final = 50_000
"""Lists, objects and members of a body: a mebibyte of nothing else holds the loop for a fifth of a second."""
READ_SECONDS: Final = 10.0
LARGE: Final = 65_536
COLLECT_EVERY: Final = 16 * BODY_MAX


async def read_body(receive: Receive, *, bytes_max: int, seconds: float = READ_SECONDS) -> bytes:
    """The whole body. Raises BodyTooLarge at the first chunk too many, BodyIncomplete when it is late."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyIncomplete
                body += message.get("body", b"")
                if len(body) > bytes_max:
                    raise BodyTooLarge
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise BodyIncomplete from None


def check_parts(body: bytes) -> None:
    """Raises BodyTooLarge for JSON that takes long to read; counting, also what stands in texts, does not."""
    if sum(body.count(each) for each in (b",", b"[", b"{")) > PARTS_MAX:
        raise BodyTooLarge(say("detail.body_parts", most=PARTS_MAX))


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, and then what comes after it."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay


class LargeBodies:
    """Collects garbage by the bytes of large bodies.

    The collector counts objects, and rarely looks (see `app.main`). A refused body hangs in a cycle of its
    error until it looks, and a few objects can be a megabyte.
    """

    def __init__(self, collect_every: int = COLLECT_EVERY) -> None:
        self._collect_every = collect_every
        self._bytes = 0

    def count(self, size: int) -> None:
        if size < LARGE:
            return
        self._bytes += size
        if self._bytes >= self._collect_every:
            self._bytes = 0
            gc.collect(1)
