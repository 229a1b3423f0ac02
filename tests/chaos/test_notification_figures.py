"""The checker of `chaos.notifications` counts what is missing, doubled, invented or without its number."""

from typing import Any

import pytest

from chaos.notification_figures import Figures


def payload(fact: str, sequence: int, host_id: str = "host_a") -> dict[str, Any]:
    return {"data": {"host": {"id": host_id}, "sequence": sequence, "backfill_id": fact}}


ALL = [payload("b1", 1), payload("b2", 2), payload("b3", 1, "host_b")]


def test_one_for_each_fact_with_its_number_is_good() -> None:
    found = Figures.of(["b1", "b2", "b3"], ALL)
    found.kills = 1
    assert (found.facts, found.received, found.is_good, found.has_damage) == (3, 3, True, False)


@pytest.mark.parametrize(
    ("facts", "payloads", "damage"),
    [
        (["b1", "b2", "b3"], ALL[1:], {"missing": 1, "gaps": 1}),
        (["b1", "b2", "b3"], ALL[:2], {"missing": 1}),
        (["b1", "b3"], ALL, {"invented": 1}),
        (["b1", "b2", "b3"], [*ALL, payload("b2", 3)], {"doubled": 1}),
        (["b1", "b2"], [payload("b1", 1), payload("b2", 1)], {"gaps": 1}),
        (["b1", "b2"], [payload("b1", 1), payload("b2", 3)], {"gaps": 1}),
    ],
    ids=["first lost", "last lost", "rolled back", "two for one", "same number", "gap"],
)
def test_each_damage_is_seen(facts: list[str], payloads: list[Any], damage: dict[str, int]) -> None:
    found = Figures.of(facts, payloads)
    found.kills = 1
    names = ("missing", "invented", "doubled", "gaps")
    assert {name: getattr(found, name) for name in names if getattr(found, name)} == damage
    assert (found.has_damage, found.is_good) == (True, False)


def test_a_run_that_tried_nothing_proves_nothing() -> None:
    assert not Figures.of([], []).is_good
    assert not Figures.of(["b1"], [payload("b1", 1)]).is_good
