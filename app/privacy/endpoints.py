"""The host's door for erasing an attendee."""

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import Id64
from app.api.calls import AdminCall
from app.infrastructure.database import database_now
from app.models import Connection, WrittenRecord
from app.privacy.erasure import ErasureRequest, erase
from app.salesforce.allowed_hosts import record_url
from app.text.email_address import plain_address

router = APIRouter(prefix="/v1/hosts/{host_id}/attendees", tags=["attendees"])

IDS_AT_ONCE = 10_000


class AttendeeToErase(BaseModel):
    """Who, by the platform's id, by e-mail, or both."""

    model_config = ConfigDict(extra="forbid")

    id: Id64 | None = Field(None, examples=["per_51"])
    email: Annotated[str, Field(max_length=320, pattern=r"^[^\x00]*$")] | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.id and not plain_address(self.email):
            raise ValueError("needs an id or an email")
        return self


class EraseAttendee(BaseModel):
    model_config = ConfigDict(extra="forbid")

    attendee: AttendeeToErase


class RecordToHandle(BaseModel):
    """A record that stays in Salesforce; `url` is null where its org is not the connected one."""

    object: str
    id: str
    url: str | None


class Erased(BaseModel):
    """How many registrations were emptied, and what the host must handle in Salesforce itself."""

    registrations: int
    salesforce_records: list[RecordToHandle]


@router.post("/erase", status_code=202)
async def erase_attendee(call: AdminCall, body: EraseAttendee) -> Erased:
    """Take the attendee's personal data out of every place where we hold it, and keep it out.

    Records in Salesforce are the host's: they are listed, not touched. Asking again lists them again.
    """
    async with call.resources.database.system() as session:
        wish = ErasureRequest(
            call.host_id, await database_now(session), body.attendee.id, body.attendee.email
        )
        erased = await erase(session, wish, pepper=call.resources.settings.hash_pepper, by=call.user_id)
        records = await _records(session, call.host_id, erased)
    return Erased(registrations=len(erased), salesforce_records=records)


async def _records(session: AsyncSession, host_id: str, registration_ids: list[str]) -> list[RecordToHandle]:
    connection = await session.get(Connection, host_id)
    columns = (WrittenRecord.sobject, WrittenRecord.sf_id, WrittenRecord.org_id)
    query = (
        select(*columns)
        .where(WrittenRecord.host_id == host_id, WrittenRecord.sf_id.is_not(None))
        .where(WrittenRecord.registration_id.in_(registration_ids[:IDS_AT_ONCE]))
        .distinct()
        .order_by(*columns)
    )
    return [
        RecordToHandle(
            object=row.sobject,
            id=row.sf_id,
            url=record_url(connection.instance_url, row.sobject, row.sf_id)
            if connection is not None and connection.org_id == row.org_id
            else None,
        )
        for row in await session.execute(query)
    ]
