"""Which ids a line names: few, and the same few in every line that could name them."""

from app.infrastructure.work_reports import NAMED_MAX, some_of

IDS = [f"reg_{number}" for number in range(1000)]


def test_few_are_named_and_the_same_in_any_order() -> None:
    assert len(some_of(IDS)) == NAMED_MAX
    assert some_of(IDS) == some_of(reversed(IDS))
    assert some_of(IDS[:3]) == some_of(IDS[2::-1])
    assert set(some_of(IDS[:3])) == set(IDS[:3])


def test_who_is_named_among_many_is_named_among_fewer() -> None:
    named = some_of(IDS)
    for start in range(0, 1000, 100):
        group = IDS[start : start + 100]
        assert {each for each in named if each in group} <= set(some_of(group))
