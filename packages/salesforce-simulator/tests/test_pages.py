"""The pages for people."""

import pytest

from support.client import OrgClient

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
async def fair(org: OrgClient) -> dict[str, str]:
    campaign_id = await org.create("Campaign", Name=f"Fair {HOSTILE}")
    lead_id = await org.lead(LastName=HOSTILE, Email="jane@example.com", Company=HOSTILE)
    account_id = await org.create("Account", Name="Byte & Co")
    contact_id = await org.create("Contact", LastName="Carl", AccountId=account_id)
    await org.create("Task", WhoId=lead_id, Subject=f"Registered: {HOSTILE}", ActivityDate="2026-11-20")
    await org.create("Task", WhoId=lead_id, Subject="No day")
    await org.create(
        "Event",
        WhoId=lead_id,
        Subject=f"Summit: {HOSTILE}",
        Location=HOSTILE,
        StartDateTime="2026-11-24T09:00:00Z",
        EndDateTime="2026-11-24T17:00:00Z",
        ShowAs="Free",
    )
    await org.create(
        "Event",
        Subject="Fair",
        IsAllDayEvent=True,
        ActivityDate="2026-11-25",
        EndDateTime="2026-11-27T00:00:00Z",
    )
    await org.create("CampaignMember", CampaignId=campaign_id, LeadId=lead_id, Status="Responded")
    await org.create("CampaignMember", CampaignId=campaign_id, ContactId=contact_id)
    await org.create("Case", ContactId=contact_id, Subject=f"Meeting: {HOSTILE}")
    await org.create("Case", SuppliedEmail="jane@example.com")
    return {"campaign": campaign_id, "lead": lead_id, "contact": contact_id}


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("/", ["Northwind Events", "Latest people", "jane@example.com", "Byte &amp; Co", "Responded"]),
        ("/people", ["Registered: ", "2026-11-20", "No day", "Carl"]),
        ("/people?q=jane", ["jane@example.com"]),
        ("/people/{lead}", ["Timeline", "LastName", "2026-11-24 09:00–17:00</span> Summit: "]),
        ("/people/{contact}", ["Contact", "AccountId", "Case 00001001 Meeting: "]),
        ("/campaigns", ["Sent <b>1</b>, Responded <b>1</b>"]),
        ("/campaigns/{campaign}", ["jane@example.com", "Carl"]),
        (
            "/calendar",
            ["2026-11-24 09:00–17:00", "Summit: ", "{lead}", "Ada Admin", "Free", "2026-11-25 – 2026-11-27"],
        ),
        ("/cases", ["00001001 Meeting: ", "New", "{contact}", "00001002", "jane@example.com"]),
        ("/requests", ["POST /services/data/v62.0/sobjects/Lead"]),
    ],
)
async def test_a_page_shows_its_part_escaped(
    org: OrgClient, fair: dict[str, str], path: str, texts: list[str]
) -> None:
    answer = await org.http.get(path.format(**fair))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html;charset=UTF-8"
    missing = [text for text in texts if text.format(**fair) not in answer.text]
    assert missing == []
    assert "<script" not in answer.text


@pytest.mark.usefixtures("fair")
async def test_a_search_leaves_the_others_out(org: OrgClient) -> None:
    assert "Carl" not in (await org.http.get("/people?q=jane")).text


async def test_the_calendar_shows_the_status_that_a_package_brings(org: OrgClient) -> None:
    assert "Reason" not in (await org.http.get("/calendar")).text
    fields = ["evs__Event_Status__c", "evs__Cancel_Reschedule_Reason__c"]
    await org.configure(extra_fields={"Event": [f"{name} | string(255) | CUN | {name}" for name in fields]})
    times = {"StartDateTime": "2026-11-24T09:00:00Z", "EndDateTime": "2026-11-24T09:30:00Z"}
    await org.create("Event", Subject="Demo", **times, **dict(zip(fields, ["Canceled", "Ill"], strict=True)))
    page = (await org.http.get("/calendar")).text
    assert all(text in page for text in ["Status", "Canceled", "Reason", "Ill"])


LINK = "https://events.acme.example/summit?a=b&salesforce_id="


@pytest.mark.parametrize("person", ["lead", "contact"])
async def test_the_packages_button_opens_the_registration_link_with_the_persons_id(
    org: OrgClient, fair: dict[str, str], person: str
) -> None:
    place = f"/people/{fair[person]}"
    assert "Schedule with Eventship" not in (await org.http.get(place)).text
    await org.configure(package={})
    page = (await org.http.get(place)).text
    assert "Eventship Settings has no link." in page
    assert "target=" not in page
    for length in (15, 18):
        await org.configure(package={"registration_link": LINK, "id_length": length})
        link = LINK.replace("&", "&amp;") + fair[person][:length]
        assert f'href="{link}" target="_blank"' in (await org.http.get(place)).text


async def test_the_package_is_installed_changed_and_uninstalled_by_hand(org: OrgClient) -> None:
    assert "Nothing here yet." in (await org.http.get("/packages")).text
    session = await org.door("GET", "session")
    form = {"org": session["org_id"], "namespace": "evs", "registration_link": LINK}
    assert await press(org, "install-package", **form) == (302, f"/packages?org={form['org']}")
    page = (await org.http.get("/packages")).text
    shown = [
        "Eventship",
        "evs__Eventship_Key__c",
        "unique, external id",
        "Activity",
        "Ticket",
        "&amp;salesforce_id=",
    ]
    assert [text for text in shown if text not in page] == []
    assert (await press(org, "install-package", **{**form, "namespace": "otter"}))[0] == 302
    assert "evs__" not in (await org.http.get("/packages")).text
    assert await org.lead(otter__Eventship_Key__c="k")
    assert (await press(org, "uninstall-package", org=form["org"]))[0] == 302
    assert "Nothing here yet." in (await org.http.get("/packages")).text


@pytest.mark.parametrize(
    "form", [{"namespace": "no namespace"}, {"registration_link": "javascript:alert(1)"}, {"org": "nonsense"}]
)
async def test_a_package_that_cannot_be_is_refused(org: OrgClient, form: dict[str, str]) -> None:
    assert (await press(org, "install-package", **form))[0] == 400
    assert (await org.door("GET", "config"))["package"] is None


async def test_an_empty_org_says_so(org: OrgClient) -> None:
    assert "Nothing here yet." in (await org.http.get("/")).text


@pytest.mark.parametrize(
    "path", ["/campaigns/nonsense", "/?org=00D000000000000EAA", "/people?org=00D000000000000EAA"]
)
async def test_an_unknown_place_is_404(org: OrgClient, path: str) -> None:
    assert (await org.http.get(path)).status_code == 404


async def test_another_org_has_its_own_pages(org: OrgClient, fair: dict[str, str]) -> None:
    other = (await org.door("GET", "orgs"))["orgs"][1]
    page = (await org.http.get("/", params={"org": other["org_id"]})).text
    assert "Southwind Trading" in page
    assert "jane@example.com" not in page
    assert fair["lead"] not in page


async def press(org: OrgClient, action: str, /, site: str = "same-origin", **form: str) -> tuple[int, str]:
    headers = {"Sec-Fetch-Site": site}
    answer = await org.http.post(f"/actions/{action}", data=form, headers=headers)
    return answer.status_code, answer.headers.get("location", "")


async def test_a_fault_is_armed_and_disarmed_by_hand(org: OrgClient) -> None:
    form = {"kind": "error", "status": "500", "count": "2", "sobject": "Lead", "path": "", "message": "<b>"}
    assert await press(org, "arm", **form) == (302, "/faults")
    (rule,) = (await org.door("GET", "faults"))["faults"]
    assert (rule["kind"], rule["status"], rule["match"]["sobject"], rule["match"]["path"]) == (
        "error",
        500,
        "Lead",
        None,
    )
    page = (await org.http.get("/faults")).text
    assert "0 of 2" in page
    assert "sobject Lead" in page
    assert await press(org, "clear-faults") == (302, "/faults")
    assert "Nothing here yet." in (await org.http.get("/faults")).text


async def test_the_other_buttons_do_what_the_control_api_does(org: OrgClient) -> None:
    await org.lead()
    assert await press(org, "expire-sessions") == (302, "/faults")
    assert (await org.data("GET", "/limits")).status_code == 401
    assert await press(org, "settle") == (302, "/faults")
    assert await press(org, "reset") == (302, "/")
    assert (await org.door("GET", "records/Lead"))["totalSize"] == 0


async def test_a_button_of_another_site_does_nothing(org: OrgClient) -> None:
    await org.lead()
    assert await press(org, "reset", site="cross-site") == (403, "")
    assert (await org.door("GET", "records/Lead"))["totalSize"] == 1


@pytest.mark.parametrize(
    ("action", "form", "status"),
    [
        ("nonsense", {}, 404),
        ("arm", {"kind": "nonsense"}, 400),
        ("arm", {"kind": "error", "status": "9"}, 400),
    ],
    ids=["no action", "no kind", "no status"],
)
async def test_a_button_that_makes_no_sense_is_refused(
    org: OrgClient, action: str, form: dict[str, str], status: int
) -> None:
    assert await press(org, action, **form) == (status, "")
