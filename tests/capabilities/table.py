"""What hosts may expect of people and fields, in which systems they know it, and what shows that it works."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities import emails, fields, going_live, meetings, owners, people, switches

INWINK, LIVESTORM, ONCEHUB, SUPERSEND, EVENTSHIP = "inwink", "Livestorm", "OnceHub", "SuperSend", "Eventship"


@dataclass(frozen=True)
class Capability:
    """One row of the comparison of systems.

    `known_from` are the systems that state it, `chosen_by` is what turns it on, in a mapping or elsewhere.
    """

    number: int
    what: str
    known_from: tuple[str, ...]
    chosen_by: str
    check: Callable[[MappingDashboard], Awaitable[None]]


ALWAYS: Final = "always"
CAPABILITIES: Final = (
    Capability(
        48,
        "E-mail, first and last name, position, company (Leads only) and the status in the campaign, unasked",
        (INWINK, LIVESTORM, ONCEHUB),
        ALWAYS,
        fields.default_fields,
    ),
    Capability(
        49,
        "Answers, UTM values and more in standard and custom fields of Leads and Contacts",
        (INWINK, LIVESTORM, ONCEHUB),
        "`fields`",
        fields.custom_fields_of_people,
    ),
    Capability(
        50,
        "Fields of campaign members, with what happened at the event",
        (INWINK, LIVESTORM),
        "`fields` of CampaignMember",
        fields.fields_of_members,
    ),
    Capability(
        51,
        "Match only: nobody is created, known people get their history",
        (INWINK, SUPERSEND),
        "`people.create: nobody`",
        people.nobody_is_created,
    ),
    Capability(
        52,
        "Existing people are updated with what they registered with",
        (INWINK, LIVESTORM, ONCEHUB),
        "`people.update_existing`",
        people.people_who_stand_are_updated_on_request,
    ),
    Capability(
        53,
        "One way: nothing flows back, and what a salesperson corrects stays",
        (EVENTSHIP, INWINK, LIVESTORM, SUPERSEND),
        ALWAYS,
        people.nothing_flows_back,
    ),
    Capability(
        54,
        "Registering, attending and watching the replay each write",
        (LIVESTORM,),
        "the campaign's statuses",
        fields.registration_attendance_and_replay_write,
    ),
    Capability(
        55,
        "A Contact is taken before a Lead of the same e-mail",
        (LIVESTORM,),
        ALWAYS,
        people.contacts_win_over_leads,
    ),
    Capability(
        56,
        "Of several matches the oldest is taken",
        (LIVESTORM,),
        ALWAYS,
        people.the_oldest_of_several_is_taken,
    ),
    Capability(
        57,
        "Contacts are created in place of Leads",
        (LIVESTORM, ONCEHUB),
        "`people.create: contact`",
        people.contacts_are_created_instead_of_leads,
    ),
    Capability(
        58,
        "Contacts belong to the Account of their company: matched, created if there is none, none if blank",
        (LIVESTORM,),
        "`people.create: contact`",
        people.contacts_get_the_account_of_their_company,
    ),
    Capability(
        59,
        "A Lead without a company gets the domain of the e-mail, or a text that says so",
        (LIVESTORM, ONCEHUB),
        ALWAYS,
        people.a_lead_without_a_company_gets_one,
    ),
    Capability(
        60,
        "Required fields without a value get one, told on the row",
        (LIVESTORM, ONCEHUB),
        "`fallback` of a field, `people.fill_required`",
        people.required_fields_get_a_value,
    ),
    Capability(
        61,
        "Replay attendance in a field of its own on the campaign member",
        (LIVESTORM,),
        "`fields` from `replay.…`",
        fields.replay_in_a_field_of_its_own,
    ),
    Capability(
        62,
        "A missing permission or a validation rule that keeps a Campaign from being made is named",
        (LIVESTORM,),
        "the preflight, and the event's campaign",
        going_live.what_keeps_a_campaign_from_being_made,
    ),
    Capability(
        63,
        "A calendar Event for each meeting, with start, end and place",
        (ONCEHUB,),
        "`writes.calendar_event`, and `calendar_event` of the settings",
        meetings.meetings_stand_in_the_calendar,
    ),
    Capability(
        64,
        "The same Event follows what happens: Scheduled, Rescheduled, Completed, Canceled, No-show",
        (ONCEHUB,),
        "`writes.calendar_event`",
        meetings.one_calendar_event_follows_what_happens,
    ),
    Capability(
        65,
        "Fields for the Event's status and the reason of a cancellation or move, ready-made or mapped",
        (ONCEHUB,),
        "the package, or `fields` of Event from `calendar.status` and `calendar.reason`",
        meetings.status_and_reason_have_fields,
    ),
    Capability(
        66,
        "Person Accounts, with activities and members on their contact",
        (ONCEHUB,),
        "`people.create: person_account`",
        people.people_may_be_person_accounts,
    ),
    Capability(
        67,
        "A Case for each meeting, closed when it took place; and the link of a Case names its Contact",
        (ONCEHUB,),
        "`writes.case`, and `case` of the settings",
        meetings.meetings_become_cases,
    ),
    Capability(
        68,
        "Required fields without a value are listed before going live",
        (ONCEHUB,),
        "the mapping, and the preflight",
        going_live.required_fields_are_listed_before_going_live,
    ),
    Capability(
        69,
        "Fields of every type: text, numbers, checkboxes, picklists, multi-selects, days, moments, addresses",
        (ONCEHUB,),
        "`fields`",
        fields.fields_of_every_type,
    ),
    Capability(
        70,
        "Override or only where empty, field by field; and who owns new people",
        (ONCEHUB,),
        "`mode` of a field, `owner`",
        fields.override_or_only_where_empty_and_who_owns,
    ),
    Capability(
        71,
        "Each user connects a personal Salesforce account, which then owns what they organize",
        (ONCEHUB,),
        "*Connect my Salesforce user*, and `task.owner`",
        owners.each_user_connects_a_personal_account,
    ),
    Capability(
        72,
        "Record types per object, for the host and for one event",
        (ONCEHUB,),
        "`record_types`",
        fields.record_types_of_host_and_event,
    ),
    Capability(
        73,
        "A personalised link's Salesforce Id names the person, whatever e-mail is typed",
        (ONCEHUB,),
        "`salesforce_id` of a registration",
        people.a_salesforce_id_in_the_link_names_the_person,
    ),
    Capability(
        78,
        "E-mails sent, opened and replied on the person's timeline, as EmailMessage or Task",
        (SUPERSEND,),
        "`writes.email_…`, `email.as`",
        emails.emails_are_on_the_timeline,
    ),
    Capability(
        79,
        "Each kind of write, and an event as a whole, switched for one event over the host's choice",
        (SUPERSEND,),
        "`writes` and `enabled` of an event, on its page",
        switches.kinds_of_write_are_switched_for_one_event,
    ),
    Capability(
        80,
        "All events in one table, and many changed at once after a try",
        (SUPERSEND,),
        "the page of all events",
        switches.many_events_are_changed_at_once,
    ),
)
