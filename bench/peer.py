"""The plain script: what one writes with simple-salesforce in an afternoon, one attendee after the other."""

from dataclasses import dataclass
from typing import Any

import requests
from simple_salesforce.api import Salesforce

from bench.rig import Org
from bench.stage import lead


class PlainHttp(requests.Session):
    """simple-salesforce always says https; a simulator on this machine speaks http."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(method, str(url).replace("https://", "http://", 1), *args, **kwargs)


@dataclass(frozen=True)
class Script:
    """Finds or creates each attendee, adds a Task and the membership of the campaign."""

    salesforce: Any
    campaign_id: str

    @classmethod
    def of(cls, org: Org) -> "Script":
        session = org.session
        [campaign_id] = org.insert("Campaign", [{"Name": "Script", "IsActive": True}])
        salesforce = Salesforce(
            instance_url=org.url,
            session_id=session["access_token"],
            version="62.0",
            session=PlainHttp(),
        )
        return cls(salesforce, campaign_id)

    def add(self, number: int) -> None:
        """Write one attendee."""
        wanted = lead(number)
        kind, person_id = self._person(wanted)
        self.salesforce.Task.create(
            {"WhoId": person_id, "Subject": "Registered: Autumn Summit", "Status": "Completed"}
        )
        self.salesforce.CampaignMember.create(
            {"CampaignId": self.campaign_id, f"{kind}Id": person_id, "Status": "Sent"}
        )

    def _person(self, wanted: dict[str, Any]) -> tuple[str, str]:
        for kind in ("Contact", "Lead"):
            soql = f"SELECT Id FROM {kind} WHERE Email = '{wanted['Email']}' LIMIT 1"
            found = self.salesforce.query(soql)["records"]
            if found:
                return kind, str(found[0]["Id"])
        return "Lead", str(self.salesforce.Lead.create(wanted)["id"])
