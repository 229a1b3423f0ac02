"""Which attendees a host's exclusions cover."""

import pytest

from app.sync.model.exclusions import ExclusionRules

CHOSEN = ExclusionRules.of(
    {
        "exclusions": {
            "domains": ["otter.example"],
            "addresses": ["test@else.example"],
            "ticket_kinds": ["staff", "speaker"],
        }
    }
)


@pytest.mark.parametrize(
    ("email_key", "ticket_kind", "is_covered"),
    [
        pytest.param("mary@otter.example", None, True, id="domain"),
        pytest.param("mary@mail.otter.example", None, True, id="below the domain"),
        pytest.param("mary@seaotter.example", None, False, id="another domain with the same end"),
        pytest.param("otter.example", None, True, id="no address at all"),
        pytest.param("test@else.example", "attendee", True, id="address"),
        pytest.param("best@else.example", None, False, id="another address"),
        pytest.param("mary@else.example", "Staff", True, id="kind of ticket"),
        pytest.param(None, "speaker", True, id="kind of ticket without an address"),
        pytest.param(None, None, False, id="nothing known"),
    ],
)
def test_exclusions_cover(email_key: str | None, ticket_kind: str | None, is_covered: bool) -> None:
    assert CHOSEN.cover(email_key, ticket_kind) is is_covered


def test_invisible_characters_in_the_list_do_not_matter() -> None:
    chosen = {"domains": ["otter\u200b.example"], "addresses": ["\ufeffTest@else.example"]}
    exclusions = ExclusionRules.of({"exclusions": chosen})
    assert exclusions.cover("mary@otter.example", None)
    assert exclusions.cover("test@else.example", None)


def test_a_ticket_that_says_nothing_is_an_attendees() -> None:
    assert ExclusionRules(ticket_kinds=frozenset({"attendee"})).cover(None, None)


def test_nobody_is_excluded_unless_asked() -> None:
    assert not ExclusionRules.of({}).cover("mary@otter.example", "staff")
