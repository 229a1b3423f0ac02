"""What a preflight may find: severity, what will happen, and what to do about it, for people."""

from typing import Final, NamedTuple

from app.user_messages.connections import ATTEMPT_ROWS, HINT_ROWS, REASON_ROWS
from app.user_messages.row import AdviceRow

MAPPING: Final = "/docs/connecting#preflight"
KNOWN: Final = frozenset(row[0] for row in (*REASON_ROWS, *ATTEMPT_ROWS, *HINT_ROWS))


class FindingRow(NamedTuple):
    """One kind of finding; `{object}`, `{field}` and `{label}` are filled in from the org."""

    code: str
    severity: str
    area: str
    title: str
    consequence: str
    explanation: str
    steps: tuple[str, ...]
    link: str = MAPPING


PROFILE: Final = "Change it in the user's profile or permission set, under Object Settings → {object}."
FIELD_ACCESS: Final = "Make it editable under Object Settings → {object} → Field Permissions."
NO_EDITION: Final = "No registration can be written while this lasts; they wait and none is lost."
MORE_CALLS: Final = "As many registrations need more calls of the day's allowance; none fails for it."

FINDING_ROWS: Final[tuple[FindingRow, ...]] = (
    FindingRow(
        "edition_without_api", "blocker", "access", "This Salesforce edition has no API", NO_EDITION,
        "{edition} does not expose the API at any tier, whatever is configured in Salesforce.",
        ("Upgrade to Enterprise, or to Professional with the API add-on.",), "/docs/connecting#editions",
    ),
    FindingRow(
        "edition_needs_api_addon", "blocker", "access", "Professional Edition needs the API add-on",
        NO_EDITION, "Salesforce switches the API on in Professional Edition only with its paid add-on.",
        ("Ask your Salesforce account executive for the API add-on.",), "/docs/connecting#editions",
    ),
    FindingRow(
        "api_not_enabled_for_user", "blocker", "access",
        "The connected Salesforce user may not use the API", NO_EDITION,
        "The user's profile or permission set does not allow the API.",
        ("Tick API Enabled under System Permissions of the user's profile.",),
        "/docs/connecting#api_disabled",
    ),
    FindingRow(
        "api_disabled", "blocker", "access", "This Salesforce org does not allow API access", NO_EDITION,
        "Salesforce switches the API on for certain editions only, and for users whose profile allows it.",
        ("Look up the edition under Setup → Company Information.",), "/docs/connecting#api_disabled",
    ),
    FindingRow(
        "could_not_look", "warning", "connection", "Salesforce could not be asked",
        "Nothing is known yet; registrations are written as far as Salesforce allows.",
        "Salesforce did not answer, or refused the questions that a preflight asks.",
        ("Run the preflight again in some minutes.",), "/docs/connecting#preflight",
    ),
    FindingRow(
        "fact_unknown", "note", "connection", "Salesforce did not say {label}",
        "Nothing is assumed; what depends on it shows as registrations are written.",
        "The connected user may not look at it, or the question took Salesforce too long.",
        ("Run the preflight again, or look it up in Salesforce's Setup.",),
    ),
    FindingRow(
        "object_not_readable", "blocker", "permissions", "The connected user cannot see {object}",
        "What needs {object} cannot be found or written.",
        "Salesforce hides the object {object} from the user who connected.",
        ("Give the user Read on {object}.", PROFILE),
    ),
    FindingRow(
        "email_not_searchable", "blocker", "permissions", "{object} cannot be looked for by e-mail",
        "Nobody is created; registrations wait, unless a Salesforce id or an external id names the person.",
        "Salesforce hides {field} on {object} from the connected user, or does not let it be searched.",
        (
            "Make it visible under Object Settings → {object} → Field Permissions.",
            "If the field is encrypted, choose the deterministic scheme, which can be filtered.",
        ),
    ),
    FindingRow(
        "lookup_refused", "blocker", "permissions", "Salesforce refuses to let {object} be looked for",
        "Registrations wait until the connected user may look; none is lost.",
        "Salesforce answered {error_code} to a query: a permission or a security policy forbids it.",
        ("Show this to your Salesforce admin.", "Give the connected user access to {object} and its fields."),
    ),
    FindingRow(
        "object_not_createable", "blocker", "permissions", "The connected user cannot create {object}",
        "Every new {object} will be refused by Salesforce.",
        "The user who connected lacks Create on {object}.",
        ("Give the user Create on {object}.", PROFILE),
    ),
    FindingRow(
        "object_not_updateable", "warning", "permissions", "The connected user cannot change {object}",
        "Changes of what already stands in {object} will be refused.",
        "The user who connected lacks Edit on {object}.", ("Give the user Edit on {object}.", PROFILE),
    ),
    FindingRow(
        "field_not_writeable", "warning", "permissions", "{object}: {label} cannot be written",
        "{label} is left out of every new {object}.",
        "Field-level security hides the field from the user who connected, or makes it read-only.",
        (FIELD_ACCESS,),
    ),
    FindingRow(
        "needed_field_not_writeable", "blocker", "permissions", "{object}: {label} cannot be written",
        "Every new {object} will be refused by Salesforce.",
        "Field-level security hides the field from the user who connected, or makes it read-only.",
        (FIELD_ACCESS,),
    ),
    FindingRow(
        "marketing_user_missing", "warning", "permissions", "Marketing User is not ticked",
        "Campaigns cannot be created; where members are refused, too, they wait and no link breaks.",
        "Salesforce asks for the feature licence Marketing User before somebody may create campaigns.",
        ("Tick Marketing User under Setup → Users → the connected user.",),
    ),
    FindingRow(
        "required_field_without_value", "blocker", "mapping", "{object} needs a value for {label}",
        "Every new {object} will be refused by Salesforce.",
        "The field is required in your org and nothing is mapped to it.",
        (
            "Map a field or a fixed value to {label}.",
            "Or let required fields be filled by their type.",
            "Or make the field optional in Salesforce.",
        ),
        "/docs/mapping#required",
    ),
    FindingRow(
        "required_field_filled", "warning", "mapping", "{object}: {label} gets a fall-back value",
        "Every new {object} says [not provided], or another value of the field's type, there.",
        "The field is required in your org, nothing is mapped to it, and you let such fields be filled.",
        ("Map a field or a fixed value to {label}.",), "/docs/mapping#required",
    ),
    FindingRow(
        "mapping_unfit", "warning", "mapping", "The mapping does not fit your org",
        "Values are left out, or registrations that need them fail.", "{label}",
        ("Correct it in the mapping, or in Salesforce.", "Saving the mapping retries what failed."),
        "/docs/mapping#wrong",
    ),
    FindingRow(
        "record_type_choice", "note", "mapping", "{object} has several record types",
        "New records get the default record type of the connected user.",
        "Record types decide which layout and which choices your team sees.",
        (
            "Choose a record type in the mapping.",
            "Or check the default record type of the connected user's profile.",
        ),
        "/docs/mapping#record_types",
    ),
    FindingRow(
        "person_accounts_on", "note", "mapping", "Person Accounts are switched on",
        "A person who is a Person Account is found as its contact; new people become Leads.",
        "Your org keeps people as accounts.",
        ("Nothing to do, unless your team works without Leads: then choose in the mapping who is created.",),
        "/docs/mapping#people",
    ),
    FindingRow(
        "lead_source_restricted", "warning", "mapping", "Lead Source does not know Eventship",
        "New Leads stand without a Lead Source.",
        "Lead Source is a restricted list in your org, and Eventship is not on it.",
        ("Add the value Eventship under Object Manager → Lead → Lead Source.",),
    ),
    FindingRow(
        "company_not_asked", "note", "mapping", "Most registrations carry no company",
        "Such a Lead gets its e-mail's domain as company, or [not provided].",
        "Salesforce requires a company on every Lead, and your events do not ask for one.",
        ("Ask for the company in the registration form.",),
    ),
    FindingRow(
        "member_status_not_createable", "warning", "campaigns", "Campaign statuses cannot be created",
        "Campaigns that we create keep Sent and Responded.",
        "The user who connected may not create statuses of campaigns.",
        ("Give the user Edit on campaigns, and tick Marketing User.",),
    ),
    FindingRow(
        "duplicate_rule_seen", "note", "duplicates", "{object} has an active duplicate rule",
        "Who is found under the same name is taken; another name is taken with a warning where the rule "
        "blocks, and saved as new with a warning where it only alerts, unless the mapping says otherwise.",
        "A rule compares more than the e-mail: it may point to a colleague behind the same phone. Whether it "
        "blocks or alerts is known from its answers only.",
        (
            "Let the connected user see the records that the rule matches.",
            "Choose in the mapping what becomes of a match.",
        ),
        "/docs/mapping#duplicates",
    ),
    FindingRow(
        "sharing_may_hide", "warning", "permissions", "Sharing may hide Leads from the connected user",
        "A Lead that the user cannot see is not found and may be made a second time.",
        "Your org's default access to Leads is private.",
        ("Give the user View All on Lead and Contact.",),
    ),
    FindingRow(
        "new_leads_hidden", "blocker", "permissions", "New Leads leave the connected user's sight",
        "A Lead that we create cannot be seen by us any more: what belongs to it waits, and none is lost.",
        "Your org's default access to Leads is private, and assignment rules give new Leads to others.",
        (
            "Give the connected user View All on Lead.",
            "Or let assignment rules not run on the Leads that we create: choose so in the mapping.",
        ),
    ),
    FindingRow(
        "assignment_rules_active", "note", "mapping", "Lead assignment rules are active",
        "New Leads may get another owner; changes by us never move them.",
        "Assignment rules run when a Lead is created.", ("Nothing to do, if that is what you want.",),
    ),
    FindingRow(
        "no_closed_task_status", "warning", "mapping", "No status closes the Tasks that are written",
        "Tasks about registrations and check-ins stay open and become overdue.",
        "The chosen status of Tasks, or every status of your org, counts as open.",
        ("Set up a closed status under Object Manager → Task → Status.", "Or choose a closed one."),
        "/docs/mapping#activities",
    ),
    FindingRow(
        "places_listed", "note", "mapping", "{object}: {label} takes listed values only",
        "Another value is left out with a warning, and the record is written without it.",
        "State and Country/Territory Picklists are switched on. We know names, codes and what countries are "
        "called elsewhere.",
        ("Ask for {label} by a list of choices that your org has, too.",), "/docs/mapping#types",
    ),
    FindingRow(
        "state_without_country", "warning", "mapping", "{object}: {label} has no country beside it",
        "Salesforce refuses a state without its country, so {label} is left out.",
        "States are listed by country in your org, and the mapping fills the state alone.",
        ("Map the country of the same address, too.",), "/docs/mapping#types",
    ),
    FindingRow(
        "jwt_access_tokens", "note", "connection", "Your app issues JWTs as access tokens",
        "Each ends when it says, however much it is used; the next one is asked for shortly before.",
        "The app's OAuth settings ask for JWT-based access tokens.",
        ("Nothing to do.", "Keep their lifetime at ten minutes or more."), "/docs/connecting#own_app",
    ),
    FindingRow(
        "rows_capped", "note", "budget", "{object} is written {label} at a time", MORE_CALLS,
        "Triggers and flows share their limits among all rows of a call, and ran into one with more rows. "
        "After ten calls that pass we try twice as many.",
        ("Show this to whoever looks after the triggers and flows of {object}.",),
    ),
    FindingRow(
        "lookups_capped", "note", "budget", "People are looked for {label} at a time", MORE_CALLS,
        "Salesforce ended a query for more at its limit of time or size. After ten that pass we try twice as "
        "many.",
        ("Ask Salesforce's support for a custom index on the fields that people are matched by.",),
    ),
    FindingRow(
        "budget_low", "warning", "budget", "Few API calls are left today",
        "Syncing stops at the share you set and goes on by itself as calls become free.",
        "Other integrations use the same daily allowance of the org.",
        ("Look at API usage under Setup → Company Information.", "Or raise the share in the settings."),
    ),
    FindingRow(
        "approvals_near_limit", "warning", "connection", "This user's approvals are nearly used up",
        "A sixth approval ends the oldest connection of this user without notice.",
        "Salesforce keeps five approvals per user and app.",
        ("Connect further hosts with another Salesforce user.",), "/docs/connecting#approvals",
    ),
    FindingRow(
        "mapped_field_gone", "warning", "mapping", "{object}: {field} no longer exists",
        "The field is left out.", "A field that is mapped was deleted or renamed in Salesforce.",
        ("Choose another field in the mapping.",), "/docs/mapping#wrong",
    ),
    FindingRow(
        "sandbox_email_suffix", "note", "connection", "E-mail addresses in this sandbox end in .invalid",
        "People copied from production are not found by their address; new Leads are made.",
        "Salesforce changes addresses when it copies production into a sandbox.",
        ("Test with people whose address you entered in the sandbox.",),
    ),
    FindingRow(
        "user_is_personal", "note", "connection", "The connection belongs to a person",
        "When this person leaves or changes roles, syncing stops until somebody reconnects.",
        "The connected user looks like a colleague's own account.",
        ("Reconnect with a user made for integrations.",),
    ),
    FindingRow(
        "ip_restricted", "blocker", "access", "Salesforce does not accept our network address", NO_EDITION,
        "Your org only lets in certain IP addresses, and ours are not among them.",
        ("Relax IP restrictions in the app's policies, or add our addresses to the trusted ranges.",),
        "/docs/connecting#ip_restricted",
    ),
)  # fmt: skip

FINDINGS: Final = {row.code: row for row in FINDING_ROWS}
PREFLIGHT_ROWS: Final[tuple[AdviceRow, ...]] = tuple(
    (row.code, row.title, row.explanation, row.steps, row.link)
    for row in FINDING_ROWS
    if row.code not in KNOWN
)
