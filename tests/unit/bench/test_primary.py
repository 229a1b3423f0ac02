"""What is told of one Postgres primary follows from the figures, and has its place on the page."""

from typing import Any

from bench import primary, queueing

EACH = dict.fromkeys(primary.ROWS, 1.0)
PART: dict[str, Any] = {
    "measured_at": "2026-11-30T07:00:00+00:00",
    "load_average": 0.5,
    "figures": {
        "lone": {"registrations": 100, "each": EACH | {"cpu_ms": 5.0, "wal_bytes": 2.0**20}},
        "group": {"registrations": 3_000, "each": EACH | {"cpu_ms": 0.5}},
        "backfill": {"registrations": 5_000, "each": EACH},
        "vacuum": {"cpu_ms": 0.05, "wal_bytes": 0.5, "pages": 0.7},
    },
}


def test_what_a_core_and_a_link_carry_follows_from_one_registration() -> None:
    told = primary.text(PART)
    assert "200 lone registrations per second" in told
    assert "2,000 that come together" in told
    assert "2300 MiB/s at that peak" in told
    assert "10% and 50% of what" in told


def test_the_page_has_a_place_for_it() -> None:
    page = primary.PAGE.read_text()
    for begin, end in ((primary.BEGIN, primary.END), (queueing.BEGIN, queueing.END)):
        assert page.count(begin) == page.count(end) == 1
