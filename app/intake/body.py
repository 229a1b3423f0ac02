"""Read a webhook's raw body: bounded in size and time, and only what is plainly JSON."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive

from app.problems import BodyIncomplete, BodyTooLarge, MediaTypeUnsupported

READ_SECONDS = 10.0
JSON = b"application/json"

Headers = Iterable[tuple[bytes, bytes]]


def check_headers(headers: Headers, *, bytes_max: int) -> None:
    """Refuse by headers alone what need not be read. Raises BodyTooLarge, MediaTypeUnsupported."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    declared = values.get(b"content-length", [b"0"])[0]
    if declared.isdigit() and (len(declared) > 19 or int(declared) > bytes_max):
        raise BodyTooLarge
    if any(value.strip().lower() != b"identity" for value in values.get(b"content-encoding", [])):
        raise MediaTypeUnsupported
    media_types = [value.partition(b";")[0].strip().lower() for value in values.get(b"content-type", [])]
    if media_types != [JSON]:
        raise MediaTypeUnsupported


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
