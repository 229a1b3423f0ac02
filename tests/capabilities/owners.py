"""Whose records are written: the organizers' own, once they said who they are in Salesforce."""

from tests.api.answers import body_of
from tests.api.browser import Browser, brought_back
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import person
from tests.factories import SIMULATOR_URL

HOST = "/v1/hosts/host_a/salesforce"
SAM = 1


async def each_user_connects_a_personal_account(dashboard: MappingDashboard) -> None:
    wish = {"task": {"owner": "organizer"}}
    body_of(await dashboard.http.put(f"{HOST}/settings", json=wish))
    await dashboard.rig.organized_by("olga@acme.example")
    alone = await dashboard.synced(1, **person(1))
    warnings = (await dashboard.rig.job(alone)).warnings
    assert ("fallback_used", "OwnerId") in [(each["code"], each["field"]) for each in warnings]

    olga = dashboard.mint.headers(sub="user_olga", hosts={"host_a": "member"}, email="Olga@acme.example")
    answer = await dashboard.http.post(f"{HOST}/me/connect", json={}, headers=olga)
    apps = {dashboard.rig.resources.settings.public_url: dashboard.app, SIMULATOR_URL: dashboard.org_app}
    async with Browser(apps) as browser:
        landed = await browser.sign_in(answer.json()["start_url"], user=SAM)
    attempt_id, code = brought_back(landed)
    complete = f"{HOST}/connect/{attempt_id}/complete"
    body_of(await dashboard.http.post(complete, json={"code": code}, headers=olga))
    me = body_of(await dashboard.http.get(f"{HOST}/me", headers=olga))
    assert me["user"]["username"] == "sam.sales@northwind.example"

    await dashboard.synced(2, **person(2))
    owners = [each["OwnerId"] for each in await dashboard.rig.records("Task")]
    assert [owner == me["user"]["id"] for owner in owners] == [False, True]
