"""Counting a backfill, without a database."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaigns.backfill import BackfillProgress, backfill_progress, estimated_end
from app.states import JobState
from app.sync.jobs.unwritten import api_calls_for
from tests.factories import NOW

COUNTS = st.integers(0, 50)


@pytest.mark.parametrize(
    ("registrations", "calls"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(1, 5, id="one"),
        pytest.param(1000, 5, id="a-batch"),
        pytest.param(1001, 10, id="one-more"),
        pytest.param(10_000, 50, id="ten-thousand"),
    ],
)
def test_api_calls_are_estimated_by_batches(registrations: int, calls: int) -> None:
    assert api_calls_for(registrations) == calls


@pytest.mark.parametrize(
    ("unarmed", "states", "tally"),
    [
        pytest.param(10, {}, BackfillProgress(0, 0, 0, 10), id="nothing-queued"),
        pytest.param(0, {}, BackfillProgress(10, 0, 0, 0), id="all-taken-over-by-live-work"),
        pytest.param(
            4, {"pending": 2, "failed": 1, "skipped": 1}, BackfillProgress(2, 1, 1, 6), id="on-the-way"
        ),
        pytest.param(
            0,
            {"running": 1, "ambiguous": 2, "held": 3, "synced": 4},
            BackfillProgress(4, 0, 0, 6),
            id="moving",
        ),
        pytest.param(0, {"failed": 30}, BackfillProgress(0, 10, 0, 0), id="more-jobs-than-total"),
    ],
)
def test_tally_is(unarmed: int, states: dict[str, int], tally: BackfillProgress) -> None:
    assert backfill_progress(10, unarmed, states) == tally


@given(COUNTS, COUNTS, st.dictionaries(st.sampled_from(JobState), COUNTS))
def test_tally_always_adds_up_to_the_total(total: int, unarmed: int, states: dict[str, int]) -> None:
    tally = backfill_progress(total, unarmed, states)
    parts = (tally.done, tally.failed, tally.skipped, tally.to_go)
    assert sum(parts) == total
    assert min(parts) >= 0


def test_end_is_estimated_from_the_pace_so_far() -> None:
    tally = BackfillProgress(done=20, failed=3, skipped=2, to_go=75)
    later = NOW + timedelta(seconds=10)
    assert estimated_end(NOW, later, tally=tally) == later + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("tally", "elapsed"),
    [
        pytest.param(BackfillProgress(0, 0, 0, 5), 10, id="nothing-settled"),
        pytest.param(BackfillProgress(5, 0, 0, 5), 0, id="no-time-passed"),
    ],
)
def test_no_end_is_guessed_without_a_pace(tally: BackfillProgress, elapsed: int) -> None:
    assert estimated_end(NOW, NOW + timedelta(seconds=elapsed), tally=tally) is None
