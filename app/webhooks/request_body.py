"""Refuse by its headers a webhook's body that is too large or not plainly JSON."""

from collections.abc import Iterable

from app.api.errors import BodyTooLarge, MediaTypeUnsupported

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
