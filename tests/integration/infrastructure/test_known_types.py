"""What the driver is told of types is what Postgres would have said."""

import asyncpg

from app.infrastructure.known_types import KNOWN, answer_for


async def test_known_types_are_as_postgres_has_them(migrated: str) -> None:
    connection = await asyncpg.connect(migrated.replace("+asyncpg", ""))
    for each in KNOWN:
        found, _ = await connection._introspect_types({each}, 10.0)
        answer = answer_for([each])
        assert answer is not None
        assert [dict(row) for row in answer[0]] == [dict(row) for row in found]
    await connection.close()


def test_what_is_not_known_has_to_be_asked_for() -> None:
    assert answer_for([*KNOWN, 1001]) is None
