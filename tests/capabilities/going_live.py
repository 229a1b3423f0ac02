"""Checks before the first attendee, and messages when the org refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from app.campaigns.campaign_creation import create_campaigns
from app.models import Connection, Event
from tests.api.campaigns.dashboard import PATH
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import one, person, rule

PREFLIGHT = "/v1/hosts/host_a/salesforce/preflight"


async def what_keeps_a_campaign_from_being_made(dashboard: MappingDashboard) -> None:
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Connection).values(user_id=dashboard.rig.org.session["user_id"]))
    await dashboard.rig.org.configure(is_marketing_user=False)
    assert "marketing_user_missing" in {code for code, _ in await _findings(dashboard)}
    rule_of_the_org = {"sobject": "Campaign", "when": "Name = 'Otter Summit'", "message": "Name it properly"}
    await dashboard.rig.org.configure(is_marketing_user=True, validation_rules=[rule_of_the_org])
    soon = datetime.now(UTC) + timedelta(days=30)
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Event).values(starts_at=soon, ends_at=soon + timedelta(hours=2)))
    assert (await dashboard.http.post(f"{PATH}/create", json={})).status_code == 201
    await create_campaigns(dashboard.rig.resources)
    body = (await dashboard.http.get(PATH)).json()
    assert (body["problem"]["code"], body["salesforce"]["message"]) == (
        "campaign_create_failed",
        "Name it properly",
    )


async def required_fields_are_listed_before_going_live(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(extra_fields={"Lead": ["Region__c | string(20) | CU | Region"]})
    body = await dashboard.get()
    assert [each["label"] for each in body["required_without_value"]] == ["Region"]
    assert ("required_field_without_value", "Region__c") in await _findings(dashboard)
    mapped = await dashboard.put({"fields": [rule("Lead.Region__c", "answers.region", fallback="Nowhere")]})
    assert mapped["required_without_value"] == []
    assert ("required_field_without_value", "Region__c") not in await _findings(dashboard)
    await dashboard.synced(1, **person(1))
    assert (await one(dashboard, "Lead"))["Region__c"] == "Nowhere"


async def _findings(dashboard: MappingDashboard) -> set[tuple[str, str | None]]:
    answer = await dashboard.http.post(PREFLIGHT)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["findings"]
    return {(each["code"], each["field"]) for each in found}
