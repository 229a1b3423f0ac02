"""Client of the simulator's control API: records, call counts and faults of the simulated org."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx

from devtools.demo.scenario import RULE_MESSAGE, SEEDED, TITLE, Seeded

CAMPAIGN_STATUSES = (("Registered", 3, False), ("Attended", 4, True), ("No Show", 5, False))
INVITED = "Sent"
BLOCK_RULE = {
    "sobject": "Lead",
    "name": "Leads_that_look_alike",
    "action": "block",
    "matching": "fuzzy",
    "fields": [],
    "against": ["Lead"],
    "message": "A Lead like this one exists.",
}
VALIDATION_RULE = {
    "sobject": "Lead",
    "when": "Phone LIKE '555%'",
    "message": RULE_MESSAGE,
    "field": "Phone",
}

Row = Mapping[str, Any]


class SimulatorRefused(Exception):
    """The simulator's control API refused a request."""


@dataclass(frozen=True)
class Prepared:
    """What was put into the org: the person behind each seeded key, and the campaign."""

    people: Mapping[str, str]
    campaign_id: str


class SimulatorClient:
    """The `/_simulator` endpoints; nothing here counts as an API call."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/_simulator", transport=transport, trust_env=False, timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def records(self, sobject: str) -> list[dict[str, Any]]:
        """Every living row of an object, with all its fields."""
        rows: list[dict[str, Any]] = self._call("GET", f"records/{sobject}")["records"]
        return [row for row in rows if not row.get("IsDeleted")]

    def calls(self) -> int:
        """API calls so far, as Salesforce counts them."""
        total: int = self._call("GET", "calls")["total"]
        return total

    def configure(self, **changes: Any) -> None:
        """Change the org's rules; what is not named stays."""
        self._call("PUT", "config", json=changes)

    def arm(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Let requests meet trouble."""
        self._call("POST", "faults", json=list(faults))

    def fired(self) -> list[int]:
        """How often each armed fault has met a request."""
        return [fault["fired"] for fault in self._call("GET", "faults")["faults"]]

    def insert(self, sobject: str, *rows: Row) -> list[str]:
        """Put rows in past every rule; their ids."""
        ids: list[str] = self._call("POST", f"records/{sobject}", json=list(rows))["ids"]
        return ids

    def convert(self, lead_id: str, contact_id: str) -> None:
        self._call("POST", "convert", json={"leadId": lead_id, "contactId": contact_id})

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        answer = self._http.request(method, path, **request)
        if not answer.is_success:
            raise SimulatorRefused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        body: dict[str, Any] = answer.json()
        return body


def campaign_in(org: SimulatorClient) -> str | None:
    """The scenario's campaign, when an earlier run put it there."""
    found = [row["Id"] for row in org.records("Campaign") if row["Name"] == TITLE]
    return found[0] if found else None


def prepare(org: SimulatorClient) -> Prepared:
    """Put the scenario's people, campaign and rules into an org that has none of them."""
    (campaign_id,) = org.insert("Campaign", {"Name": TITLE, "Type": "Conference", "IsActive": True})
    for label, order, has_responded in CAMPAIGN_STATUSES:
        status = {"CampaignId": campaign_id, "Label": label, "SortOrder": order}
        org.insert("CampaignMemberStatus", status | {"HasResponded": has_responded, "IsDefault": False})
    people = {seeded.key: _insert_person(org, seeded, campaign_id) for seeded in SEEDED}
    org.configure(duplicate_rules=[BLOCK_RULE], validation_rules=[VALIDATION_RULE])
    return Prepared(people, campaign_id)


def _insert_person(org: SimulatorClient, seeded: Seeded, campaign_id: str) -> str:
    created = {"CreatedDate": f"{seeded.year}-03-01T09:00:00+00:00"}
    (person_id,) = org.insert(seeded.sobject, {**seeded.fields, **created})
    if seeded.is_invited:
        org.insert("CampaignMember", {"CampaignId": campaign_id, "LeadId": person_id, "Status": INVITED})
    return _converted(org, seeded, person_id) if seeded.is_converted else person_id


def _converted(org: SimulatorClient, seeded: Seeded, lead_id: str) -> str:
    # The Contact has another address by now: only the converted Lead leads to it.
    name = {field: seeded.fields[field] for field in ("FirstName", "LastName")}
    (contact_id,) = org.insert("Contact", {**name, "Email": "moved.on@now.example"})
    org.convert(lead_id, contact_id)
    return contact_id
