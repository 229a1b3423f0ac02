"""The judge of statements: which of them one shard, or those of a group's hosts, can answer."""

import pytest

from tests import host_statements
from tests.host_statements import names_a_host


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT 1 FROM org_leases WHERE org_id = $1", True),
        ("SELECT 1 FROM sync_jobs WHERE host_id = $1", True),
        ("SELECT 1 FROM sync_jobs AS job WHERE job.host_id = ANY($1)", True),
        ("SELECT 1 FROM sync_jobs WHERE sync_jobs.host_id IN ($1, $2)", True),
        ("DELETE FROM sync_jobs WHERE (host_id, registration_id) IN (SELECT h, r FROM gone)", True),
        ("INSERT INTO sync_jobs AS job ( host_id, registration_id ) SELECT a, b FROM x", True),
        ("SELECT 1 FROM unnest($1::text[]) AS k JOIN hosts AS h ON h.host_id = k", True),
        ("SELECT 1 FROM sync_jobs WHERE org_id = $1", False),
        ("SELECT 1 FROM connections AS c JOIN hosts AS h USING (host_id) WHERE c.org_id = $1", False),
        ("SELECT 1 FROM sync_jobs AS j JOIN events AS e ON e.host_id = j.host_id", False),
        ("UPDATE registrations SET status = $1", False),
        ("INSERT INTO sync_jobs (registration_id) VALUES ($1)", False),
    ],
)
def test_a_statement_names_a_host(sql: str, found: bool) -> None:
    assert names_a_host(sql) is found


def test_only_what_is_not_known_for_it_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = {"SELECT 1 FROM sync_jobs WHERE org_id = $1"}
    senders = (
        "app.sync.jobs.otters:find",
        "app.operations.jobs:list",
        next(iter(host_statements.ACROSS_HOSTS)),
    )
    monkeypatch.setattr(host_statements, "heard", dict.fromkeys(senders, sql))
    assert host_statements.unexpected() == [
        "app.sync.jobs.otters:find: SELECT 1 FROM sync_jobs WHERE org_id = $1"
    ]
