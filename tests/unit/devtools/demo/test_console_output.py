"""What a person and a script read at the end."""

import io

from rich.console import Console

from devtools.demo.compare import Verdict
from devtools.demo.console_output import draining, print_table, what_happened, where_to_look
from devtools.demo.scenario import REGISTRANTS
from devtools.demo.smoke import NotAsExpected, Outcome

COUNTS = {"synced": 59, "failed": 0, "skipped": 1, "attended": 25, "pending": 0, "total": 60}


def row(registration_id: str, **changes: object) -> dict[str, object]:
    return {
        "registration_id": registration_id,
        "state": "synced",
        "skipped_because": None,
        "error": None,
        "person": {"object": "Lead", "found_by": "created"},
        "activities": [{"kind": "registered"}],
        "member": {"status": "Registered"},
    } | changes


def printed(rows: list[dict[str, object]]) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(what_happened(REGISTRANTS, rows))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_special_cases_have_a_line_each_and_the_crowd_has_one() -> None:
    rows = {one.registration_id: row(one.registration_id) for one in REGISTRANTS}
    rows["reg_0014"] = row(
        "reg_0014", state="skipped", skipped_because="no_email", person=None, member=None, activities=[]
    )
    rows["reg_0020"] = row("reg_0020", state="failed", error={"message": "Phone must start with +"})
    text = printed(list(rows.values()))
    assert "skipped: no_email" in text
    assert "failed: Phone must start with +" in text
    assert "a backslash in a name" in text
    assert "40 people with nothing special" in text


def test_somebody_of_the_crowd_who_failed_has_an_own_line() -> None:
    rows = [row(one.registration_id) for one in REGISTRANTS]
    rows[-1] = row("reg_0060", state="failed", error={"message": "no room in the burrow"})
    assert "no room in the burrow" in printed(rows)


def test_the_table_is_printed_wide_even_into_a_pipe(capsys: object) -> None:
    print_table(what_happened((), ()))


def test_the_bar_follows_the_stats() -> None:
    with draining(60) as show:
        show({"counts": {"total": 60, "pending": 20}})


def test_a_person_is_told_where_to_look() -> None:
    text = "\n".join(where_to_look("http://127.0.0.1:8000", "http://127.0.0.1:8100"))
    assert "http://127.0.0.1:8100/" in text
    assert "http://127.0.0.1:8000/v1/hosts/host_acme/events/evt_summit/salesforce/stats" in text


def test_the_last_line_of_a_smoke_run_is_for_scripts() -> None:
    outcome = Outcome({"counts": COUNTS}, Verdict(), api_calls=12, seconds=17.4)
    assert outcome.line == (
        "smoke: synced=59 failed=0 skipped=1 attended=25 pending=0 duplicates=0 "
        "api_calls_per_attendee=0.20 seconds=17"
    )


def test_a_run_that_went_wrong_tells_each_fault_and_ends_with_the_line() -> None:
    outcome = Outcome({"counts": COUNTS}, Verdict(faults=["an otter is missing"]), api_calls=12, seconds=17)
    *_, fault, line = str(NotAsExpected(outcome)).splitlines()
    assert fault == "  wrong: an otter is missing"
    assert line == outcome.line
