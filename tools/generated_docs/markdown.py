"""Markdown tables of generated documents."""

import re
from collections.abc import Iterable
from typing import Final

PLACES: Final = {
    "support_email": "support",
    "redirect_uri": "`<our address>/oauth/salesforce/callback`",
    "api_version": "62.0",
    "edition": "This edition",
}


def table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    rows = (head, ("---",) * len(head), *lines)
    return "".join(f"| {' | '.join(plain(cell) for cell in row)} |\n" for row in rows)


def plain(text: str) -> str:
    """The text of an advice with a word for each place that a caller fills."""
    filled = re.sub(r"\{(\w+)\}", lambda place: PLACES.get(place[1], f"*{place[1]}*"), text)
    return filled.replace("|", "\\|")
