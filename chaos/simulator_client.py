"""Client of the simulator's control API, org by org: records, seeding and faults."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

Row = dict[str, Any]


class SimulatorRefused(Exception):
    """The simulator's control API refused a request."""


class SimulatorClient:
    """Straight to the simulator, past every proxy; nothing here counts as an API call."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}/_simulator", trust_env=False, timeout=60)

    def org_ids(self) -> list[str]:
        return [str(org["org_id"]) for org in self._call("GET", "orgs")["orgs"]]

    def session(self, org_id: str) -> Row:
        """A living grant on an org, with its tokens."""
        return self._call("GET", "session", org_id)

    def records(self, sobject: str, org_id: str) -> list[Row]:
        """Every living row of an object."""
        rows: list[Row] = self._call("GET", f"records/{sobject}", org_id)["records"]
        return [row for row in rows if not row.get("IsDeleted")]

    def seed(self, sobject: str, org_id: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Put rows in past every rule; their ids."""
        ids: list[str] = self._call("POST", f"records/{sobject}", org_id, json=list(rows))["ids"]
        return ids

    def configure(self, org_id: str, **switches: Any) -> None:
        self._call("PUT", "config", org_id, json=switches)

    def arm(self, *faults: Mapping[str, Any]) -> None:
        """Let requests meet trouble, for ever unless a fault says how often."""
        self._call("POST", "faults", json=list(faults))

    def disarm(self) -> None:
        self._call("DELETE", "faults")

    def faults(self) -> list[Row]:
        """The armed faults, each with how often it has met a request (`fired`)."""
        faults: list[Row] = self._call("GET", "faults")["faults"]
        return faults

    def fired(self) -> list[int]:
        """How often each armed fault has met a request."""
        return [fault["fired"] for fault in self.faults()]

    def late(self) -> int:
        """Writes that have not landed yet."""
        count: int = self._call("GET", "faults")["late"]
        return count

    def revoke(self, org_id: str) -> None:
        """End every grant on an org, as its administrator would."""
        self._call("POST", "revoke", org_id)

    def calls(self, org_id: str) -> int:
        """API calls of an org so far, as Salesforce counts them."""
        total: int = self._call("GET", "calls", org_id)["total"]
        return total

    def reset(self) -> None:
        """Every org back to its first day."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, org_id: str | None = None, **request: Any) -> Row:
        params = {"org": org_id} if org_id else {}
        answer = self._http.request(method, path, params=params, **request)
        if not answer.is_success:
            raise SimulatorRefused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        body: Row = answer.json()
        return body
