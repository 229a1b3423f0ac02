"""Each alert has its fault in `make alarms`, and `make outage` quotes what runbooks really say."""

from collections import Counter

from app.metrics import ACKNOWLEDGED_TO_SYNCED
from chaos.alarms.acts import ACTS
from chaos.alarms.outage import SCENES, clock, steps
from chaos.alarms.prometheus import SCALE, SEVERITIES


def test_every_alert_is_rung_by_exactly_one_fault() -> None:
    rung = Counter(name for act in ACTS for name in (*act.rings, *act.later))
    assert rung == dict.fromkeys(SEVERITIES, 1)


def test_a_minute_of_the_objective_is_a_bucket_at_this_scale() -> None:
    assert 60 / SCALE in ACKNOWLEDGED_TO_SYNCED._upper_bounds


def test_the_story_quotes_what_the_runbooks_say_to_do() -> None:
    for runbook, step in steps():
        do = runbook.partition("## Do\n")[2].partition("## Whom to wake")[0]
        assert step in " ".join(do.split())


def test_the_story_rings_each_of_its_alerts_once() -> None:
    rings = [name for scene in SCENES for name in scene.rings]
    assert sorted(set(rings)) == sorted(rings)
    assert set(rings) <= set(SEVERITIES)


def test_the_clock_of_the_story_runs_faster() -> None:
    assert clock(2.5) == "  1:00"
    assert clock(50) == " 20:00"
