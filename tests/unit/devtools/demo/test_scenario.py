"""The scenario's table holds every case that it promises, and its deliveries never contradict themselves."""

import json
from collections import Counter

import pytest

from app.webhooks.parse import parse_delivery
from devtools.demo.deliveries import Delivery, deliveries
from devtools.demo.scenario import NEW_LEAD, REGISTRANTS, SEEDED, SPECIAL, wave

BY_CASE = {one.case: one for one in SPECIAL}


def types_of(sent: list[Delivery]) -> Counter[str]:
    return Counter(json.loads(delivery.body)["type"] for delivery in {d.webhook_id: d for d in sent}.values())


def test_sixty_register_and_twenty_five_check_in() -> None:
    assert len(REGISTRANTS) == len({one.registration_id for one in REGISTRANTS}) == 60
    assert types_of(list(deliveries(REGISTRANTS))) == {
        "event.published": 1,
        "registration.confirmed": 60,
        "registration.checked_in": 25,
    }


@pytest.mark.parametrize(
    "words",
    [
        "existing Contact", "existing Lead", "two Leads with one e-mail", "Lead and Contact with one e-mail",
        "converted Lead", "Block rule", "apostrophe", "plus", "backslash", "three words", "one word",
        "empty company", "300 characters", "no e-mail", "invited before", "check-in before its registration",
        "same webhook twice", "two tickets on one e-mail", "validation rule",
    ],
)  # fmt: skip
def test_the_table_has_the_case(words: str) -> None:
    assert any(words in case for case in BY_CASE)


def test_every_expected_person_exists_in_the_org_or_is_created() -> None:
    known = {seeded.key for seeded in SEEDED} | {NEW_LEAD, None}
    assert {one.person for one in REGISTRANTS} <= known


def test_nobody_of_the_crowd_shares_an_address() -> None:
    addresses = Counter(one.email for one in REGISTRANTS)
    assert [address for address, count in addresses.items() if count > 1] == ["tom.tickets@pair.example"]


def test_no_letter_of_a_name_is_missing_in_its_address() -> None:
    assert [one.email for one in REGISTRANTS if one.last == "Sørensen"] == [
        "ingrid.sorensen@bergensalmon.example"
    ]


def test_every_delivery_is_parsed_as_a_webhook_is() -> None:
    for delivery in deliveries(REGISTRANTS):
        assert parse_delivery(delivery.webhook_id, delivery.body).host_id == "host_acme"


def test_the_same_id_always_carries_the_same_body() -> None:
    once, again = list(deliveries(REGISTRANTS)), list(deliveries(REGISTRANTS))
    assert once == again
    bodies = {delivery.webhook_id: delivery.body for delivery in once}
    assert all(bodies[delivery.webhook_id] == delivery.body for delivery in once)
    assert len(once) == len(bodies) + 1


def test_one_check_in_comes_before_its_registration() -> None:
    ids = [delivery.webhook_id for delivery in deliveries(REGISTRANTS)]
    assert ids.index("msg_reg_0016_checked_in") < ids.index("msg_reg_0016_confirmed")
    assert ids.index("msg_reg_0001_checked_in") > ids.index("msg_reg_0060_confirmed")


def test_later_waves_repeat_nobody() -> None:
    later = wave(61, 12)
    assert len({one.email for one in (*REGISTRANTS, *later)}) == len({one.email for one in REGISTRANTS}) + 12
    assert [one.number for one in later] == list(range(61, 73))
