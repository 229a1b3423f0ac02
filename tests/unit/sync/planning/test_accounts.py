"""New Contacts belong to the Account of their company: found, or created once for all of them."""

from dataclasses import replace
from typing import Any

import pytest

from app.salesforce.describe import SObjectDescribe
from app.sync.lookup.create_context import CreateContext
from app.sync.matching.account_matching import AccountRow
from app.sync.model.batch import ACCOUNT_SLOT, SlotKey
from app.sync.model.decisions import NO_PLAN, Blocked
from app.sync.model.job_outcome import Obstacle
from app.sync.model.work_item import WorkItem
from app.sync.planning.accounts import AccountsPlan, people_with_accounts, plan_accounts
from app.sync.planning.record_builder import OrgContext
from tests.unit.sync.builders import described, rules
from tests.unit.sync.planning.builders import (
    ACCOUNT_ID,
    CLOCK,
    JUST_NOW,
    LONG_AGO,
    batch,
    error_codes,
    item,
    slot,
    unchanged,
    unfit,
)

KEY = SlotKey(ACCOUNT_SLOT)
CONTACTS = rules(create="contact")
RIVER = AccountRow(ACCOUNT_ID, "River Ltd", "2020")
WRITTEN = slot("written", "Account", sf_id=ACCOUNT_ID)


def attendee(number: int, company: str | None = "River Ltd", **changes: Any) -> WorkItem:
    about = {"company": company, "email_key": f"{number}@river.example"}
    given: dict[str, Any] = {"rules": CONTACTS, "attendee": about}
    return item(f"reg_{number}", **(given | changes))


def planned(
    *items: WorkItem, accounts: tuple[AccountRow, ...] = (), account: SObjectDescribe | None = None
) -> AccountsPlan:
    """Every item is a person of its own."""
    org = OrgContext({"Account": account or described(name="Account")}, CreateContext(accounts))
    return unchanged(
        plan_accounts,
        *items,
        without_person=[[each] for each in items],
        org=org,
        batch=batch(*items),
        clock=CLOCK,
        pepper=b"otter",
    )


def test_account_that_exists_is_taken() -> None:
    assert planned(attendee(1), accounts=(RIVER,)) == AccountsPlan({"reg_1": ACCOUNT_ID})


def test_account_that_is_missing_is_created() -> None:
    plan = planned(attendee(1))
    [operation] = plan.plan.operations
    assert (operation.key, operation.record.sobject) == (KEY, "Account")
    assert operation.record.fields["Name"] == "River Ltd"
    assert operation.create_lock is not None
    assert (plan.known, plan.waiting) == ({}, ())


def test_people_of_one_company_share_a_create() -> None:
    plan = planned(attendee(1), attendee(2, "RIVER Limited"), attendee(3, "Otter AG"))
    created = [[job.registration_id for job in each.jobs] for each in plan.plan.operations]
    assert created == [["reg_1", "reg_2"], ["reg_3"]]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(attendee(1, None), id="no company"),
        pytest.param(attendee(1, "n/a"), id="a company that is none"),
        pytest.param(attendee(1, rules=rules()), id="the host creates Leads"),
    ],
)
def test_nobody_belongs_to_no_account(row: WorkItem) -> None:
    assert planned(row) == AccountsPlan()


def test_host_may_choose_an_account_for_people_without_company() -> None:
    chosen = rules(create="contact", account_for_nobody="Individuals")
    [operation] = planned(attendee(1, None, rules=chosen)).plan.operations
    assert operation.record.fields["Name"] == "Individuals"


def test_user_who_may_not_create_accounts_gets_contacts_without_one() -> None:
    describe = described(name="Account")
    hidden = replace(describe, is_createable=False)
    row = attendee(1)
    plan = planned(row, account=hidden)
    assert plan.plan.operations == ()
    assert [[each.code for each in decision.warnings] for decision in plan.plan.decisions] == [
        ["field_dropped"]
    ]
    assert people_with_accounts(plan, [[row]]) == ([[row]], {})


def test_rules_that_do_not_fit_the_org_fail_everybody_of_the_company() -> None:
    chosen, describes = unfit("Account")
    chosen = replace(chosen, creates="contact")
    plan = planned(attendee(1, rules=chosen), attendee(2, rules=chosen), account=describes["Account"])
    assert plan.plan.operations == ()
    assert error_codes(plan.plan.decisions) == dict.fromkeys(("reg_1", "reg_2"), "RECORD_TYPE_NOT_AVAILABLE")


def test_lost_create_that_turned_up_is_taken() -> None:
    before = slot("ambiguous", "Account", attempt_started_at=JUST_NOW)
    row = attendee(1, slots={KEY: before})
    plan = planned(row, accounts=(RIVER,))
    [decision] = plan.plan.decisions
    assert decision.slots == {KEY: before._replace(state="written", sf_id=ACCOUNT_ID)}
    assert people_with_accounts(plan, [[row]]) == ([[row]], {"reg_1": ACCOUNT_ID})


def test_lost_create_that_may_still_be_applied_lets_the_whole_company_wait() -> None:
    before = slot("ambiguous", "Account", attempt_started_at=JUST_NOW)
    first, second = attendee(1, slots={KEY: before}), attendee(2)
    plan = planned(first, second)
    assert plan.plan.operations == ()
    assert [(each.end, each.recheck_at) for each in plan.plan.decisions] == [
        (None, CLOCK.next_recheck(before)),
        (Blocked(Obstacle.CREATE_LOCK), CLOCK.next_recheck(before)),
    ]
    assert people_with_accounts(plan, [[first], [second]]) == ([], {})


def test_lost_create_that_was_not_applied_is_sent_again() -> None:
    before = slot("ambiguous", "Account", attempt_started_at=LONG_AGO)
    assert len(planned(attendee(1, slots={KEY: before})).plan.operations) == 1


def test_fields_that_salesforce_refused_are_left_out() -> None:
    before = slot("failed", "Account", details={"dropped": ["Phone"]})
    [operation] = planned(attendee(1, slots={KEY: before})).plan.operations
    assert operation.rejection_hints.as_json() == {"dropped": ["Phone"]}


def test_people_are_ready_once_their_account_is_written() -> None:
    written, refused = attendee(1), attendee(2, "Otter AG")
    plan = planned(written, refused)
    written = written._replace(slots={KEY: WRITTEN})
    assert people_with_accounts(plan, [[written], [refused]]) == ([[written]], {"reg_1": ACCOUNT_ID})


def test_people_without_company_are_ready_at_once() -> None:
    row = attendee(1, None)
    assert people_with_accounts(AccountsPlan(plan=NO_PLAN), [[row]]) == ([[row]], {})
