"""Where a browser may be sent after connecting: a path on the dashboard's origin, never anywhere else."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from app.api.errors import ReturnToInvalid

MAX_LENGTH: Final = 2000
CONNECTED: Final = "connected"
OUR_PARAMETERS: Final = frozenset({"salesforce", "attempt"})

_PLAIN: Final = re.compile(r"/[!-\[\]-~]*")
"""Printable ASCII without space and backslash."""
_DECODINGS: Final = 3


def check_return_to(path: str, *, dashboard_url: str, prefixes: Sequence[str]) -> str:
    """The path as given. Raises ReturnToInvalid for what could lead a browser off the dashboard's origin, for
    a page that is not under one of `prefixes`, and for a fragment: that is where the code goes.

    Browsers take backslashes for slashes, drop tabs and line ends, and read `//` as another host; a proxy may
    decode once more than we do.
    """
    if len(path) > MAX_LENGTH or not _PLAIN.fullmatch(path) or "#" in path:
        raise ReturnToInvalid
    decoded = path
    for _ in range(_DECODINGS):
        _check_once(decoded, dashboard_url)
        decoded = unquote(decoded)
    _check_once(decoded, dashboard_url)
    route = urlsplit(path).path
    if not any(route == prefix or route.startswith(f"{prefix.rstrip('/')}/") for prefix in prefixes):
        raise ReturnToInvalid
    return path


def returning_url(
    origin: str, return_to: str, *, outcome: str, attempt_id: str, code: str | None = None
) -> str:
    """Return the address to redirect to; its query has the result, never the reason.

    The code is in the fragment, which reaches no log and no Referer.
    """
    parts = urlsplit(return_to)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in OUR_PARAMETERS]
    ours = [("salesforce", outcome)] + ([] if outcome == CONNECTED else [("attempt", attempt_id)])
    fragment = f"#code={code}" if code else ""
    return f"{origin}{parts.path}?{urlencode(kept + ours)}{fragment}"


def _check_once(path: str, dashboard_url: str) -> None:
    route = re.split(r"[?#]", path, maxsplit=1)[0]
    has_odd_segment = any(segment.strip() in (".", "..") for segment in route.split("/"))
    is_printable = all(32 < ord(letter) != 127 for letter in path)
    if "\\" in path or "//" in route or has_odd_segment or not is_printable:
        raise ReturnToInvalid
    if _origin(urljoin(f"{dashboard_url}/", path)) != _origin(dashboard_url):
        raise ReturnToInvalid


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
