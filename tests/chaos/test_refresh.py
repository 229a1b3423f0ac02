"""The crowd that meets an expired token, in small; `python -m chaos.refresh` is the large one."""

from chaos.refresh import Figures, Size, run


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
    assert not Figures().is_good
