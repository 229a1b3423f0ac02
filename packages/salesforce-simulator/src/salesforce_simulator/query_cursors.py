"""Query results that are handed out page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from salesforce_simulator.ids import new_id

MAX_PAGE = 2000
MIN_PAGE = 200


@dataclass(frozen=True)
class Cursor:
    """All rows of a query, rendered only when their page is asked for, by the user who asked first."""

    locator: str
    user_id: str
    rows: Sequence[Any]
    render: Callable[[Any], dict[str, Any]]
    page_size: int

    def page(self, offset: int, version: str) -> dict[str, Any]:
        """One page; `nextRecordsUrl` only when another follows."""
        records = [self.render(row) for row in self.rows[offset : offset + self.page_size]]
        end = offset + len(records)
        body: dict[str, Any] = {"totalSize": len(self.rows), "done": end >= len(self.rows)}
        if not body["done"]:
            body["nextRecordsUrl"] = f"/services/data/v{version}/query/{self.locator}-{end}"
        return {**body, "records": records}


def locator(number: int) -> str:
    return new_id("0r8", number)


def page_size(query_options: str | None) -> int:
    """The page size that a Sforce-Query-Options header asks for, held within 200 and 2,000."""
    name, _, value = (query_options or "").partition("=")
    if name.strip().lower() != "batchsize" or not value.strip().isdigit():
        return MAX_PAGE
    return min(max(int(value), MIN_PAGE), MAX_PAGE)
