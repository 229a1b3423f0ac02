"""Several registrations of one person update a record as if each had come by itself, the oldest first."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.sync.field_values.builder import digest
from app.sync.model.work_item import WorkItem
from app.sync.planning.merge_registrations import (
    MergedUpdate,
    by_registration_time,
    merge_updates,
    primary_item,
    values_for_next,
)
from app.sync.planning.record_builder import OrgContext
from tests.unit.sync.builders import described, field, rules
from tests.unit.sync.planning.builders import EMAIL, LONG_AGO, error_codes, facts, item, unchanged

DIET = field("Diet__c", "picklist", picklist_values=("vegan", "fish"), is_restricted_picklist=True)
ORG = OrgContext({"Contact": described(DIET, name="Contact")})
RULES = rules(
    {"object": "Contact", "field": "Title", "from": "attendee.job_title", "mode": "overwrite"},
    {"object": "Contact", "field": "Phone", "from": "attendee.phone", "mode": "overwrite"},
    {"object": "Contact", "field": "Diet__c", "from": "answers.diet", "mode": "overwrite"},
    update_existing=True,
)
CURRENT: Mapping[str, Any] = {"Email": EMAIL, "Title": None, "Phone": None, "Diet__c": None}


def ticket(number: int, *, diet: str | None = None, **attendee: Any) -> WorkItem:
    """Registered in the order of the numbers."""
    when = facts(registered_at=LONG_AGO + timedelta(minutes=number))
    answers = {"diet": diet} if diet else {}
    return item(f"reg_{number}", facts=when, rules=RULES, answers=answers, attendee=attendee)


def merged(
    *items: WorkItem,
    current: Mapping[str, Any] = CURRENT,
    previous: Mapping[str, Mapping[str, str]] | None = None,
    org: OrgContext = ORG,
) -> MergedUpdate:
    return unchanged(
        merge_updates,
        *items,
        sobject="Contact",
        items=items,
        org=org,
        current=current,
        previous_digests=lambda each: (previous or {}).get(each.job.registration_id, {}),
        without=frozenset(),
    )


def ids(items: tuple[WorkItem, ...]) -> list[str]:
    return [each.job.registration_id for each in items]


def test_order_is_the_one_of_registering_and_then_of_the_ids() -> None:
    same = [item(name, facts=facts(registered_at=LONG_AGO)) for name in ("reg_b", "reg_a")]
    older = item("reg_z", facts=facts(registered_at=LONG_AGO - timedelta(hours=1)))
    assert ids(tuple(by_registration_time([*same, older]))) == ["reg_z", "reg_a", "reg_b"]
    assert primary_item([*same, older]) is older


@pytest.mark.parametrize(
    ("items", "fields", "contributors"),
    [
        pytest.param([ticket(1, job_title="CTO")], {"Title": "CTO"}, ["reg_1"], id="one"),
        pytest.param(
            [ticket(1, job_title="CTO"), ticket(2, phone="030 1")],
            {"Title": "CTO", "Phone": "030 1"},
            ["reg_1", "reg_2"],
            id="each its own field",
        ),
        pytest.param(
            [ticket(2, job_title="CEO"), ticket(1, job_title="CTO")],
            {"Title": "CEO"},
            ["reg_1", "reg_2"],
            id="the later one of two values",
        ),
        pytest.param(
            [ticket(1, job_title="CTO"), ticket(2, job_title="CTO")],
            {"Title": "CTO"},
            ["reg_1", "reg_2"],
            id="the same value: both have it written",
        ),
        pytest.param([ticket(1), ticket(2, phone="030 1")], {"Phone": "030 1"}, ["reg_2"], id="one of two"),
        pytest.param([ticket(1), ticket(2)], {}, [], id="nothing to change"),
    ],
)
def test_registrations_are_merged(
    items: list[WorkItem], fields: dict[str, Any], contributors: list[str]
) -> None:
    update = merged(*items)
    assert (update.fields, ids(update.contributors)) == (fields, contributors)
    assert sorted(ids(update.items)) == sorted(each.job.registration_id for each in items)


def test_value_that_ends_as_it_is_now_is_not_sent() -> None:
    current = {**CURRENT, "Title": "CTO"}
    update = merged(ticket(1, job_title="CEO"), ticket(2, job_title="CTO"), current=current)
    assert update.fields == {}
    assert ids(update.contributors) == ["reg_1", "reg_2"]


def test_value_that_a_registration_wrote_before_does_not_overwrite_a_correction() -> None:
    written = {"Title": digest("CTO"), "Phone": digest(None), "Diet__c": digest(None)}
    current = {**CURRENT, "Title": "corrected by hand"}
    update = merged(ticket(1, job_title="CTO"), current=current, previous={"reg_1": written})
    assert (update.fields, update.contributors) == ({}, ())
    assert update.digests["reg_1"]["Title"] == digest("CTO")


def test_registration_that_wrote_it_before_does_not_contribute_to_anothers_change() -> None:
    written = {"Title": digest("CTO"), "Phone": digest(None), "Diet__c": digest(None)}
    update = merged(ticket(1, job_title="CEO"), ticket(2, job_title="CTO"), previous={"reg_2": written})
    assert (update.fields, ids(update.contributors)) == ({"Title": "CEO"}, ["reg_1"])


def test_registration_that_does_not_fit_fails_alone() -> None:
    update = merged(ticket(1, diet="stones"), ticket(2, job_title="CTO"))
    assert (update.fields, ids(update.items)) == ({"Title": "CTO"}, ["reg_2"])
    assert error_codes(update.decisions) == {"reg_1": "VALUE_NOT_IN_PICKLIST"}


def test_object_that_the_user_may_not_see_changes_nothing() -> None:
    update = merged(ticket(1, job_title="CTO"), org=OrgContext({}), previous={"reg_1": {"Title": "x"}})
    assert (update.fields, update.contributors, ids(update.items)) == ({}, (), ["reg_1"])
    assert update.digests == {"reg_1": {"Title": "x"}}


def test_warnings_belong_to_the_registration_that_they_are_about() -> None:
    update = merged(ticket(1), ticket(2, job_title="x" * 200))
    warned = {each.item.job.registration_id: each.warnings for each in update.decisions}
    assert [each.field for each in warned["reg_2"]] == ["Title"]
    assert "reg_1" not in warned


def test_next_registration_sees_every_change_but_the_e_mail() -> None:
    """Whose record it is shows by the address in Salesforce, not by one that another ticket brings."""
    before = {"Email": EMAIL, "Title": None}
    after = values_for_next(before, {"Email": "other@river.example", "Title": "CTO"}, "Email")
    assert after == {"Email": EMAIL, "Title": "CTO"}
    assert before == {"Email": EMAIL, "Title": None}


def test_ticket_of_the_old_address_still_counts_after_one_that_changes_it() -> None:
    moved = ticket(1, email="new@river.example", email_key="new@river.example")
    stayed = ticket(2, job_title="CTO")
    update = merged(moved, stayed, previous={"reg_1": {"Email": digest(EMAIL)}})
    assert update.fields == {"Email": "new@river.example", "Title": "CTO"}
