"""Pages of a query, and searches."""

import pytest

from support.client import OrgClient


class TestPaging:
    async def test_pages_follow_their_locator(self, org: OrgClient) -> None:
        await org.seed("Lead", *({"LastName": f"L{n}"} for n in range(450)))
        first = (await org.query("SELECT Id FROM Lead", Sforce_Query_Options="batchSize=200")).json()
        assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
        seen = [row["Id"] for row in first["records"]]
        url = first["nextRecordsUrl"]
        assert url.startswith("/services/data/v62.0/query/0r8")
        assert url.endswith("-200")
        page = first
        while url:
            page = (await org.data("GET", url.removeprefix(org.root))).json()
            seen += [row["Id"] for row in page["records"]]
            url = page.get("nextRecordsUrl")
        assert len(set(seen)) == 450
        assert page["done"] is True
        assert "nextRecordsUrl" not in page

    @pytest.mark.parametrize(
        ("option", "size"),
        [("batchSize=5", 200), ("batchSize=9999", 2000), ("nonsense", 2000), ("batchSize=x", 2000)],
    )
    async def test_the_page_size_is_a_hint_within_limits(
        self, org: OrgClient, option: str, size: int
    ) -> None:
        await org.seed("Lead", *({"LastName": "L"} for _ in range(2100)))
        page = (await org.query("SELECT Id FROM Lead", Sforce_Query_Options=option)).json()
        assert len(page["records"]) == size

    @pytest.mark.parametrize("locator", ["0r85g0000000009EAA-200", "0r85g0000000001EAA-x", "nonsense"])
    async def test_an_unknown_locator_is_refused(self, org: OrgClient, locator: str) -> None:
        await org.seed("Lead", *({"LastName": "L"} for _ in range(201)))
        await org.query("SELECT Id FROM Lead", Sforce_Query_Options="batchSize=200")
        answer = await org.data("GET", f"/query/{locator}")
        expected = [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
        assert (answer.status_code, answer.json()) == (400, expected)

    async def test_the_eleventh_cursor_closes_the_first(self, org: OrgClient) -> None:
        await org.seed("Lead", *({"LastName": "L"} for _ in range(201)))
        urls = [
            (await org.query("SELECT Id FROM Lead", Sforce_Query_Options="batchSize=200")).json()[
                "nextRecordsUrl"
            ]
            for _ in range(11)
        ]
        statuses = [(await org.data("GET", url.removeprefix(org.root))).status_code for url in urls]
        assert statuses == [400] + [200] * 10


class TestSearch:
    async def test_post_and_get_find_by_email(self, org: OrgClient) -> None:
        lead_id = await org.lead(Email="jane@example.com")
        await org.create("Contact", LastName="Jane")
        asked = {
            "q": "jane@example.com",
            "in": "EMAIL",
            "fields": ["Id"],
            "sobjects": [{"name": "Lead", "fields": ["Id", "IsConverted"]}, {"name": "Contact"}],
        }
        posted = (await org.data("POST", "/parameterizedSearch", asked)).json()
        path = "/parameterizedSearch?q=jane%40example.com&in=EMAIL&sobject=Lead&Lead.fields=id,IsConverted"
        assert (await org.data("GET", path)).json() == posted
        url = f"/services/data/v62.0/sobjects/Lead/{lead_id}"
        row = {"attributes": {"type": "Lead", "url": url}, "Id": lead_id, "IsConverted": False}
        assert posted == {"searchRecords": [row]}

    async def test_a_short_term_is_refused(self, org: OrgClient) -> None:
        answer = await org.data("POST", "/parameterizedSearch", {"q": "j"})
        assert answer.json()[0]["errorCode"] == "MALFORMED_SEARCH"


async def test_a_search_finds_whole_words_as_they_are_now(org: OrgClient) -> None:
    lead_id = await org.lead(FirstName="Jane", Email="jane@example.com")
    await org.data("PATCH", f"/sobjects/Lead/{lead_id}", {"Email": "roe@example.com"})
    sizes = []
    for text in ("jane@example.com", "roe@example.com", "EXAMPLE.com", "exam"):
        answer = await org.data("GET", f"/parameterizedSearch?q={text}&sobject=Lead&in=EMAIL")
        sizes.append(len(answer.json()["searchRecords"]))
    assert sizes == [0, 1, 1, 0]
    everywhere = await org.data("GET", "/parameterizedSearch?q=jane&sobject=Lead")
    assert [row["Id"] for row in everywhere.json()["searchRecords"]] == [lead_id]
