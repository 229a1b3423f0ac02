"""Rate limits: per minute and at once, for one user, one host and all together."""

import re
from pathlib import Path

import pytest

from app.api.edge.rate_limits import ALLOWANCES, BUCKETS_MAX, Buckets

PATHS = {
    "export": "GET /events/e/salesforce/registrations.csv",
    "links": "GET /events/e/salesforce/links.csv",
    "rows": "GET /events/e/salesforce/registrations",
    "stats": "GET /events/e/salesforce/stats",
    "search": "GET /events/e/salesforce/campaigns",
    "preview": "GET /events/e/salesforce/registrations/r/preview",
    "attempt": "POST /salesforce/connect",
    "own_user": "POST /salesforce/me/connect",
    "preflight": "POST /salesforce/preflight",
    "change": "PUT /events/e/salesforce/mapping",
}
OTHERS = [
    "GET /salesforce/preflight",
    "GET /salesforce/connect/a1",
    "GET /events/e/salesforce/registrations/r",
    "GET /events/e/salesforce/links",
]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def kinds_of(request: str) -> list[str]:
    fitting = [each.kind for each in ALLOWANCES if each.requests.fullmatch(request)]
    return fitting if fitting == ["change"] else [kind for kind in fitting if kind != "change"]


@pytest.mark.parametrize(("kind", "request_line"), PATHS.items())
def test_each_costly_request_has_one_allowance(kind: str, request_line: str) -> None:
    assert kinds_of(request_line) == [kind]


@pytest.mark.parametrize(
    ("kind", "request_line"),
    [
        ("stats", "GET /events/e/salesforce/check-ins"),
        ("preview", "GET /salesforce/mapping/registrants"),
        ("preview", "GET /events/e/salesforce/mapping/registrants"),
        ("preview", "POST /salesforce/diagnosis"),
    ],
)
def test_what_reads_as_much_shares_the_allowance(kind: str, request_line: str) -> None:
    assert kinds_of(request_line) == [kind]


@pytest.mark.parametrize("request_line", OTHERS)
def test_cheap_requests_have_none(request_line: str) -> None:
    assert kinds_of(request_line) == []


def test_a_bucket_empties_and_fills_over_a_minute() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    for _ in range(6):
        assert buckets.seconds_until(("a",), 6) == 0
        buckets.take(("a",), 6)
    assert buckets.seconds_until(("a",), 6) == pytest.approx(10)
    assert buckets.seconds_until(("b",), 6) == 0
    clock.now += 10
    assert buckets.seconds_until(("a",), 6) == 0
    buckets.take(("a",), 6)
    clock.now += 3600
    for _ in range(6):
        buckets.take(("a",), 6)
    assert buckets.seconds_until(("a",), 6) > 0


def test_buckets_are_bounded_in_number() -> None:
    buckets = Buckets(Clock())
    for number in range(BUCKETS_MAX + 10):
        buckets.take((str(number),), 6)
    assert len(buckets._left) == BUCKETS_MAX


def test_guide_has_the_figures() -> None:
    guide = (Path(__file__).parents[4] / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", guide, re.M)
    assert [(kind, *map(int, figures)) for kind, *figures in rows] == [
        (each.kind, each.of_user, each.of_host, each.at_once, each.in_all) for each in ALLOWANCES
    ]
