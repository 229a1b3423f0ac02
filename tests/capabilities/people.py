"""Who is found, who is created, and who is left alone."""

from typing import Any

from app.models import Registration
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import answers, count, one, person, rule
from tests.factories import NOW
from tests.integration.sync.conftest import HOST

EMAIL = "otter1@river.example"


async def nobody_is_created(dashboard: MappingDashboard) -> None:
    await dashboard.put({"people": {"create": "nobody"}})
    [known] = await dashboard.rig.org.seed("Contact", {"LastName": "Known", "Email": "otter2@river.example"})
    stranger = await dashboard.synced(1, **person(1))
    await dashboard.synced(2, **person(2))
    job = await dashboard.rig.job(stranger)
    assert (job.state, job.skipped_because) == ("skipped", "no_match")
    assert (await one(dashboard, "Task"))["WhoId"] == known
    assert (await count(dashboard, "Lead"), await count(dashboard, "Contact")) == (0, 1)


async def people_who_stand_are_updated_on_request(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.seed(
        "Lead",
        {"LastName": "Known", "Company": "Old Ltd", "Email": EMAIL, "Phone": "+49 30 1", "City": "Bonn"},
    )
    fields = [rule("Lead.City", "answers.city", mode="overwrite")]
    ada = person(1, job_title="Head of Data", phone="+49 40 2", company="River Ltd")
    await dashboard.put({"fields": fields})
    await dashboard.synced(1, **ada, answers=answers(city="Berlin"))
    assert (await one(dashboard, "Lead"))["City"] == "Bonn"
    await dashboard.put({"fields": fields, "people": {"update_existing": True}})
    await dashboard.rig.requeue("reg_00001")
    await dashboard.rig.drain()
    lead = await one(dashboard, "Lead")
    assert (lead["City"], lead["Title"]) == ("Berlin", "Head of Data")
    assert (lead["Phone"], lead["Company"], lead["LastName"]) == ("+49 30 1", "Old Ltd", "Known")


async def nothing_flows_back(dashboard: MappingDashboard) -> None:
    registration_id = await dashboard.synced(1, **person(1, job_title="Head of Data"))
    before = await _registration(dashboard, registration_id)
    lead = await one(dashboard, "Lead")
    await dashboard.rig.edit(
        "Lead", lead["Id"], FirstName="Grace", Title="Director", Email="new@river.example"
    )
    await dashboard.rig.requeue(registration_id)
    await dashboard.rig.drain()
    assert await _registration(dashboard, registration_id) == before
    lead = await one(dashboard, "Lead")
    assert (lead["FirstName"], lead["Title"], lead["Email"]) == ("Grace", "Director", "new@river.example")


async def _registration(dashboard: MappingDashboard, registration_id: str) -> dict[str, Any]:
    async with dashboard.rig.database.system() as session:
        row = await session.get_one(Registration, (HOST, registration_id))
        return {column: getattr(row, column) for column in Registration.__table__.columns.keys()}  # noqa: SIM118


async def contacts_win_over_leads(dashboard: MappingDashboard) -> None:
    lead = {"LastName": "Lead", "Company": "x", "Email": EMAIL, "CreatedDate": "2020-01-01T00:00:00Z"}
    await dashboard.rig.org.seed("Lead", lead)
    [contact] = await dashboard.rig.org.seed("Contact", {"LastName": "Contact", "Email": EMAIL})
    await dashboard.synced(1, **person(1))
    assert (await one(dashboard, "Task"))["WhoId"] == contact


async def the_oldest_of_several_is_taken(dashboard: MappingDashboard) -> None:
    leads = [
        {"LastName": year, "Company": "x", "Email": EMAIL, "CreatedDate": f"{year}-01-01T00:00:00Z"}
        for year in ("2022", "2019", "2021")
    ]
    ids = await dashboard.rig.org.seed("Lead", *leads)
    await dashboard.synced(1, **person(1))
    assert (await one(dashboard, "Task"))["WhoId"] == ids[1]


async def contacts_are_created_instead_of_leads(dashboard: MappingDashboard) -> None:
    await dashboard.put({"people": {"create": "contact"}})
    await dashboard.synced(1, **person(1, job_title="Head of Data"))
    contact = await one(dashboard, "Contact")
    assert (contact["LastName"], contact["Email"], contact["Title"]) == ("Otter1", EMAIL, "Head of Data")
    assert (await one(dashboard, "Task"))["WhoId"] == contact["Id"]
    assert await count(dashboard, "Lead") == 0


async def contacts_get_the_account_of_their_company(dashboard: MappingDashboard) -> None:
    [river] = await dashboard.rig.org.seed("Account", {"Name": "RIVER LTD"})
    await dashboard.put({"people": {"create": "contact"}})
    companies = ("River Ltd", "River Limited", "Bank AG", "Bank AG", " ", "n/a")
    for number, company in enumerate(companies, start=1):
        await dashboard.rig.registered(number, **person(number, company=company))
    await dashboard.rig.drain()
    contacts = {row["LastName"]: row["AccountId"] for row in await dashboard.rig.records("Contact")}
    bank = (await one(dashboard, "Account", Name="Bank AG"))["Id"]
    assert [contacts[f"Otter{number}"] for number in range(1, 7)] == [river, river, bank, bank, None, None]
    assert await count(dashboard, "Account") == 2


async def a_lead_without_a_company_gets_one(dashboard: MappingDashboard) -> None:
    await dashboard.rig.registered(1, **person(1))
    await dashboard.rig.registered(2, **person(2, email="otter2@gmail.com"))
    await dashboard.rig.registered(3, **person(3, company="River Ltd"))
    await dashboard.rig.drain()
    companies = {row["LastName"]: row["Company"] for row in await dashboard.rig.records("Lead")}
    assert companies == {"Otter1": "river.example", "Otter2": "[not provided]", "Otter3": "River Ltd"}


async def required_fields_get_a_value(dashboard: MappingDashboard) -> None:
    lines = ["Region__c | string(20) | CU | Region", "Guests__c | double | CU | Guests"]
    await dashboard.rig.org.configure(extra_fields={"Lead": lines})
    await dashboard.put(
        {
            "people": {"fill_required": True},
            "fields": [rule("Lead.Region__c", "answers.region", fallback="Nowhere")],
        }
    )
    one_word = {"attendee": {"email": EMAIL, "name": "Cher"}, "email_key": EMAIL}
    registration_id = await dashboard.synced(1, **one_word)
    lead = await one(dashboard, "Lead")
    assert (lead["LastName"], lead["Region__c"], lead["Guests__c"]) == ("Cher", "Nowhere", 0)
    warned = {each["field"] for each in (await dashboard.rig.job(registration_id)).warnings}
    assert {"Region__c", "Guests__c"} <= warned


async def people_may_be_person_accounts(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(has_person_accounts=True)
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    await dashboard.put({"people": {"create": "person_account"}})
    await dashboard.synced(1, **person(1, job_title="Head of Data", company="River Ltd"))
    await dashboard.synced(2, **person(1), checked_in_at=NOW)
    account = await one(dashboard, "Account")
    assert (account["IsPersonAccount"], account["Name"]) == (True, "Ada Otter1")
    assert (account["PersonEmail"], account["PersonTitle"]) == (EMAIL, "Head of Data")
    assert {task["WhoId"] for task in await dashboard.rig.records("Task")} == {account["PersonContactId"]}
    assert (await one(dashboard, "CampaignMember"))["ContactId"] == account["PersonContactId"]
    assert await count(dashboard, "Lead") == 0


async def a_salesforce_id_in_the_link_names_the_person(dashboard: MappingDashboard) -> None:
    [lead] = await dashboard.rig.org.seed(
        "Lead", {"LastName": "Known", "Company": "River", "Email": "private@home.example"}
    )
    await dashboard.rig.org.seed("Lead", {"LastName": "Else", "Company": "River", "Email": EMAIL})
    registration_id = await dashboard.synced(1, **person(1), salesforce_id=lead[:15])
    assert (await one(dashboard, "Task"))["WhoId"] == lead
    assert (await dashboard.rig.slots(registration_id))["person"].details["found_by"] == "salesforce_id"
    assert (await one(dashboard, "Lead", Id=lead))["Email"] == "private@home.example"
