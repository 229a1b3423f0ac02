"""Values as Salesforce's fields take them: lengths, names, companies. Pure."""

import re
from typing import Any

from app.salesforce.value_class import value_class
from app.sync.field_values.text import normalize_text, shortened, utf16_length
from app.sync.model.batch import Attendee
from app.sync.model.item_errors import ItemWarning
from app.sync.model.records import CASE, EVENT, LEAD, TASK
from app.text.email_address import plain_address
from app.user_messages.phrases import Phrase

# Standard lengths: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/
LENGTHS = {
    (LEAD, "FirstName"): 40,
    (LEAD, "LastName"): 80,
    (LEAD, "Company"): 255,
    (LEAD, "Title"): 128,
    (LEAD, "Phone"): 40,
    (LEAD, "Email"): 80,
    (TASK, "Subject"): 255,
    (TASK, "Description"): 32_000,
    (CASE, "Subject"): 255,
    (CASE, "SuppliedName"): 80,
    (CASE, "SuppliedPhone"): 40,
    (CASE, "SuppliedCompany"): 80,
    (EVENT, "Subject"): 255,
    (EVENT, "Location"): 255,
}
EMAIL_LENGTH = LENGTHS[LEAD, "Email"]
EMAIL = re.compile(r"""[^\s@<>(),;:\\"\[\]{}]+@(?:[^\s@<>(),;:\\"\[\]{}.]+\.)+[^\s@<>(),;:\\"\[\]{}.]{2,}""")
NEEDED_FIELDS = frozenset({"LastName", "Company", "Email"})
"""Fields that no Lead goes without: Salesforce requires them, or the person is found by it."""

NO_COMPANY = "[not provided]"
LEAD_SOURCE = "Eventship"
FREE_MAIL = """
aol.com bluewin.ch btinternet.com comcast.net duck.com email.com fastmail.com free.fr freenet.de gmail.com
gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es
hotmail.fr hotmail.it icloud.com inbox.com laposte.net libero.it live.co.uk live.com live.fr mac.com mail.com
mail.ru me.com msn.com naver.com orange.fr outlook.com outlook.de outlook.es outlook.fr pm.me proton.me
protonmail.com qq.com rocketmail.com sfr.fr t-online.de tutanota.com wanadoo.fr web.de yahoo.co.uk yahoo.com
yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com yandex.ru ymail.com zoho.com 126.com 163.com
"""
FREE_MAIL_DOMAINS = frozenset(FREE_MAIL.split())


@value_class(frozen=True)
class PersonName:
    """First and last name; Salesforce requires the last."""

    first: str | None
    last: str


def is_usable_email(email: str) -> bool:
    """Whether the address may be sent: well-formed and at most 80 characters. It is never cut."""
    return utf16_length(email) <= EMAIL_LENGTH and EMAIL.fullmatch(email) is not None


def person_name(attendee: Attendee) -> PersonName:
    """Return the names as given; else split the full name before its last word; else use the address."""
    first, last = normalize_text(attendee.first_name), normalize_text(attendee.last_name)
    if last:
        return PersonName(first, last)
    words = (normalize_text(attendee.name) or first or "").split()
    if words:
        return PersonName(" ".join(words[:-1]) or None, words[-1])
    return PersonName(None, normalize_text((attendee.email or "").partition("@")[0]) or "unknown")


def lead_company(attendee: Attendee) -> str:
    """As given; else the address's domain unless it is a free-mail domain; else `[not provided]`."""
    company = normalize_text(attendee.company)
    if company:
        return company
    domain = (attendee.email_key or "").rpartition("@")[2]
    return domain if domain and domain not in FREE_MAIL_DOMAINS else NO_COMPANY


def lead_fields(attendee: Attendee, dropped: frozenset[str]) -> tuple[dict[str, Any], list[ItemWarning]]:
    """Return the fields of a new Lead without the `dropped` ones, and warnings about what was changed.

    A needed field was dropped under rules that the host gave up since: it is written all the same.
    """
    dropped = dropped - NEEDED_FIELDS
    name = person_name(attendee)
    wanted = {
        "FirstName": name.first,
        "LastName": name.last,
        "Company": lead_company(attendee),
        "Email": plain_address(attendee.email),
        "Title": normalize_text(attendee.job_title),
        "Phone": normalize_text(attendee.phone),
        "LeadSource": LEAD_SOURCE,
    }
    fields, warnings = {}, [dropped_field_warning(LEAD, field) for field in sorted(dropped)]
    for field, value in wanted.items():
        if value is None or field in dropped:
            continue
        fields[field] = truncate(LEAD, field, value)
        if fields[field] != value:
            text = Phrase("note.cut", length=LENGTHS[LEAD, field])
            warnings.append(ItemWarning("value_cut", LEAD, field, text))
    if not normalize_text(attendee.company):
        text = Phrase("note.no_company", value=fields["Company"])
        warnings.append(ItemWarning("fallback_used", LEAD, "Company", text))
    return fields, warnings


def truncate(sobject: str, field: str, value: str) -> str:
    """The value within the field's length, counted as Salesforce does, in UTF-16 units."""
    return shortened(value, LENGTHS.get((sobject, field), 0))


def dropped_field_warning(sobject: str, field: str) -> ItemWarning:
    return ItemWarning("picklist_dropped", sobject, field, Phrase("note.value_not_taken"))
