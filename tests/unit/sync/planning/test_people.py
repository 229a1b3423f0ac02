"""Who an attendee is in Salesforce, why nobody, and which people are created: one record per person."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.states import JobState, SkipReason
from app.sync.engine.job_outcome import decide_outcome
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.batch import MEMBER, PERSON, PERSON_UPDATE, REGISTERED, SlotKey, WriteToggles, WrittenSlot
from app.sync.model.batch_items import changed_item
from app.sync.model.decisions import Blocked, ItemDecision, Plan, RetryLater, Skip
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import FoundPerson, PersonRow
from app.sync.model.retry_policy import RETRY_DELAYS
from app.sync.model.work_item import WorkItem
from app.sync.planning.people import (
    PersonResolution,
    attach_person_contacts,
    by_person,
    create_people,
    resolve_person,
)
from app.sync.planning.record_builder import OrgContext
from tests.unit.sync.builders import described, field, rules
from tests.unit.sync.planning.builders import (
    ACCOUNT_ID,
    CAMPAIGN_ID,
    CLOCK,
    CONTACT_ID,
    EMAIL,
    JUST_NOW,
    LEAD_ID,
    LONG_AGO,
    batch,
    error_codes,
    facts,
    item,
    slot,
    unchanged,
    unfit,
)

KEY = SlotKey(PERSON)
PEPPER = b"otter"
OUR_LEAD = slot("written", sf_id=LEAD_ID, details={"is_created_by_us": True})
LEAD_ROW = PersonRow("Lead", LEAD_ID, EMAIL, "2020")
WRITTEN_MEMBER = {SlotKey(MEMBER, CAMPAIGN_ID): slot("written", "CampaignMember", sf_id="00v1")}


def resolved(row: WorkItem, people: PersonIndex) -> PersonResolution:
    return unchanged(resolve_person, row, item=row, people=people, clock=CLOCK)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(item(is_erased=True), SkipReason.ERASED, id="erased"),
        pytest.param(item(is_excluded=True), SkipReason.EXCLUDED, id="excluded"),
        pytest.param(item(is_enabled=False), SkipReason.SWITCHED_OFF, id="the event is switched off"),
        pytest.param(
            item(writes=WriteToggles(person=False)), SkipReason.NO_MATCH, id="the event creates nobody"
        ),
        pytest.param(item(facts=facts(confirmed_at=None)), SkipReason.NOTHING_WANTED, id="never confirmed"),
        pytest.param(item(facts=facts(status="cancelled")), SkipReason.CANCELLED, id="cancelled early"),
        pytest.param(item(attendee={"email": None, "email_key": None}), SkipReason.NO_EMAIL, id="no address"),
        pytest.param(item(rules=rules(create="nobody")), SkipReason.NO_MATCH, id="the host creates nobody"),
    ],
)
def test_item_is_skipped(row: WorkItem, reason: SkipReason) -> None:
    assert resolved(row, PersonIndex()) == PersonResolution((ItemDecision(row, Skip(reason)),))


def test_item_is_skipped_where_the_host_wants_no_kind_of_write() -> None:
    row = item(writes=WriteToggles(person=False, task=False, member=False))
    assert resolved(row, PersonIndex()).decisions == (ItemDecision(row, Skip(SkipReason.NOTHING_WANTED)),)


@pytest.mark.parametrize("state", ["written", "ambiguous"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"facts": facts(status="cancelled")}, SkipReason.CANCELLED, id="cancelled"),
        pytest.param({"attendee": {"email": None, "email_key": None}}, SkipReason.NO_EMAIL, id="no address"),
    ],
)
def test_what_the_previous_holder_has_is_not_written_for_the_new_one(
    state: str, changes: dict[str, Any], reason: SkipReason
) -> None:
    keys = (SlotKey(f"former:{PERSON}", LEAD_ID), SlotKey(f"former:{MEMBER}", f"{CAMPAIGN_ID}:{LEAD_ID}"))
    row = item(slots={key: slot(state, sf_id=LEAD_ID) for key in keys}, **changes)
    assert resolved(row, PersonIndex()).decisions == (ItemDecision(row, Skip(reason)),)


def test_cancelled_registration_that_was_written_is_worked_on() -> None:
    row = item(facts=facts(status="cancelled"), slots={SlotKey(REGISTERED): slot(sf_id="00T1")})
    assert resolved(row, PersonIndex()).is_missing


def test_person_who_is_not_there_is_missing() -> None:
    assert resolved(item(), PersonIndex()) == PersonResolution(is_missing=True)


def test_person_who_is_found_is_taken() -> None:
    row = item()
    [decision] = resolved(row, PersonIndex.of([LEAD_ROW])).decisions
    assert decision.person == FoundPerson("Lead", LEAD_ID, "email")
    found = decision.slots[KEY]
    assert found is not None
    assert (found.state, found.sf_id) == ("written", LEAD_ID)
    assert found.details.as_json() == {"found_by": "email", "is_created_by_us": False}


def test_person_who_is_known_already_keeps_the_slot() -> None:
    [decision] = resolved(item(slots={KEY: OUR_LEAD}), PersonIndex.of([LEAD_ROW], [LEAD_ID])).decisions
    assert decision.person is not None
    assert (decision.person.id, dict(decision.slots)) == (LEAD_ID, {})


DIGESTS = {"is_created_by_us": True, "found_by": "created", "written_digests": {"Phone": "abc"}}
CONTACT_ROW = PersonRow("Contact", CONTACT_ID, EMAIL, "2019")
UPDATED = {SlotKey(PERSON_UPDATE): slot(sf_id=LEAD_ID, details={"written_digests": {"Title": "def"}})}


@pytest.mark.parametrize(
    ("before", "lead"),
    [
        pytest.param(slot(sf_id=LEAD_ID, details=DIGESTS), {"is_deleted": True}, id="deleted"),
        pytest.param(slot("failed", details=DIGESTS), None, id="the create was rejected"),
    ],
)
def test_nothing_that_was_written_before_is_taken_over_by_another_record(
    before: WrittenSlot, lead: dict[str, Any] | None
) -> None:
    rows = [CONTACT_ROW, *([replace(LEAD_ROW, **lead)] if lead else [])]
    row = item(slots={KEY: before, **UPDATED})
    *_, decision = resolved(row, PersonIndex.of(rows, [LEAD_ID])).decisions
    slots = dict(decision.slots)
    person = slots.pop(KEY)
    assert person is not None
    assert (person.sf_id, person.details.as_json()) == (
        CONTACT_ID,
        {"found_by": "email", "is_created_by_us": False},
    )
    assert slots == dict.fromkeys(UPDATED)


def test_our_lead_that_was_converted_keeps_what_was_written() -> None:
    lead = replace(LEAD_ROW, is_converted=True, converted_contact_id=CONTACT_ID)
    row = item(slots={KEY: slot(sf_id=LEAD_ID, details=DIGESTS), **UPDATED})
    [decision] = resolved(row, PersonIndex.of([CONTACT_ROW, lead], [LEAD_ID])).decisions
    [(key, person)] = decision.slots.items()
    assert key == KEY
    assert person is not None
    assert person.details.as_json() == DIGESTS | {"found_by": "converted_lead"}


def test_lost_create_that_turned_up_is_ours() -> None:
    before = slot("ambiguous", attempt_started_at=JUST_NOW, details={"written_digests": {"Title": "x"}})
    [decision] = resolved(item(slots={KEY: before}), PersonIndex.of([LEAD_ROW])).decisions
    found = decision.slots[KEY]
    assert found is not None
    assert found.details.as_json() == {
        "found_by": "created",
        "is_created_by_us": True,
        "written_digests": {"Title": "x"},
    }


def test_lost_create_that_may_still_be_applied_waits() -> None:
    before = slot("ambiguous", attempt_started_at=JUST_NOW)
    resolution = resolved(item(slots={KEY: before}), PersonIndex())
    assert not resolution.is_missing
    assert [each.recheck_at for each in resolution.decisions] == [CLOCK.next_recheck(before)]


@pytest.mark.parametrize(
    ("row", "people", "outcome"),
    [
        pytest.param(
            item(slots={KEY: OUR_LEAD}),
            PersonIndex.of([], [LEAD_ID]),
            "RECORD_NOT_VISIBLE",
            id="hidden record",
        ),
        pytest.param(item(), PersonIndex(hidden=frozenset({"Lead"})), "INVALID_TYPE", id="hidden object"),
        pytest.param(
            item(attendee={"email": "ada@", "email_key": "ada@"}),
            PersonIndex(),
            "EMAIL_MALFORMED",
            id="bad address",
        ),
    ],
)
def test_item_fails(row: WorkItem, people: PersonIndex, outcome: str) -> None:
    resolution = resolved(row, people)
    assert error_codes(resolution.decisions) == {"reg_1": outcome}
    assert not resolution.is_missing


@pytest.mark.parametrize(
    ("row", "people", "obstacle"),
    [
        pytest.param(
            item(),
            PersonIndex(without_email=frozenset({"Lead"})),
            Obstacle.ACCESS,
            id="the user may not search by address",
        ),
        pytest.param(
            item(slots={KEY: OUR_LEAD}),
            PersonIndex.of([], [LEAD_ID], has_inaccessible_leads=True),
            Obstacle.LEAD_ACCESS,
            id="our Lead left the user's sight",
        ),
    ],
)
def test_item_waits_for_access(row: WorkItem, people: PersonIndex, obstacle: Obstacle) -> None:
    assert resolved(row, people).decisions == (ItemDecision(row, Blocked(obstacle)),)


def test_nobody_is_created_while_a_converted_lead_is_not_followed_to_its_end() -> None:
    lead = PersonRow("Lead", LEAD_ID, EMAIL, "2020", is_converted=True, converted_contact_id=CONTACT_ID)
    found = resolved(item(), PersonIndex.of([lead]))
    [decision] = found.decisions
    assert isinstance(decision.end, RetryLater)
    assert (decision.end.error.error_code, found.is_missing) == ("RECORD_NOT_FOLLOWED", False)


def test_members_of_a_deleted_person_are_forgotten() -> None:
    gone = PersonRow("Lead", LEAD_ID, EMAIL, "2020", is_deleted=True)
    resolution = resolved(item(slots={KEY: OUR_LEAD, **WRITTEN_MEMBER}), PersonIndex.of([gone], [LEAD_ID]))
    assert resolution.is_missing
    assert resolution.decisions[0].slots == dict.fromkeys(WRITTEN_MEMBER)


MATCHED = rules(match_by={"field": "Key__c", "from": "answers.key"})


def ticket(number: int, email: str = EMAIL, **changes: Any) -> WorkItem:
    when = facts(registered_at=LONG_AGO + timedelta(minutes=number))
    attendee = {"email": email, "email_key": email, **changes.pop("attendee", {})}
    return item(f"reg_{number}", facts=when, attendee=attendee, **changes)


@pytest.mark.parametrize(
    ("items", "groups"),
    [
        pytest.param([ticket(1), ticket(2)], [["reg_1", "reg_2"]], id="one address"),
        pytest.param([ticket(1), ticket(2, "b@x.example")], [["reg_1"], ["reg_2"]], id="two addresses"),
        pytest.param(
            [
                ticket(1, rules=MATCHED, answers={"key": "K1"}),
                ticket(2, "b@x.example", rules=MATCHED, answers={"key": "k1"}),
            ],
            [["reg_1", "reg_2"]],
            id="one external id, whatever the case",
        ),
        pytest.param(
            [
                ticket(1, "a@x.example", rules=MATCHED, answers={"key": "K1"}),
                ticket(2, "b@x.example", rules=MATCHED, answers={"key": "K2"}),
                ticket(3, "a@x.example", rules=MATCHED, answers={"key": "K2"}),
            ],
            [["reg_1", "reg_3", "reg_2"]],
            id="joined by a third ticket",
        ),
    ],
)
def test_tickets_are_grouped_by_person(items: list[WorkItem], groups: list[list[str]]) -> None:
    assert [[each.job.registration_id for each in group] for group in by_person(items)] == groups


def created(
    *items: WorkItem, org: OrgContext | None = None, accounts: Mapping[str, str] | None = None
) -> Plan:
    def plan() -> Plan:
        context = org or OrgContext({"Lead": described()})
        [only] = create_people([items], context, batch=batch(*items), pepper=PEPPER, accounts=accounts or {})
        return only

    return unchanged(plan, *items)


def test_new_person_is_a_lead() -> None:
    [operation] = created(ticket(1)).operations
    assert (operation.key, operation.record.sobject, operation.is_create) == (KEY, "Lead", True)
    assert operation.record.fields["Email"] == EMAIL
    assert operation.create_lock is not None
    assert operation.details.is_created_by_us is True


def test_two_tickets_make_one_person_from_the_older_one() -> None:
    newer, older = ticket(2, attendee={"last_name": "Beaver"}), ticket(1)
    plan = created(newer, older)
    [operation] = plan.operations
    assert operation.record.fields["LastName"] == "Otter"
    assert [job.registration_id for job in operation.jobs] == ["reg_1", "reg_2"]
    warned = [{each.field for each in decision.warnings} for decision in plan.decisions]
    assert [fields & {"LastName"} for fields in warned] == [{"LastName"}] * 2


def test_contact_belongs_to_its_account() -> None:
    org = OrgContext({"Contact": described(name="Contact")})
    row = ticket(1, rules=rules(create="contact"))
    [operation] = created(row, org=org, accounts={"reg_1": ACCOUNT_ID}).operations
    assert operation.record.sobject == "Contact"
    assert operation.record.fields["AccountId"] == ACCOUNT_ID


def test_later_ticket_fills_what_the_first_left_open() -> None:
    diet = field("Diet__c", length=20)
    chosen = rules(
        {"object": "Lead", "field": "Diet__c", "from": "answers.diet", "mode": "overwrite"},
        update_existing=True,
    )
    first, second = ticket(1, rules=chosen), ticket(2, rules=chosen, answers={"diet": "vegan"})
    [operation] = created(first, second, org=OrgContext({"Lead": described(diet)})).operations
    assert operation.record.fields["Diet__c"] == "vegan"


def test_fields_that_salesforce_refused_are_left_out() -> None:
    before = slot("failed", details={"dropped": ["Title"]})
    row = ticket(1, attendee={"job_title": "CTO"}, slots={KEY: before})
    [operation] = created(row).operations
    assert "Title" not in operation.record.fields
    assert operation.details.as_json()["dropped"] == ["Title"]


def test_rules_that_do_not_fit_the_org_fail_every_ticket_of_the_person() -> None:
    chosen, describes = unfit("Lead")
    plan = created(ticket(1, rules=chosen), ticket(2, rules=chosen), org=OrgContext(describes))
    assert plan.operations == ()
    assert error_codes(plan.decisions) == dict.fromkeys(("reg_1", "reg_2"), "RECORD_TYPE_NOT_AVAILABLE")


def person_account(state: str = "written", sobject: str = "Account") -> WorkItem:
    return item(slots={KEY: slot(state, sobject, sf_id=ACCOUNT_ID, details={"found_by": "created"})})


def test_created_person_account_is_replaced_by_its_contact() -> None:
    row = person_account()
    [decision] = attach_person_contacts([row], {ACCOUNT_ID: CONTACT_ID})
    assert (decision.item, decision.person) == (row, FoundPerson("Contact", CONTACT_ID, "created"))
    attached = decision.slots[KEY]
    assert attached is not None
    assert (attached.sobject, attached.sf_id) == ("Contact", CONTACT_ID)
    assert attached.details.person_account_id == ACCOUNT_ID


@pytest.mark.parametrize(("state", "sobject"), [("failed", "Account"), ("written", "Lead")])
def test_only_written_person_accounts_have_contacts(state: str, sobject: str) -> None:
    assert attach_person_contacts([person_account(state, sobject)], {ACCOUNT_ID: CONTACT_ID}) == []


def test_person_account_whose_contact_stays_out_of_sight_fails_with_a_reason() -> None:
    """Once the attempts are used up; before that it is looked up again."""
    row = person_account()._replace(job=replace(person_account().job, attempts=len(RETRY_DELAYS)))
    [decision] = attach_person_contacts([row], {})
    ended = decide_outcome(changed_item(row, decision), CLOCK.now, jitter=0.5)
    assert ended.state == JobState.FAILED
    assert ended.error is not None
    assert (ended.error.error_class, ended.error.error_code) == ("access", "RECORD_NOT_VISIBLE")
    assert ended.error.group_id is not None
