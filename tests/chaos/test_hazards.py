"""A run whose hazards nothing met is wrong, guarded or not."""

from pathlib import Path

import pytest

from chaos.checker import Findings
from chaos.hazards import Hazard, hazard_of_fault, hazard_of_traps, unmet
from chaos.proxy import Trap
from chaos.run import Outcome
from chaos.scenarios import SCENARIOS

CERTAIN_MISSED = Hazard("a certain one", is_certain=True, met=0)
CERTAIN_MET = Hazard("a certain one", is_certain=True, met=1)
CHANCE_MISSED = Hazard("one by chance", is_certain=False, met=0)
CHANCE_MET = Hazard("another by chance", is_certain=False, met=2)


def _fault(probability: float, fired: int) -> dict[str, object]:
    match = {"method": None, "body": r"org0\.example", "is_write": False}
    return {"kind": "latency", "match": match, "probability": probability, "fired": fired}


def _outcome(guard: str | None, *, lost: int, missed: list[str]) -> Outcome:
    findings = Findings(lost=["a person"] * lost)
    return Outcome(
        SCENARIOS[0], 1, guard, findings, kills=0, seconds=1.0, history=Path("history"), unmet=missed
    )


def test_a_certain_hazard_that_nothing_met_is_named() -> None:
    assert unmet([CERTAIN_MET, CERTAIN_MISSED, CHANCE_MET]) == ["nothing met this: a certain one"]


def test_one_left_to_chance_may_be_missed_where_another_was_met() -> None:
    assert unmet([CHANCE_MISSED, CHANCE_MET]) == []
    assert unmet([CERTAIN_MET, CHANCE_MISSED]) == []


def test_where_all_are_left_to_chance_one_must_be_met() -> None:
    assert unmet([CHANCE_MISSED]) == ["nothing met this: one by chance"]


def test_without_hazards_nothing_is_missed() -> None:
    assert unmet([]) == []


def test_a_fault_of_the_simulator_is_certain_or_not_and_says_whom_it_meets() -> None:
    assert hazard_of_fault(_fault(1.0, fired=0)) == Hazard(
        r"latency {'body': 'org0\\.example', 'is_write': False}", is_certain=True, met=0
    )
    assert hazard_of_fault(_fault(0.2, fired=3)).is_certain is False


def test_a_trap_on_several_proxies_is_met_where_one_sprang() -> None:
    traps = [Trap("COMMIT", does="hold"), Trap("COMMIT", does="hold")]
    assert unmet([hazard_of_traps(traps)]) == ["nothing met this: hold COMMIT"]
    traps[1].fired.set()
    assert unmet([hazard_of_traps(traps)]) == []


@pytest.mark.parametrize(("guard", "lost"), [(None, 0), ("fence", 1)], ids=["guarded", "control"])
def test_a_run_is_wrong_when_nothing_met_its_hazards(guard: str | None, lost: int) -> None:
    assert _outcome(guard, lost=lost, missed=[]).is_right
    assert not _outcome(guard, lost=lost, missed=["nothing met this: a certain one"]).is_right
