"""Salesforce API calls per attendee in an org with all that a client can survive."""

from typing import Any

from bench.calls import Case, everybody, measure_case, nobody
from bench.rig import Rig
from bench.sizes import Size
from bench.stage import lead

HEAP = 40
"""Fewer than the fifty rows that triggers take there."""
CROWD = 200
"""More of them: what does not pass is halved until it does, and the size is kept for the org."""


def cases() -> list[Case]:
    return [
        Case("lone_new", 1, _difficult_nobody, is_live=True),
        Case("lone_known", 1, _difficult_everybody, is_live=True),
        Case("lone_alerted", 1, _difficult_colleague, is_live=True),
        Case("burst_40", HEAP, _difficult_nobody, is_live=True),
        Case("burst_200", CROWD, _difficult_nobody, is_live=True),
    ]


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Calls per attendee of each case: ours and the script's, against the same org."""
    return {case.name: await measure_case(rig, case) for case in cases()}


def _difficult_nobody(org: Any, count: int) -> None:
    org.configure(preset="difficult", latency_ms=0, query_latency_ms=0)
    nobody(org, count)


def _difficult_everybody(org: Any, count: int) -> None:
    _difficult_nobody(org, count)
    everybody(org, count)


def _difficult_colleague(org: Any, count: int) -> None:
    """Somebody else of the same company, whom a rule in Alert mode names."""
    _difficult_nobody(org, count)
    rule = {"sobject": "Lead", "action": "alert", "fields": ["Company"], "against": ["Lead"]}
    org.configure(duplicate_rules=[rule])
    org.insert("Lead", [lead(1, FirstName="Zoe", LastName="Colleague", Email="zoe@bench.example")])
