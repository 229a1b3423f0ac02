"""Which calls of a batch may be out at the same time."""

import pytest

from app.salesforce.composite import Record
from app.sync.execution.packing import Call, sent_together
from app.sync.model.batch import SlotKey
from app.sync.model.row_caps import Caps
from app.sync.model.work_item import WriteOperation


def collection(sobject: str, number: int = 1, *, id_: str | None = None) -> list[WriteOperation]:
    return [WriteOperation(SlotKey(sobject, str(number)), (), Record(sobject, {}, id_))]


MEMBERS, TASKS = [collection("CampaignMember")], [collection("Task", 1), collection("Task", 2)]
MIXED = [collection("CampaignMember"), collection("Task")]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        pytest.param([MEMBERS, TASKS], [2], id="Tasks beside members"),
        pytest.param([MIXED, TASKS], [2], id="the rest of the Tasks"),
        pytest.param([TASKS, TASKS, TASKS], [2, 1], id="two at most"),
        pytest.param([MEMBERS, MEMBERS, TASKS], [1, 2], id="members one after the other"),
        pytest.param([TASKS, MIXED], [1, 1], id="members come first"),
        pytest.param([[collection("Lead")], TASKS], [1, 1], id="people alone"),
        pytest.param([TASKS, [collection("Task", id_="00T1")]], [1, 1], id="changes alone"),
        pytest.param([MEMBERS, [collection("Event")]], [1, 1], id="Events lock their person"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_tasks_go_beside_members_and_nothing_else_does(calls: list[Call], expected: list[int]) -> None:
    found = list(sent_together(calls, Caps()))
    assert [len(each) for each in found] == expected
    assert sum(len(call) for each in found for call in each) == sum(map(len, calls))


def test_the_second_call_is_sent_from_its_end() -> None:
    [[first, second]] = sent_together([TASKS, TASKS], Caps())
    assert (first, second) == (TASKS, TASKS[::-1])


def test_an_org_where_a_record_was_locked_gets_one_call_at_a_time() -> None:
    assert list(sent_together([MEMBERS, TASKS], Caps(has_met_locks=True))) == [[MEMBERS], [TASKS]]
