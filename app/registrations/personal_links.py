"""Personalised registration links: the event's own page with the Salesforce id of whoever gets the link."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall
from app.api.errors import EventUrlMissing, FieldError, PayloadInvalid
from app.hosts.rows import require_event
from app.salesforce.ids import MalformedId, sobject_of, to18

PARAMETER: Final = "salesforce_id"
MERGE_FIELDS: Final = {
    "Lead": "{{{Recipient.Id}}}",
    "Contact": "{{{Recipient.Id}}}",
    "Account": "{{{Recipient.Id}}}",
    "Case": "{{{Case.Id}}}",
}
"""What a link may name, and what Salesforce puts in the place of its id when it sends an e-mail template."""
REFUSED: Final = {
    "format": "is not a Salesforce id of 15 or 18 characters",
    "checksum": "is not a Salesforce id: its last three characters do not fit",
}
OTHER_OBJECT: Final = "is not the id of a Lead, Contact, Account or Case"


class PersonalLink(BaseModel):
    """A registration link for one record; `snippet` is the same link for whoever gets an e-mail template."""

    url: str
    snippet: str


async def personal_link(call: EventCall, pasted: str) -> PersonalLink:
    """The event's link for this record; nobody looks whether the org has it.

    Raises EventNotFound, EventUrlMissing, PayloadInvalid.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        page = await registration_page(session, call.host_id, call.event_id)
    record_id, sobject = _named_record(pasted)
    snippet = with_salesforce_id(page, MERGE_FIELDS[sobject])
    return PersonalLink(url=with_salesforce_id(page, record_id), snippet=snippet)


async def registration_page(session: AsyncSession, host_id: str, event_id: str) -> str:
    """The address where people register for the event. Raises EventNotFound, EventUrlMissing."""
    event = await require_event(session, host_id, event_id)
    if not event.url:
        raise EventUrlMissing
    return event.url


def with_salesforce_id(page: str, value: str) -> str:
    """The page's address with this value for our parameter, which replaces any other; the rest is kept."""
    parts = urlsplit(page)
    others = [each for each in parts.query.split("&") if each and each.partition("=")[0] != PARAMETER]
    return urlunsplit(parts._replace(query="&".join([*others, f"{PARAMETER}={value}"])))


def _named_record(pasted: str) -> tuple[str, str]:
    """The 18-character id and its object. Raises PayloadInvalid for what no registration may name."""
    try:
        record_id = to18(pasted.strip())
    except MalformedId as error:
        raise _id_refused(REFUSED[error.reason]) from None
    sobject = sobject_of(record_id)
    if sobject not in MERGE_FIELDS:
        raise _id_refused(OTHER_OBJECT)
    return record_id, sobject


def _id_refused(message: str) -> PayloadInvalid:
    return PayloadInvalid(errors=[FieldError(path=f"query.{PARAMETER}", message=message)])
