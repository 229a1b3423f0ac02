"""Which object does what by itself around a write; each object's rules stand in a file of their own."""

from collections.abc import Callable, Mapping

from salesforce_simulator.org import Org
from salesforce_simulator.rules import (
    activities,
    calendar_events,
    campaigns,
    cases,
    email_messages,
    lead_conversion,
    names,
    person_accounts,
)
from salesforce_simulator.store import Row

_BeforeInsert = Callable[[Org, Row, str], Row]
_BeforeUpdate = Callable[[Org, Row, Row], Row]
_After = Callable[[Org, Row], None]
_Editable = Callable[[Org, Row, Row], None]
_AfterUpdate = Callable[[Org, Row, Row], None]

_CHANGED: Mapping[str, Callable[[Row, Row], Row]] = {"Event": calendar_events.changed}
_BEFORE_INSERT: Mapping[str, tuple[_BeforeInsert, ...]] = {
    "Lead": (names.on_insert,),
    "Account": (person_accounts.account_on_insert,),
    "Contact": (person_accounts.contact_on_insert, names.on_insert),
    "User": (names.on_insert,),
    "Task": (activities.task_on_insert,),
    "Event": (calendar_events.on_insert,),
    "Case": (cases.on_insert,),
    "EmailMessage": (email_messages.on_insert,),
    "EmailMessageRelation": (email_messages.relation_on_insert,),
    "CampaignMember": (campaigns.member_on_insert,),
    "CampaignMemberStatus": (campaigns.status_on_insert,),
}
_BEFORE_UPDATE: Mapping[str, tuple[_BeforeUpdate, ...]] = {
    "Lead": (names.on_update,),
    "Account": (person_accounts.account_on_update,),
    "Contact": (person_accounts.contact_on_update, names.on_update),
    "User": (names.on_update,),
    "Task": (activities.task_on_update,),
    "Event": (calendar_events.on_update,),
    "Case": (cases.on_update,),
    "CampaignMember": (campaigns.member_on_update,),
    "CampaignMemberStatus": (campaigns.status_on_update,),
}
_AFTER_INSERT: Mapping[str, tuple[_After, ...]] = {
    "Account": (person_accounts.account_after_insert,),
    "EmailMessage": (email_messages.after_insert,),
    "Lead": (lead_conversion.after_insert,),
    "Campaign": (campaigns.campaign_after_insert,),
    "CampaignMemberStatus": (campaigns.status_after_write,),
}
_AFTER_UPDATE: Mapping[str, tuple[_AfterUpdate, ...]] = {
    "EmailMessage": (email_messages.after_update,),
    "Account": (person_accounts.account_after_update,),
    "Contact": (person_accounts.contact_after_update,),
    "CampaignMemberStatus": (campaigns.status_after_update,),
}
_BEFORE_DELETE: Mapping[str, tuple[_After, ...]] = {
    "Contact": (person_accounts.contact_before_delete,),
    "CampaignMemberStatus": (campaigns.status_before_delete,),
}
_EDITABLE: Mapping[str, _Editable] = {
    "EmailMessage": email_messages.check_editable,
    "Lead": lambda org, before, changes: lead_conversion.check_editable(org, before),
}


def changed(name: str, before: Row, changes: Row) -> Row:
    """A row as a write changes it, before any rule."""
    change = _CHANGED.get(name)
    return change(before, changes) if change else {**before, **changes}


def before_insert(org: Org, name: str, row: Row, user_id: str) -> Row:
    for rule in _BEFORE_INSERT.get(name, ()):
        row = rule(org, row, user_id)
    return row


def before_update(org: Org, name: str, before: Row, row: Row) -> Row:
    for rule in _BEFORE_UPDATE.get(name, ()):
        row = rule(org, before, row)
    return row


def after_insert(org: Org, name: str, row: Row) -> None:
    for rule in _AFTER_INSERT.get(name, ()):
        rule(org, row)


def after_update(org: Org, name: str, before: Row, row: Row) -> None:
    for rule in _AFTER_UPDATE.get(name, ()):
        rule(org, before, row)


def before_delete(org: Org, name: str, row: Row) -> None:
    for rule in _BEFORE_DELETE.get(name, ()):
        rule(org, row)


def check_editable(org: Org, name: str, before: Row, changes: Row) -> None:
    """Raise when a row as it stands refuses the changes, or every change."""
    check = _EDITABLE.get(name)
    if check:
        check(org, before, changes)
