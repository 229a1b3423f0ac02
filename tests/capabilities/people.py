"""Who is found, who is created, and who is left alone."""

from typing import Any

from app.models import Registration
from tests.api.field_mapping.dashboard import Studio
from tests.capabilities.acting import answers, count, edit, one, person, rule
from tests.factories import NOW
from tests.integration.sync.conftest import HOST

EMAIL = "otter1@river.example"


async def nobody_is_created(studio: Studio) -> None:
    await studio.put({"people": {"create": "nobody"}})
    [known] = await studio.rig.org.seed("Contact", {"LastName": "Known", "Email": "otter2@river.example"})
    stranger = await studio.synced(1, **person(1))
    await studio.synced(2, **person(2))
    job = await studio.rig.job(stranger)
    assert (job.state, job.skipped_because) == ("skipped", "no_match")
    assert (await one(studio, "Task"))["WhoId"] == known
    assert (await count(studio, "Lead"), await count(studio, "Contact")) == (0, 1)


async def people_who_stand_are_updated_on_request(studio: Studio) -> None:
    await studio.rig.org.seed(
        "Lead",
        {"LastName": "Known", "Company": "Old Ltd", "Email": EMAIL, "Phone": "+49 30 1", "City": "Bonn"},
    )
    fields = [rule("Lead.City", "answers.city", mode="overwrite")]
    told = person(1, job_title="Head of Data", phone="+49 40 2", company="River Ltd")
    await studio.put({"fields": fields})
    await studio.synced(1, **told, answers=answers(city="Berlin"))
    assert (await one(studio, "Lead"))["City"] == "Bonn"
    await studio.put({"fields": fields, "people": {"update_existing": True}})
    await studio.rig.rearm("reg_00001")
    await studio.rig.drain()
    lead = await one(studio, "Lead")
    assert (lead["City"], lead["Title"]) == ("Berlin", "Head of Data")
    assert (lead["Phone"], lead["Company"], lead["LastName"]) == ("+49 30 1", "Old Ltd", "Known")


async def nothing_flows_back(studio: Studio) -> None:
    registration_id = await studio.synced(1, **person(1, job_title="Head of Data"))
    before = await _registration(studio, registration_id)
    lead = await one(studio, "Lead")
    await edit(studio, "Lead", lead["Id"], FirstName="Grace", Title="Director", Email="new@river.example")
    await studio.rig.rearm(registration_id)
    await studio.rig.drain()
    assert await _registration(studio, registration_id) == before
    lead = await one(studio, "Lead")
    assert (lead["FirstName"], lead["Title"], lead["Email"]) == ("Grace", "Director", "new@river.example")


async def _registration(studio: Studio, registration_id: str) -> dict[str, Any]:
    async with studio.rig.database.system() as session:
        row = await session.get_one(Registration, (HOST, registration_id))
        return {column: getattr(row, column) for column in Registration.__table__.columns.keys()}  # noqa: SIM118


async def contacts_win_over_leads(studio: Studio) -> None:
    lead = {"LastName": "Lead", "Company": "x", "Email": EMAIL, "CreatedDate": "2020-01-01T00:00:00Z"}
    await studio.rig.org.seed("Lead", lead)
    [contact] = await studio.rig.org.seed("Contact", {"LastName": "Contact", "Email": EMAIL})
    await studio.synced(1, **person(1))
    assert (await one(studio, "Task"))["WhoId"] == contact


async def the_oldest_of_several_is_taken(studio: Studio) -> None:
    leads = [
        {"LastName": year, "Company": "x", "Email": EMAIL, "CreatedDate": f"{year}-01-01T00:00:00Z"}
        for year in ("2022", "2019", "2021")
    ]
    ids = await studio.rig.org.seed("Lead", *leads)
    await studio.synced(1, **person(1))
    assert (await one(studio, "Task"))["WhoId"] == ids[1]


async def contacts_are_created_instead_of_leads(studio: Studio) -> None:
    await studio.put({"people": {"create": "contact"}})
    await studio.synced(1, **person(1, job_title="Head of Data"))
    contact = await one(studio, "Contact")
    assert (contact["LastName"], contact["Email"], contact["Title"]) == ("Otter1", EMAIL, "Head of Data")
    assert (await one(studio, "Task"))["WhoId"] == contact["Id"]
    assert await count(studio, "Lead") == 0


async def contacts_get_the_account_of_their_company(studio: Studio) -> None:
    [river] = await studio.rig.org.seed("Account", {"Name": "RIVER LTD"})
    await studio.put({"people": {"create": "contact"}})
    companies = ("River Ltd", "River Limited", "Bank AG", "Bank AG", " ", "n/a")
    for number, company in enumerate(companies, start=1):
        await studio.rig.registered(number, **person(number, company=company))
    await studio.rig.drain()
    contacts = {row["LastName"]: row["AccountId"] for row in await studio.rig.records("Contact")}
    bank = (await one(studio, "Account", Name="Bank AG"))["Id"]
    assert [contacts[f"Otter{number}"] for number in range(1, 7)] == [river, river, bank, bank, None, None]
    assert await count(studio, "Account") == 2


async def a_lead_without_a_company_gets_one(studio: Studio) -> None:
    await studio.rig.registered(1, **person(1))
    await studio.rig.registered(2, **person(2, email="otter2@gmail.com"))
    await studio.rig.registered(3, **person(3, company="River Ltd"))
    await studio.rig.drain()
    companies = {row["LastName"]: row["Company"] for row in await studio.rig.records("Lead")}
    assert companies == {"Otter1": "river.example", "Otter2": "[not provided]", "Otter3": "River Ltd"}


async def required_fields_get_a_value(studio: Studio) -> None:
    lines = ["Region__c | string(20) | CU | Region", "Guests__c | double | CU | Guests"]
    await studio.rig.org.configure(extra_fields={"Lead": lines})
    await studio.put(
        {
            "people": {"fill_required": True},
            "fields": [rule("Lead.Region__c", "answers.region", fallback="Nowhere")],
        }
    )
    one_word = {"attendee": {"email": EMAIL, "name": "Cher"}, "email_key": EMAIL}
    registration_id = await studio.synced(1, **one_word)
    lead = await one(studio, "Lead")
    assert (lead["LastName"], lead["Region__c"], lead["Guests__c"]) == ("Cher", "Nowhere", 0)
    told = {each["field"] for each in (await studio.rig.job(registration_id)).warnings}
    assert {"Region__c", "Guests__c"} <= told


async def people_may_be_person_accounts(studio: Studio) -> None:
    await studio.rig.org.configure(has_person_accounts=True)
    await studio.rig.link(await studio.rig.org.campaign())
    await studio.put({"people": {"create": "person_account"}})
    await studio.synced(1, **person(1, job_title="Head of Data", company="River Ltd"))
    await studio.synced(2, **person(1), checked_in_at=NOW)
    account = await one(studio, "Account")
    assert (account["IsPersonAccount"], account["Name"]) == (True, "Ada Otter1")
    assert (account["PersonEmail"], account["PersonTitle"]) == (EMAIL, "Head of Data")
    assert {task["WhoId"] for task in await studio.rig.records("Task")} == {account["PersonContactId"]}
    assert (await one(studio, "CampaignMember"))["ContactId"] == account["PersonContactId"]
    assert await count(studio, "Lead") == 0


async def a_salesforce_id_in_the_link_names_the_person(studio: Studio) -> None:
    [lead] = await studio.rig.org.seed(
        "Lead", {"LastName": "Known", "Company": "River", "Email": "private@home.example"}
    )
    await studio.rig.org.seed("Lead", {"LastName": "Else", "Company": "River", "Email": EMAIL})
    registration_id = await studio.synced(1, **person(1), salesforce_id=lead[:15])
    assert (await one(studio, "Task"))["WhoId"] == lead
    assert (await studio.rig.slots(registration_id))["person"].details["found_by"] == "salesforce_id"
    assert (await one(studio, "Lead", Id=lead))["Email"] == "private@home.example"
