"""E-mails that were deleted by hand are missing, as what they were written as, and come back once."""

import pytest

from tests.integration.sync.test_emails import ALL, switch_on, told
from tests.integration.verification.conftest import Verifier


async def with_emails(verifier: Verifier, *, as_: str = "auto") -> str:
    await switch_on(verifier.rig, as_=as_)
    [reg] = await verifier.written()
    await told(verifier.rig, reg, ALL)
    await verifier.rig.drain()
    return reg


async def ours(verifier: Verifier) -> list[str]:
    """Subjects of the Tasks that carry our reference: what Salesforce makes for an EmailMessage does not."""
    rows = await verifier.rig.records("Task")
    return sorted(row["Subject"] for row in rows if "Ref: EVS-" in (row["Description"] or ""))


@pytest.mark.parametrize("as_", ["auto", "task"])
async def test_emails_that_stand_are_in_order(verifier: Verifier, as_: str) -> None:
    await with_emails(verifier, as_=as_)
    shown = await verifier.verify()
    assert (shown.items, shown.api_calls <= 2) == ([], True)


@pytest.mark.parametrize(
    ("as_", "slot", "sobject"),
    [
        ("auto", "email_sent", "EmailMessage"),
        ("auto", "email_replied", "EmailMessage"),
        ("auto", "email_opened", "Task"),
        ("task", "email_sent", "Task"),
    ],
)
async def test_a_deleted_email_comes_back_once(verifier: Verifier, as_: str, slot: str, sobject: str) -> None:
    reg = await with_emails(verifier, as_=as_)
    gone = await verifier.record(reg, slot)
    before = len(await verifier.rig.records("EmailMessage")), await ours(verifier)
    await verifier.rig.delete(sobject, gone)
    await verifier.verify()
    assert await verifier.kinds() == [(reg, "missing_email")]
    await verifier.repair()
    await verifier.rig.drain()
    assert await verifier.record(reg, slot) != gone
    assert (len(await verifier.rig.records("EmailMessage")), await ours(verifier)) == before
    assert (await verifier.verify()).items == []
