"""The crowd that meets an expired token, in small; `python -m chaos.refresh` is the large one."""

import pytest

from chaos.refresh import run
from chaos.refresh_figures import Figures, Size


async def test_processes_that_meet_an_expired_token_refresh_it_once() -> None:
    figures = await run(Size(processes=2, tasks=20, rounds=3, kill_rounds=1, seed=7, seconds=120))
    assert (figures.rounds, figures.refreshes, figures.reuses, figures.dead_rounds) == (3, 3, 0, 0)
    assert figures.ended_otherwise == 0
    assert figures.ended_alive + figures.ended_needs_reconnect == figures.kill_rounds == 1
    assert figures.is_good


def test_a_second_refresh_a_reuse_or_a_loop_is_not_good() -> None:
    assert Figures(rounds=1, refreshes=1).is_good
    for fault in ("extra_refreshes", "reuses", "dead_rounds", "ended_otherwise"):
        assert not Figures(**{"rounds": 1, fault: 1}).is_good
    assert not Figures(rounds=1, most_requests_in_a_kill_round=4).is_good
    assert not Figures().is_good


@pytest.mark.parametrize(
    ("state", "is_settled", "counted"),
    [
        pytest.param("connected", True, "ended_alive", id="alive"),
        pytest.param("needs_reconnect", True, "ended_needs_reconnect", id="honest end"),
        pytest.param("connected", False, "ended_otherwise", id="still asking"),
        pytest.param("disconnected", True, "ended_otherwise", id="lost"),
    ],
)
def test_a_round_with_kills_ends_in_one_way(state: str, is_settled: bool, counted: str) -> None:
    figures = Figures(rounds=1)
    figures.count_kill_round(state=state, is_settled=is_settled, sent=2)
    ends = ("ended_alive", "ended_needs_reconnect", "ended_otherwise")
    assert {name: getattr(figures, name) for name in ends if getattr(figures, name)} == {counted: 1}
    assert figures.is_good is (counted != "ended_otherwise")


def test_a_round_without_a_refresh_is_as_wrong_as_one_with_two() -> None:
    for sent in (0, 2):
        figures = Figures()
        figures.count_round(sent=sent, reused=0, failed=0, is_alive=True)
        assert not figures.is_good
