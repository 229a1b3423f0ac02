"""A dry run under a host's own rules tells exactly what is then sent."""

import json
from typing import Any

import pytest

from tests.integration.sync.conftest import Rig
from tests.integration.sync.test_dry_run import Sent, dry, writes

ADA = {"email": "ada@acme.example", "first_name": "Ada", "last_name": "Otter", "company": "Acme"}
SHOE = {"Lead": ["Shoe__c | string(10) | CUN | Shoe size"]}


async def predicted_and_sent(rig: Rig, registration_id: str) -> tuple[Sent, Sent]:
    before = {each["Id"] for sobject in ("Lead", "Contact", "Account") for each in await rig.records(sobject)}
    predicted = await dry(rig, registration_id)
    with writes(rig) as sent:
        await rig.drain()
    text = json.dumps(sent)
    for sobject in ("Lead", "Contact", "Account"):
        for record in await rig.records(sobject):
            if record["Id"] not in before:
                text = text.replace(record["Id"], f"@{{new{sobject}.id}}")
    plain = [[each.method, each.path, each.body] for each in predicted.requests]
    return json.loads(json.dumps(plain)), json.loads(text)


@pytest.mark.parametrize(
    ("org", "layer"),
    [
        pytest.param(
            {"extra_fields": SHOE},
            {"fields": [{"object": "Lead", "field": "Shoe__c", "constant": "44"}]},
            id="a mapped field",
        ),
        pytest.param({}, {"people": {"create": "contact"}}, id="Contact and Account"),
        pytest.param(
            {"has_person_accounts": True}, {"people": {"create": "person_account"}}, id="Person Account"
        ),
        pytest.param({}, {"owner": {"how": "fixed", "id": "0055g000000001dAAA"}}, id="fixed owner"),
    ],
)
async def test_new_people_are_predicted_as_they_are_then_sent(
    rig: Rig, org: dict[str, Any], layer: dict[str, Any]
) -> None:
    await rig.org.configure(**org)
    await rig.choose(*layer.pop("fields", []), **layer)
    await rig.link(await rig.org.campaign())
    predicted, sent = await predicted_and_sent(
        rig, await rig.registered(1, attendee=ADA, email_key=ADA["email"])
    )
    assert predicted == sent != []


async def test_changes_of_known_people_are_predicted_as_they_are_then_sent(rig: Rig) -> None:
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.choose(people={"update_existing": True})
    attendee = {"email": "otter1@example.com", "name": "Otter", "job_title": "CTO"}
    predicted, sent = await predicted_and_sent(rig, await rig.registered(1, attendee=attendee))
    assert predicted == sent
    assert "CTO" in json.dumps(sent)


async def test_what_does_not_fit_is_reported_with_field_and_value(rig: Rig) -> None:
    await rig.org.configure(restricted_picklists={"Lead.Rating": ["Hot"]})
    await rig.choose({"object": "Lead", "field": "Rating", "constant": "Cold"})
    predicted = await dry(rig, await rig.registered(1))
    assert predicted.error is not None
    assert (predicted.error.error_code, predicted.error.field_label, predicted.error.value) == (
        "VALUE_NOT_IN_PICKLIST",
        "Rating",
        "Cold",
    )
