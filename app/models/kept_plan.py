"""Texts that Postgres plans once for each connection: how their rows are found stands in the text itself.

To plan a statement that takes a few rows by their keys takes several times as long as to carry it out. A
plan that is kept is made whatever the tables hold at that moment, often nothing: so it must not depend on
statistics. See docs/decisions/0031-plans-are-kept-where-the-text-fixes-them.md.
"""

from sqlalchemy import TextClause


class KeptPlan(TextClause):
    """A text whose plan is kept, where its transaction keeps plans."""

    inherit_cache = True


def kept_plan(sql: str) -> KeptPlan:
    """As `text()`. Every scan of a growing table goes by the index that was meant, or a test fails."""
    return KeptPlan(sql)


def found_by(
    column: str,
    value: str,
    *,
    table: str,
    beside: str = "host_id = :host_id",
    columns: str = "*",
    is_key: bool = False,
) -> str:
    """A subquery for the rows of `table` with this value, by the index that has `column` behind the columns
    which `beside` compares; to be used laterally where it names another table.

    OFFSET 0 keeps it from becoming a join. A range of one value leaves it an order, as an equality would not;
    where sorts are discouraged only that index has this order, whatever the planner thinks of the others.
    Of a range it expects a 200th of the table: where `is_key` says so, one row at most.
    """
    only = "LIMIT 1" if is_key else "OFFSET 0"
    return f"""(
        SELECT {columns} FROM {table} WHERE {beside} AND {column} BETWEEN {value} AND {value}
        ORDER BY {column} {only}
    )"""  # noqa: S608 -- put together from constants


def expecting_one(text_column: str) -> str:
    """True of every text in this column of a list; Postgres takes it for true of a 200th, and expects one.

    Rows that were locked are met again by place. Where Postgres expected ten, and few rows of a host, it
    walked all rows of the host instead, and compared each with the list.
    """
    return f"{text_column} = {text_column} || ''"
