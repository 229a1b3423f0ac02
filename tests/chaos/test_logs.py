"""Logs from a mark on: what is counted when a run looks how much was said."""

from pathlib import Path

from chaos.logs import Mark, repeated


def test_what_was_written_before_the_mark_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert Mark.at_end(log).offset == 0
    log.write_text('{"event": "otter"}\n')
    mark = Mark.at_end(log)
    with log.open("a") as more:
        more.write('{"event": "turn_failed", "loop": "sweeper"}\nTraceback\n')
    assert mark.said() == [{"event": "turn_failed", "loop": "sweeper"}, {"event": "Traceback"}]


def test_each_event_of_a_loop_may_come_once() -> None:
    events = [{"event": "turn_failed", "loop": loop} for loop in ("sweeper", "chores", "sweeper")]
    assert repeated([*events, {"event": "otter"}]) == {"turn_failed sweeper": 2}
    causes = [{"event": "drain_cut", "cause": cause} for cause in ("reset", "starting up", "reset")]
    assert repeated(causes) == {"drain_cut reset": 2}
    answered = [{"event": "requests", "logger": "app.api.request_log", "status": 503}] * 2
    assert repeated(answered) == {}
