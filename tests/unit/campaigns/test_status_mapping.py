"""The table of labels, row by row, and the fall-backs behind it."""

import pytest

from app.campaigns.status_mapping import LABELS, MemberStatus, choosable, meaning_of_label, propose_statuses
from app.states import StatusMeaning

MEANT = {
    "registered": (
        "Registered|REGISTERED|Pre-registered|Registrant|Signed up|Enrolled|Confirmed|RSVP|RSVP Yes|"
        "Registered for replay|Inscrit|Inscrite|Inscrit(e)|Inscrit·e|Inscrits|Enregistré|"
        "Angemeldet|Angemeldete|Registriert|Zugesagt|Für Aufzeichnung angemeldet|"
        "Registrado|Registrada|Inscrito|Inscritas|Apuntado"
    ),
    "attended": (
        "Attended|attended |Attendee|Checked-in|Checked In|Showed up|Participated|Present|"
        "Registered & Attended|"
        "Présent|Présente|A participé|Participant(e)|A assisté|Venu|"
        "Teilgenommen|Anwesend|Erschienen|Teilnehmer*in|Eingecheckt|"
        "Asistió|Asistente|Asistido|Participó|Acudió"
    ),
    "no_show": (
        "No Show|No-show|No-Shows|Noshow|Did Not Attend|Didn't attend|Not Attended|Non-attendee|Not present|"
        "Absent|Absente|Non présent|N'a pas participé|Ne s'est pas présenté|Pas venu|"
        "Nicht erschienen|Nicht teilgenommen|Abwesend|Ferngeblieben|"
        "No asistió|No se presentó|Ausente|No participó|No presentado"
    ),
    "cancelled": (
        "Cancelled|Canceled|Cancellation|Registered - Cancelled|Withdrawn|Withdrew|Unregistered|"
        "De-registered|"
        "Annulé|Annulée|Annulation|Désinscrit|Désisté|"
        "Storniert|Abgesagt|Abgemeldet|Absage|Zurückgetreten|"
        "Cancelado|Cancelada|Cancelación|Anulado"
    ),
    "replay_watched": (
        "Watched replay|Replay|On-demand|Attended On-demand|Viewed recording|"
        "A vu la rediffusion|Vu en différé|"
        "Aufzeichnung angesehen|"
        "Vio la grabación|Visto en diferido"
    ),
    None: (
        "Sent|Responded|Invited|Waitlisted|Declined|Not registered|Non inscrit|Nicht angemeldet|"
        "No registrado|"
        "RSVP No|Did not watch replay|Recommended|Représentant||🦦"
    ),
}


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        pytest.param(label, meaning, id=f"{meaning}-{label}")
        for meaning, labels in MEANT.items()
        for label in labels.split("|")
    ],
)
def test_label_means(label: str, meaning: str | None) -> None:
    assert meaning_of_label(label) == meaning


def test_every_row_of_the_table_is_reached_by_some_label() -> None:
    labels = [label for labels in MEANT.values() for label in labels.split("|")]
    reached = {meaning_of_label(label) for label in labels} - {None}
    assert reached == set(StatusMeaning)
    assert {(row.meaning, row.language) for row in LABELS} == {
        (meaning, language) for meaning in StatusMeaning for language in ("en", "fr", "de", "es")
    }


def status(label: str, *, order: int = 1, default: bool = False, responded: bool = False) -> MemberStatus:
    return MemberStatus(label, is_default=default, has_responded=responded, sort_order=order)


SENT = status("Sent", order=1, default=True)
RESPONDED = status("Responded", order=2, responded=True)


def guesses(*statuses: MemberStatus) -> dict[str, tuple[str | None, str]]:
    return {meaning: (guess.label, guess.because) for meaning, guess in propose_statuses(statuses).items()}


def test_labels_win_over_the_universal_pair() -> None:
    found = guesses(SENT, RESPONDED, status("Attended", order=4), status("Registered", order=3))
    assert found["registered"] == ("Registered", "label")
    assert found["attended"] == ("Attended", "label")


def test_universal_pair_is_taken_where_no_label_matches() -> None:
    assert guesses(RESPONDED, SENT) == {
        "registered": ("Sent", "universal"),
        "attended": ("Responded", "universal"),
        "cancelled": (None, "none"),
        "no_show": (None, "none"),
        "replay_watched": (None, "none"),
    }


def test_default_and_first_responded_are_taken_last() -> None:
    found = guesses(
        status("Gold", order=9, responded=True),
        status("Silver", order=3, responded=True),
        status("Bronze", order=5, default=True),
    )
    assert found["registered"] == ("Bronze", "default")
    assert found["attended"] == ("Silver", "default")


def test_both_are_proposed_even_without_a_default_or_a_response() -> None:
    found = guesses(status("Later", order=2), status("First", order=1))
    assert (found["registered"], found["attended"]) == (("First", "default"), ("First", "default"))


def test_whole_label_wins_over_one_that_contains_it() -> None:
    found = guesses(status("Registered (VIP)", order=1), status("Registered", order=2))
    assert found["registered"] == ("Registered", "label")


def test_earlier_words_of_the_table_win_over_looser_ones() -> None:
    assert (
        guesses(status("Confirmed", order=1), status("Registered", order=2))["registered"][0] == "Registered"
    )


def test_picklist_order_decides_between_equals() -> None:
    found = guesses(status("Attended day 2", order=7), status("Attended day 1", order=4))
    assert found["attended"] == ("Attended day 1", "label")


def test_negated_label_is_never_the_attended_one() -> None:
    found = guesses(status("Did not attend", order=1), SENT, RESPONDED)
    assert found["attended"] == ("Responded", "universal")
    assert found["no_show"] == ("Did not attend", "label")


def test_a_label_that_a_members_status_cannot_hold_is_no_choice() -> None:
    longest, longer, wide = status("x" * 40), status("x" * 41), status("🦦" * 21)
    assert choosable([longer, longest, wide, SENT]) == (longest, SENT)
