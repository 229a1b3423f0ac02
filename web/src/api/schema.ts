// Made from openapi/openapi.json by tools/types.mjs; do not edit.
/** A value that this version of the client does not know. */
export type Other = string & {};

/** A deed without a filter; a dry run unless it is refused. `reason` is kept for ever in the audit log of
 * each host that is concerned, which its people read: it names nobody, so it has no e-mail address. */
export interface Act {
  readonly "dry_run"?: boolean;
  readonly "reason"?: string | null;
}

/** Jobs to act on; a dry run only counts, and is what happens unless it is refused. */
export interface ActOnJobs {
  readonly "dry_run"?: boolean;
  readonly "filter": JobFilter;
}

/** What an act did: `matched` jobs in all, of which `queued` will move, and a sample of at most ten. */
export interface Acted {
  readonly "dry_run": boolean;
  readonly "matched": number;
  readonly "queued": number;
  readonly "sample": ReadonlyArray<JobShown>;
}

/** Whether this caller may do it now; `why_not` is a problem code. */
export interface Action {
  readonly "is_allowed": boolean;
  readonly "why_not": string | null;
}

export interface Actions {
  readonly "connect": Action;
  readonly "disconnect": Action;
  readonly "edit_credentials": Action;
  readonly "pause": Action;
}

/** One activity on the person's timeline; `status` is what a calendar Event says of the registration. */
export interface ActivityLink {
  readonly "id": string;
  readonly "kind": string;
  readonly "object": string;
  readonly "status": string | null;
  readonly "subject": string | null;
  readonly "url": string | null;
  readonly "written_at": string | null;
}

/** `action`: create or update (with `fields`), stands. */
export interface ActivityPlan {
  readonly "action": string;
  readonly "activity": RecordLink | null;
  readonly "fields": Readonly<Record<string, unknown>> | null;
  readonly "kind": string;
}

/** One of our addresses; `redirect_uri` is what Salesforce's app must name. `hosts`: how many are bound
 * to it; the default serves all others, too. */
export interface Address {
  readonly "hosts": number;
  readonly "is_default": boolean;
  readonly "public_url": string;
  readonly "redirect_uri": string;
}

/** What serves the host from now on, or would; `redirect_uri` is what its app must name. */
export interface AddressBound {
  readonly "dry_run": boolean;
  readonly "has_changed": boolean;
  readonly "host_id": string;
  readonly "is_default": boolean;
  readonly "public_url": string;
  readonly "redirect_uri": string;
}

/** Our addresses, and one page of the hosts that are bound. */
export interface Addresses {
  readonly "addresses": ReadonlyArray<Address>;
  readonly "items": ReadonlyArray<BoundHost>;
  readonly "next_cursor": string | null;
}

/** The `advice` object of the API: on cards, findings, groups, rows and problems alike. */
export interface Advice {
  readonly "code": string;
  readonly "explanation": string;
  readonly "link": string | null;
  readonly "steps": ReadonlyArray<string>;
  readonly "title": string;
}

/** Salesforce's word on the request of the same position; nobody knows where `is_lost`. */
export interface AnswerShown {
  readonly "errors": ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly "id": string | null;
  readonly "is_lost": boolean;
  readonly "matches": ReadonlyArray<MatchShown>;
  readonly "success": boolean | null;
}

/** The Salesforce app that the host connects through. `package_in`: while the host is not connected, orgs
 * to which other hosts of the caller's token are connected through the shared app: its package is there. */
export interface App {
  readonly "credentials": Credentials | null;
  readonly "is_package_required": boolean;
  readonly "mode": "shared" | "own" | Other;
  readonly "package_in": ReadonlyArray<string>;
  readonly "package_install_url": string | null;
  readonly "package_install_url_sandbox": string | null;
  readonly "redirect_uri": string;
  readonly "scopes": ReadonlyArray<string>;
}

/** How many of the five approvals of this user and app are in use here. */
export interface Approvals {
  readonly "count": number;
  readonly "is_warning": boolean;
  readonly "limit": number;
}

/** How one attempt to connect went; `hints` are for errors that Salesforce shows and never sends back.
 * `purpose` is to connect the host, or to say who one is there (`user`).
 * 
 * While it is `confirming`: whose grant waits to be confirmed, what it means for the user's approvals, and
 * until when; else these are null. */
export interface Attempt {
  readonly "approvals": Approvals | null;
  readonly "attempt_id": string;
  readonly "environment": "production" | "sandbox" | "my_domain" | Other;
  readonly "expires_at": string | null;
  readonly "finished_at": string | null;
  readonly "hints": ReadonlyArray<Advice>;
  readonly "org": Org | null;
  readonly "problem": Advice | null;
  readonly "purpose": "host" | "user" | Other;
  readonly "salesforce": SalesforceWords | null;
  readonly "started_at": string;
  readonly "state": "waiting" | "confirming" | "connected" | "failed" | "expired" | Other;
  readonly "user": User | null;
  readonly "warnings": ReadonlyArray<Advice>;
}

/** One run of a registration that reached Salesforce, without what was sent. `by`: who asked for it. */
export interface AttemptOfJob {
  readonly "at": string;
  readonly "by": string | null;
  readonly "class": string | null;
  readonly "error_code": string | null;
  readonly "kind": string;
  readonly "outcome": string;
  readonly "why": string;
}

/** One run that reached Salesforce. `by`: who asked for it, null where nobody had to. */
export interface AttemptShown {
  readonly "answers": ReadonlyArray<AnswerShown>;
  readonly "at": string;
  readonly "by": string | null;
  readonly "error": RowError | null;
  readonly "kind": string;
  readonly "outcome": string;
  readonly "requests": ReadonlyArray<RequestShown>;
  readonly "why": string;
}

/** One page, the latest first. */
export interface AttemptsOfJob {
  readonly "items": ReadonlyArray<AttemptOfJob>;
  readonly "next_cursor": string | null;
}

/** Who registered; all null once erased. */
export interface AttendeeShown {
  readonly "company": string | null;
  readonly "email": string | null;
  readonly "name": string | null;
}

/** Who, by the platform's id, by e-mail, or both. */
export interface AttendeeToErase {
  readonly "email"?: string | null;
  readonly "id"?: string | null;
}

/** One page of the log. */
export interface AuditPage {
  readonly "items": ReadonlyArray<AuditShown>;
  readonly "next_cursor": string | null;
}

/** One deed: who did what when. `details` name ids and figures. */
export interface AuditShown {
  readonly "action": string;
  readonly "actor": string;
  readonly "at": string;
  readonly "details": Readonly<Record<string, unknown>>;
  readonly "seq": number;
}

/** How many hosts' chains were followed from their first entry, and where they break. */
export interface AuditVerified {
  readonly "broken": ReadonlyArray<BrokenChain>;
  readonly "hosts": number;
  readonly "is_whole": boolean;
}

/** What linking would write: ceil(registrations / 1000) batches of about five API calls each. */
export interface BackfillEstimate {
  readonly "checked_in": number;
  readonly "estimated_api_calls": number;
  readonly "registrations": number;
}

/** How far a backfill is: done + failed + skipped + to_go = total. */
export interface BackfillShown {
  readonly "api_calls": number;
  readonly "done": number;
  readonly "estimated_end_at": string | null;
  readonly "failed": number;
  readonly "finished_at": string | null;
  readonly "id": string;
  readonly "skipped": number;
  readonly "started_at": string;
  readonly "state": string;
  readonly "to_go": number;
  readonly "total": number;
  readonly "why": string;
}

/** `request`: write what is not written; `reapply`: changed statuses to members, too;
 * `before_connection`: only those who registered before the host was connected. */
export interface BackfillToStart {
  readonly "why"?: "request" | "reapply" | "before_connection";
}

/** The org asked to be left alone, or does not answer: it is asked again at `until`.
 * 
 * `code`: `api_limit`, `concurrency`, `unavailable`, or Salesforce's own. */
export interface Backoff {
  readonly "code": string;
  readonly "until": string;
}

/** Registrations from before the host was connected that nobody asked to write yet, over all events. */
export interface BeforeConnection {
  readonly "estimated_api_calls": number;
  readonly "events": number;
  readonly "registrations": number;
}

/** The address to bind to; null unbinds. */
export interface BindAddress {
  readonly "dry_run"?: boolean;
  readonly "public_url": string | null;
  readonly "reason"?: string | null;
}

/** A host that is bound; `is_offered` is false where the settings no longer name the address, and the host
 * is served by the default. */
export interface BoundHost {
  readonly "host_id": string;
  readonly "is_offered": boolean;
  readonly "public_url": string;
}

/** The first entry of a host that does not fit. No host: the log of acts that touched none.
 * 
 * `why`: `changed`, `missing`, or `no_head` where none is kept of a log from before there were any. */
export interface BrokenChain {
  readonly "host_id": string;
  readonly "seq": number;
  readonly "why": "changed" | "missing" | "no_head" | Other;
}

/** API requests of the whole org over 24 hours, as Salesforce counts them; `calls_today` are our own. */
export interface Budget {
  readonly "calls_today": number;
  readonly "cap_percent": number;
  readonly "is_stopped": boolean;
  readonly "measured_at": string | null;
  readonly "org_limit": number | null;
  readonly "org_used": number | null;
  readonly "resumes_at": string | null;
  readonly "stop_at": number | null;
}

/** One host's share of its org's calls; the fullest come first. */
export interface BudgetShown {
  readonly "cap_percent": number;
  readonly "closed_until": string | null;
  readonly "host_id": string;
  readonly "measured_at": string | null;
  readonly "org_id": string;
  readonly "org_limit": number;
  readonly "org_used": number;
}

/** `kinds`: the event kinds that a calendar Event is written for; `default_minutes`: its length without an
 * end. */
export interface CalendarEventChosen {
  readonly "default_minutes": number;
  readonly "kinds": ReadonlyArray<string>;
  readonly "owner": "connected_user" | "organizer" | Other;
  readonly "show_as": "busy" | "free" | "out_of_office" | Other;
}

/** What to change of calendar Events. */
export interface CalendarEventToSet {
  readonly "default_minutes"?: number | null;
  readonly "kinds"?: ReadonlyArray<string> | null;
  readonly "owner"?: "connected_user" | "organizer" | null;
  readonly "show_as"?: "busy" | "free" | "out_of_office" | null;
}

/** A campaign as Salesforce shows it now; `members` are its leads and contacts together. */
export interface CampaignFound {
  readonly "end_date": string | null;
  readonly "id": string | null;
  readonly "is_active": boolean;
  readonly "members": number;
  readonly "name": string;
  readonly "object": "Campaign";
  readonly "start_date": string | null;
  readonly "status": string | null;
  readonly "type": string | null;
  readonly "url": string | null;
}

/** A record link to the campaign; `url` is null where its org is not the connected one.
 * 
 * `id` is null until we have created it. */
export interface CampaignLinkRecord {
  readonly "id": string | null;
  readonly "is_active": boolean;
  readonly "name": string;
  readonly "object": "Campaign";
  readonly "url": string | null;
}

/** One page of the org's campaigns, active ones first. */
export interface CampaignPage {
  readonly "items": ReadonlyArray<CampaignFound>;
  readonly "next_cursor": string | null;
}

/** The campaign that we would create for an event; dates are days where the event takes place. `org` names
 * where, `can_create`: the event is not over. */
export interface CampaignProposal {
  readonly "can_create": boolean;
  readonly "end_date": string | null;
  readonly "is_active": boolean;
  readonly "is_sandbox": boolean | null;
  readonly "name": string;
  readonly "org": string | null;
  readonly "start_date": string | null;
  readonly "statuses": ReadonlyArray<string>;
  readonly "type": string | null;
}

/** What to call the new campaign and when it is; what is left out follows the event. */
export interface CampaignToCreate {
  readonly "end_date"?: string | null;
  readonly "name"?: string | null;
  readonly "start_date"?: string | null;
  readonly "type"?: string | null;
}

/** A link to make or to change; `reapply` writes changed statuses to members already written, too. */
export interface CampaignToLink {
  readonly "campaign_id": string;
  readonly "reapply"?: boolean;
  readonly "statuses": StatusesChosen;
}

/** A Campaign Id of 15 or 18 characters, or an address in Salesforce that holds one. */
export interface CampaignToValidate {
  readonly "campaign_id": string;
}

/** The campaign, its statuses, and our proposal. */
export interface CampaignValidated {
  readonly "backfill": BackfillEstimate;
  readonly "campaign": CampaignFound;
  readonly "proposed": Statuses;
  readonly "proposed_because": StatusReasons;
  readonly "statuses": ReadonlyArray<MemberStatusShown>;
  readonly "warnings": ReadonlyArray<Advice>;
}

/** Everything the dashboard shows about one host's connection. */
export interface Card {
  readonly "actions": Actions;
  readonly "app": App;
  readonly "backoff": Backoff | null;
  readonly "before_connection": BeforeConnection;
  readonly "budget": Budget;
  readonly "connection": ConnectionView | null;
  readonly "fault": Fault | null;
  readonly "host_id": string;
  readonly "pause": Pause;
  readonly "policy": Policy;
  readonly "preflight": PreflightSummary | null;
  readonly "problems": ReadonlyArray<ProblemShown>;
  readonly "reason": Advice | null;
  readonly "role": Role;
  readonly "state": "not_configured" | "not_connected" | "connected" | "needs_reconnect" | "disconnected" | Other;
  readonly "state_since": string | null;
  readonly "support_email": string;
  readonly "version": number;
  readonly "work": Work;
}

/** `kinds`: the event kinds that a Case is written for. */
export interface CaseChosen {
  readonly "close_when_completed": boolean;
  readonly "kinds": ReadonlyArray<string>;
  readonly "origin": string;
}

/** `action`: create or update (with `fields`), stands, none. */
export interface CasePlan {
  readonly "action": string;
  readonly "case": RecordLink | null;
  readonly "fields": Readonly<Record<string, unknown>> | null;
}

/** What to change of Cases. */
export interface CaseToSet {
  readonly "close_when_completed"?: boolean | null;
  readonly "kinds"?: ReadonlyArray<string> | null;
  readonly "origin"?: string | null;
}

/** Who came lately: `minutes` are counts of the 30 minutes up to `as_of`, the oldest first. */
export interface CheckIns {
  readonly "as_of": string;
  readonly "minutes": ReadonlyArray<number>;
}

/** The code that the browser brought back; a fifth approval of one Salesforce user must be confirmed. */
export interface CompleteConnect {
  readonly "code": string;
  readonly "confirm_approval"?: boolean;
}

/** Something that needs somebody: at once (`page`) or in the morning (`ticket`).
 * 
 * `subjects`: the first ten hosts, orgs, workers or chores; `seconds`: how long the oldest waits. */
export interface Concern {
  readonly "code": "NoWorkers" | "OrgsStuck" | "WorkIsStuck" | "ConnectionsLost" | "WorkerSilent" | "ConnectionsEnded" | "WebhooksQuarantined" | "JobsFail" | "WaitsForReconnect" | "WaitsForBudget" | "DoubtRemains" | "PlatformNotNotified" | "ChoreOverdue" | Other;
  readonly "count": number;
  readonly "runbook": string;
  readonly "seconds": number | null;
  readonly "severity": "page" | "ticket" | Other;
  readonly "subjects": ReadonlyArray<string>;
}

/** Disconnecting must be meant. */
export interface ConfirmDisconnect {
  readonly "confirm": true;
}

/** A platform user (`user_id`, and the e-mail that organizers are found by) with their Salesforce user. */
export interface ConnectedUser {
  readonly "connected_at": string | null;
  readonly "email": string | null;
  readonly "is_same_org": boolean;
  readonly "user": OwnUser | null;
  readonly "user_id": string;
}

/** One page of the platform users who connected their Salesforce user. */
export interface ConnectedUsers {
  readonly "items": ReadonlyArray<ConnectedUser>;
  readonly "next_cursor": string | null;
}

/** The grant, without its tokens; `user` is null after a disconnect. */
export interface ConnectionView {
  readonly "api_version": string;
  readonly "approvals": Approvals;
  readonly "connected_at": string;
  readonly "connected_by": string;
  readonly "environment": "production" | "sandbox" | "my_domain" | Other;
  readonly "last_used_at": string | null;
  readonly "last_written_at": string | null;
  readonly "login_host": string;
  readonly "org": Org;
  readonly "other_hosts_on_org": boolean;
  readonly "user": User | null;
}

/** Registrations once confirmed or checked in; `total` is the sum of the next four. */
export interface Counts {
  readonly "attended": number;
  readonly "checked_in": number;
  readonly "failed": number;
  readonly "pending": number;
  readonly "skipped": number;
  readonly "synced": number;
  readonly "total": number;
}

/** What may be shown of an own app's credentials. */
export interface Credentials {
  readonly "consumer_key_last4": string;
  readonly "consumer_secret_last4": string;
  readonly "fingerprint": string;
  readonly "is_in_use": boolean;
  readonly "saved_at": string;
  readonly "saved_by": string;
}

/** Who did what. No host: an act that touched none. */
export interface Deed {
  readonly "action": string;
  readonly "actor": string;
  readonly "at": string;
  readonly "details": Readonly<Record<string, unknown>>;
  readonly "host_id": string;
  readonly "seq": number;
}

/** One page of the audit log. */
export interface Deeds {
  readonly "items": ReadonlyArray<Deed>;
  readonly "next_cursor": string | null;
}

/** One page of webhooks, the latest first. */
export interface Deliveries {
  readonly "items": ReadonlyArray<DeliveryShown>;
  readonly "next_cursor": string | null;
}

/** Which webhooks: all members that are set must hold; to replay them, one must be set.
 * 
 * `is_quarantined`: those that could not be used; of these host and times alone are known, where readable. */
export interface DeliveryFilter {
  readonly "event_id"?: string | null;
  readonly "host_id"?: string | null;
  readonly "is_quarantined"?: boolean | null;
  readonly "received_from"?: string | null;
  readonly "received_to"?: string | null;
  readonly "registration_id"?: string | null;
  readonly "type"?: string | null;
  readonly "webhook_ids"?: ReadonlyArray<string> | null;
}

/** One webhook as it was received, without its payload.
 * 
 * `reason`: why it is in quarantine; `faults`: where it is wrong. */
export interface DeliveryShown {
  readonly "event_id": string | null;
  readonly "faults": ReadonlyArray<FieldError> | null;
  readonly "host_id": string | null;
  readonly "occurred_at": string | null;
  readonly "outcome": string | null;
  readonly "reason": string | null;
  readonly "received_at": string;
  readonly "registration_id": string | null;
  readonly "type": string | null;
  readonly "webhook_id": string;
}

/** What was found, what decides first. `registrations`: how many were looked at; `last_news_at`: when a
 * registration of the host came in or changed last. */
export interface Diagnosis {
  readonly "checked_at": string;
  readonly "findings": ReadonlyArray<DiagnosisFinding>;
  readonly "last_news_at": string | null;
  readonly "registrations": number;
}

/** One thing that was found. `weight`: it `stops` what is written, is a `note`, or all is `fine`. `cure`:
 * what would change it; `kinds`: the kinds of write that it is about. */
export interface DiagnosisFinding {
  readonly "advice": Advice;
  readonly "code": string;
  readonly "cure": "connect" | "resume_host" | "resume_event" | "switch_on" | "kinds_on" | "include" | "write" | "retry" | "link_campaign" | "settings" | "mapping" | Other | null;
  readonly "event": EventNamed | null;
  readonly "kinds": ReadonlyArray<string>;
  readonly "person": PersonLink | null;
  readonly "registration_id": string | null;
  readonly "weight": "stops" | "note" | "fine" | Other;
}

/** One record that differs from what we wrote; `url` opens it, or the person where it is gone. */
export interface DifferenceShown {
  readonly "kind": string;
  readonly "ours": string | null;
  readonly "registration_id": string;
  readonly "theirs": string | null;
  readonly "url": string | null;
}

/** What the engine would do now. Look-ups were real, and nothing was written.
 * 
 * `outcome` is how the run would end if Salesforce took everything. `requests` are the exact calls, in
 * order; `@{newLead.id}` stands for the id of a record that does not exist yet. `calls_spent` were spent on
 * looking. */
export interface DryRun {
  readonly "activities": ReadonlyArray<ActivityPlan>;
  readonly "as_of": string;
  readonly "calls_spent": number;
  readonly "case": CasePlan;
  readonly "error": RowError | null;
  readonly "member": MemberPlan;
  readonly "outcome": string;
  readonly "person": PersonPlan;
  readonly "registration_id": string;
  readonly "requests": ReadonlyArray<RequestShown>;
  readonly "skipped_because": string | null;
  readonly "waiting_for": string | null;
  readonly "warnings": ReadonlyArray<RowWarning>;
}

/** What holds: the defaults, the host's mapping over them, the event's over that. */
export interface EffectiveRules {
  readonly "fields": ReadonlyArray<FieldRuleShown>;
  readonly "owner": OwnerShown;
  readonly "people": PeopleShown;
  readonly "record_types": Readonly<Record<string, string>>;
  readonly "task_status": string | null;
}

/** What e-mails become: `auto` is an EmailMessage where the org has them, else a Task. */
export interface EmailChosen {
  readonly "as": "auto" | "email_message" | "task" | Other;
}

/** What to change of e-mails. */
export interface EmailToSet {
  readonly "as"?: "auto" | "email_message" | "task" | null;
}

export interface EraseAttendee {
  readonly "attendee": AttendeeToErase;
}

/** How many registrations were emptied, and what the host must handle in Salesforce itself. */
export interface Erased {
  readonly "registrations": number;
  readonly "salesforce_records": ReadonlyArray<RecordToHandle>;
}

/** The event's registrations, counted as in its stats. */
export interface EventCounts {
  readonly "attended": number;
  readonly "failed": number;
  readonly "pending": number;
  readonly "skipped": number;
  readonly "synced": number;
  readonly "total": number;
}

/** The event of a row of the matrix. */
export interface EventLine {
  readonly "id": string;
  readonly "kind": string;
  readonly "starts_at": string | null;
  readonly "timezone": string;
  readonly "title": string;
}

/** One page of a host's events, the latest start first. */
export interface EventList {
  readonly "items": ReadonlyArray<EventListed>;
  readonly "next_cursor": string | null;
}

/** An event in short; `campaign_name` is null where none is linked. */
export interface EventListed {
  readonly "campaign_name": string | null;
  readonly "id": string;
  readonly "is_cancelled": boolean;
  readonly "is_paused": boolean;
  readonly "starts_at": string | null;
  readonly "timezone": string;
  readonly "title": string;
}

/** Which event's own rules to take; of another host where `from_host_id` names one. */
export interface EventMappingToCopy {
  readonly "from_event_id": string;
  readonly "from_host_id"?: string | null;
}

/** The event that a finding is about. */
export interface EventNamed {
  readonly "id": string;
  readonly "title": string;
}

/** An event with its rows by state; those with most failures come first. */
export interface EventOfHost {
  readonly "event_id": string;
  readonly "is_paused": boolean;
  readonly "jobs": Readonly<Record<string, number>>;
  readonly "starts_at": string | null;
  readonly "timezone": string;
  readonly "title": string;
}

/** How many of an event's registrations a mapping changes. */
export interface EventReach {
  readonly "event_id": string;
  readonly "registrations": number;
  readonly "title": string;
}

/** One event with what holds for it and how far its registrations are. */
export interface EventRow {
  readonly "campaign": RecordLink | null;
  readonly "counts": EventCounts;
  readonly "enabled": Switch;
  readonly "event": EventLine;
  readonly "is_paused": boolean;
  readonly "writes": EventWrites;
}

/** One page, newest start first. */
export interface EventRows {
  readonly "items": ReadonlyArray<EventRow>;
  readonly "next_cursor": string | null;
}

/** What holds for the event. `version` rises with each change. */
export interface EventSettingsShown {
  readonly "enabled": Switch;
  readonly "version": number;
  readonly "writes": EventWrites;
}

/** What to change; a member that is left out stays as it is, null takes the event's own choice away. */
export interface EventSettingsToSet {
  readonly "enabled"?: boolean | null;
  readonly "writes"?: WritesToSet;
}

/** The event that the numbers are about; `timezone` is UTC, too, where the platform named none. */
export interface EventShown {
  readonly "id": string;
  readonly "is_paused": boolean;
  readonly "starts_at": string | null;
  readonly "timezone": string;
  readonly "title": string;
}

/** Each kind of write of an event. */
export interface EventWrites {
  readonly "calendar_event": Switch;
  readonly "case": Switch;
  readonly "email_opened": Switch;
  readonly "email_replied": Switch;
  readonly "email_sent": Switch;
  readonly "member": Switch;
  readonly "person": Switch;
  readonly "task": Switch;
}

/** What was changed, or in a dry run would be; `unknown` of the given ids are no events of the host.
 * 
 * `sample` are at most ten of the changed rows, as they are after the change. */
export interface EventsChanged {
  readonly "changed": number;
  readonly "dry_run": boolean;
  readonly "matched": number;
  readonly "sample": ReadonlyArray<EventRow>;
  readonly "unchanged": number;
  readonly "unknown": number;
}

/** Which events: all that match every member. `from` is the earliest start, `to` the first too late. */
export interface EventsFilter {
  readonly "from"?: string | null;
  readonly "kind"?: string | null;
  readonly "q"?: string | null;
  readonly "to"?: string | null;
}

/** One page of a host's events. */
export interface EventsOfHost {
  readonly "items": ReadonlyArray<EventOfHost>;
  readonly "next_cursor": string | null;
}

/** Exactly one of `event_ids`, `filter` and `all` says which events; `set` what becomes of them. */
export interface EventsToSet {
  readonly "all"?: boolean | null;
  readonly "dry_run"?: boolean;
  readonly "event_ids"?: ReadonlyArray<string> | null;
  readonly "filter"?: EventsFilter | null;
  readonly "set": EventSettingsToSet;
}

/** Who is never written. A domain counts with everything below it. */
export interface Exclusions {
  readonly "addresses": ReadonlyArray<string>;
  readonly "domains": ReadonlyArray<string>;
  readonly "ticket_kinds": ReadonlyArray<string>;
}

/** Failed jobs of one class and code. */
export interface FailureCount {
  readonly "class": string | null;
  readonly "count": number;
  readonly "error_code": string | null;
}

/** Why this host's work rests although it is connected, and when it is tried again.
 * 
 * Its code: `credentials_unreadable`, `instance_not_allowed`, `session_refused`, `grant_doubted`,
 * `instance_moved`, `internal_fault`. */
export interface Fault {
  readonly "advice": Advice;
  readonly "until": string | null;
}

/** Where a payload is wrong, and why; never the refused value. */
export interface FieldError {
  readonly "message": string;
  readonly "path": string;
}

/** One field. `now`: by the saved mapping, `then`: by the one given; null where nothing is written. */
export interface FieldExample {
  readonly "change": "same" | "new" | "changed" | "gone" | Other;
  readonly "field": string;
  readonly "from": string | null;
  readonly "label": string;
  readonly "now": unknown;
  readonly "then": unknown;
  readonly "trouble": FieldTrouble | null;
}

/** One field. `then`: what would stand after the run; `from`: a source or template, null if neither.
 * 
 * `mode` is the rule's, `ours` for what is written whatever is mapped. `why`: `new`, `changed`, `same`,
 * `kept` (only if empty, and it is not), `create_only`, `not_updating` (people we found are not touched),
 * `theirs` (ours is not news, so what somebody changed in Salesforce stays), `no_value`, `left_out` (`text`
 * tells the reason). */
export interface FieldPreview {
  readonly "field": string;
  readonly "from": string | null;
  readonly "label": string;
  readonly "mode": string;
  readonly "now": unknown;
  readonly "object": string;
  readonly "text": string | null;
  readonly "then": unknown;
  readonly "why": string;
}

/** How one field is filled: `from` a source, by a `constant`, or by a `template`. */
export interface FieldRuleGiven {
  readonly "constant"?: string | null;
  readonly "fallback"?: string | null;
  readonly "field": string;
  readonly "from"?: string | null;
  readonly "mode"?: "create" | "empty" | "overwrite" | "append" | "off";
  readonly "object": "Lead" | "Contact" | "Account" | "CampaignMember" | "Task" | "EmailMessage" | "Event" | "Case";
  readonly "otherwise"?: string | null;
  readonly "template"?: string | null;
  readonly "values"?: Readonly<Record<string, string>>;
}

/** One rule that holds; `set_by` is where it was chosen. */
export interface FieldRuleShown {
  readonly "constant": string | null;
  readonly "fallback": string | null;
  readonly "field": string;
  readonly "from": string | null;
  readonly "mode": string;
  readonly "object": string;
  readonly "otherwise": string | null;
  readonly "set_by": "default" | "host" | "event" | Other;
  readonly "template": string | null;
  readonly "values": Readonly<Record<string, string>>;
}

/** One field of an object as the connected user sees it. `is_mappable`: a rule may fill it.
 * 
 * `why_not` says in words why a rule may not. `is_required`: every new record must carry it. */
export interface FieldShown {
  readonly "is_createable": boolean;
  readonly "is_external_id": boolean;
  readonly "is_mappable": boolean;
  readonly "is_required": boolean;
  readonly "is_restricted": boolean;
  readonly "is_updateable": boolean;
  readonly "label": string;
  readonly "length": number;
  readonly "name": string;
  readonly "type": string;
  readonly "values": ReadonlyArray<PicklistValue>;
  readonly "why_not": string | null;
}

/** `refused`: the registration fails; `left_out`, `cut`: so is the value; `note`: it is not theirs. */
export interface FieldTrouble {
  readonly "code": string;
  readonly "severity": "refused" | "left_out" | "cut" | "note" | Other;
  readonly "text": string;
}

/** One thing that will fail, be left out, or should be known. */
export interface Finding {
  readonly "advice": Advice;
  readonly "area": string;
  readonly "blocks": ReadonlyArray<string>;
  readonly "code": string;
  readonly "consequence": string;
  readonly "field": string | null;
  readonly "object": string | null;
  readonly "setup_url": string | null;
  readonly "severity": "blocker" | "warning" | "note" | Other;
  readonly "title": string;
}

/** Webhooks received, and runs of registrations that ended as synced or failed, one figure a step from
 * `begins_at`; the last step is not over yet. */
export interface Flow {
  readonly "begins_at": string;
  readonly "failed": ReadonlyArray<number>;
  readonly "received": ReadonlyArray<number>;
  readonly "step_seconds": number;
  readonly "synced": ReadonlyArray<number>;
}

/** Failures that are the same one; `message` is Salesforce's without what attendees typed. */
export interface Group {
  readonly "advice": Advice;
  readonly "can_retry": boolean;
  readonly "class": string;
  readonly "count": number;
  readonly "error_code": string;
  readonly "fields": ReadonlyArray<string>;
  readonly "first_at": string | null;
  readonly "group_id": string;
  readonly "last_at": string | null;
  readonly "message": string;
  readonly "object": string | null;
  readonly "title": string;
}

/** One page of attempts, the latest first. Kept for 90 days; nothing remains of an erased attendee. */
export interface History {
  readonly "items": ReadonlyArray<AttemptShown>;
  readonly "next_cursor": string | null;
}

/** What is written from now on, or, after a dry run, would be. */
export interface HostBackfill {
  readonly "dry_run": boolean;
  readonly "estimated_api_calls": number;
  readonly "events": number;
  readonly "registrations": number;
}

/** Write everybody from before the connection; a dry run, which it is unless told otherwise, counts. */
export interface HostBackfillToStart {
  readonly "dry_run"?: boolean;
}

/** A host whose own turn broke off: its work rests until `until`, that of its neighbours goes on.
 * 
 * `count` is how often in a row. */
export interface HostFault {
  readonly "code": string;
  readonly "count": number;
  readonly "host_id": string;
  readonly "org_id": string;
  readonly "until": string | null;
}

/** Every host of the caller's token, by id; `is_operations`: whether the token opens `/ops`. */
export interface HostList {
  readonly "is_operations": boolean;
  readonly "items": ReadonlyArray<HostListed>;
}

/** A host that the caller has a role on; `name` is null before anything came in for it. */
export interface HostListed {
  readonly "connection_state": string;
  readonly "id": string;
  readonly "name": string | null;
  readonly "role": Role;
}

/** A host on an org. `code`: why its connection ended or its turn broke off; `problems`: what it lacks. */
export interface HostOfOrg {
  readonly "code": string | null;
  readonly "connection_state": string;
  readonly "failed": number;
  readonly "host_id": string;
  readonly "is_paused": boolean;
  readonly "name": string | null;
  readonly "problems": ReadonlyArray<string>;
  readonly "since": string;
}

/** What a connected user lacks while the connection itself works; some of the host's rows wait for it. */
export interface HostProblem {
  readonly "code": string;
  readonly "field": string | null;
  readonly "host_id": string;
  readonly "object": string | null;
  readonly "org_id": string;
  readonly "since": string;
}

/** A host whose connection Salesforce no longer accepts: all of its rows wait for a person. */
export interface HostToReconnect {
  readonly "code": string;
  readonly "host_id": string;
  readonly "org_id": string;
  readonly "since": string;
}

/** The `data` of a `registration.confirmed`, with `checked_in_at` or `cancelled_at` where they apply. */
export interface ImportLine {
  readonly "event": unknown;
  readonly "host": unknown;
  readonly "reason"?: string | null;
  readonly "registration": unknown;
}

/** Which jobs, across hosts: all members that are set must hold; to act on them, one must be set.
 * 
 * `state` is the job's own; `older_than` compares with its last change. */
export interface JobFilter {
  readonly "class"?: "configuration" | "data" | "duplicate" | "transient" | "access" | "limit" | "ambiguous" | "other" | null;
  readonly "error_code"?: string | null;
  readonly "event_id"?: string | null;
  readonly "host_id"?: string | null;
  readonly "older_than"?: string | null;
  readonly "org_id"?: string | null;
  readonly "registration_ids"?: ReadonlyArray<string> | null;
  readonly "state"?: "pending" | "running" | "synced" | "failed" | "held" | "ambiguous" | "skipped" | null;
}

/** One job. `by`: who asked for what it does now, null where nobody had to. */
export interface JobShown {
  readonly "attempts": number;
  readonly "by": string | null;
  readonly "class": string | null;
  readonly "deaths": number;
  readonly "due_at": string;
  readonly "error_code": string | null;
  readonly "event_id": string;
  readonly "group_id": string | null;
  readonly "host_id": string;
  readonly "org_id": string;
  readonly "priority": number;
  readonly "registration_id": string;
  readonly "skipped_because": string | null;
  readonly "state": string;
  readonly "updated_at": string;
  readonly "waiting_for": string | null;
  readonly "why": string;
}

/** One page of jobs. */
export interface Jobs {
  readonly "items": ReadonlyArray<JobShown>;
  readonly "next_cursor": string | null;
}

/** Who drains an org, until when, and what the org asked for. */
export interface LeaseShown {
  readonly "acquired_at": string | null;
  readonly "batch_size": number;
  readonly "failures": number;
  readonly "fence": number;
  readonly "is_held": boolean;
  readonly "is_slow": boolean;
  readonly "not_before": string | null;
  readonly "not_before_reason": string | null;
  readonly "org_id": string;
  readonly "owner": string | null;
  readonly "paused_at": string | null;
  readonly "paused_by": string | null;
  readonly "running": number;
  readonly "until": string | null;
}

/** Every org that was ever drained, in the order of ids; one page. */
export interface Leases {
  readonly "items": ReadonlyArray<LeaseShown>;
  readonly "next_cursor": string | null;
}

/** What became of one line; `line` counts from 1. */
export interface LineAnswer {
  readonly "errors": ReadonlyArray<unknown>;
  readonly "line": number;
  readonly "outcome": "accepted" | "unchanged" | "rejected" | Other;
  readonly "registration_id": string | null;
}

/** The event's link to its campaign; `problem` says what to do while it is broken. */
export interface LinkShown {
  readonly "available_statuses": ReadonlyArray<string>;
  readonly "backfill": BackfillShown | null;
  readonly "campaign": CampaignLinkRecord;
  readonly "is_created_by_us": boolean;
  readonly "linked_at": string;
  readonly "linked_by": string;
  readonly "org_id": string;
  readonly "problem": Advice | null;
  readonly "salesforce": SalesforceAnswer | null;
  readonly "state": "linked" | "broken" | "creating" | "create_failed" | Other;
  readonly "statuses": Statuses;
  readonly "version": number;
}

/** What a mapping makes of one registration, as for a person who is new; `registration` is null where
 * nobody registered yet. `is_checked`: whether the org's fields were at hand. Salesforce was not asked. */
export interface MappingExample {
  readonly "given": ReadonlyArray<ValueGiven>;
  readonly "is_checked": boolean;
  readonly "reach": MappingReach | null;
  readonly "records": ReadonlyArray<RecordExample>;
  readonly "registration": Registrant | null;
}

/** Something that will go wrong, or be left out.
 * 
 * `path` is where in the mapping of this level; null when it was chosen elsewhere or is nobody's choice. */
export interface MappingFinding {
  readonly "code": string;
  readonly "field": string | null;
  readonly "link": string;
  readonly "message": string;
  readonly "object": string | null;
  readonly "path": string | null;
  readonly "severity": "error" | "warning" | Other;
}

/** A whole mapping of one level: what is left out is inherited, by an event from its host. */
export interface MappingGiven {
  readonly "fields"?: ReadonlyArray<FieldRuleGiven>;
  readonly "owner"?: OwnerGiven;
  readonly "people"?: PeopleGiven;
  readonly "record_types"?: Readonly<Record<string, string | null>>;
  readonly "task_status"?: string | null;
}

/** Whom a mapping changes: `registrations` of the latest `looked_at` would be written otherwise.
 * 
 * `is_all`: no registration was left out. `written`: of those that change, how many are in Salesforce
 * already. `retried`: failed ones that saving tries again. `events`: the five with most, of `events_total`. */
export interface MappingReach {
  readonly "events": ReadonlyArray<EventReach>;
  readonly "events_total": number;
  readonly "is_all": boolean;
  readonly "looked_at": number;
  readonly "registrations": number;
  readonly "retried": number;
  readonly "written": number;
}

/** The mapping of one level. `event_id` is null for the host's own.
 * 
 * `chosen` is what this level chose, in the form that is sent. `is_checked`: whether the org's fields were
 * at hand; if not, `unchecked_because` is the code of the problem. `retried` counts the failed rows that the
 * change just made has queued again. */
export interface MappingShown {
  readonly "chosen": Readonly<Record<string, unknown>>;
  readonly "effective": EffectiveRules;
  readonly "event_id": string | null;
  readonly "findings": ReadonlyArray<MappingFinding>;
  readonly "host_id": string;
  readonly "is_checked": boolean;
  readonly "required_without_value": ReadonlyArray<RequiredField>;
  readonly "retried": number;
  readonly "unchecked_because": string | null;
  readonly "updated_at": string | null;
  readonly "updated_by": string | null;
  readonly "version": number;
}

/** Whose mapping to take. */
export interface MappingToCopy {
  readonly "from_host_id": string;
}

/** A mapping that is not saved, and the registration to try it on: by default one that answered much. */
export interface MappingToPreview {
  readonly "count"?: boolean;
  readonly "mapping": MappingGiven;
  readonly "registration_id"?: string | null;
}

/** A mapping to save; with `version`, only while that one is the latest. */
export interface MappingToSave {
  readonly "fields"?: ReadonlyArray<FieldRuleGiven>;
  readonly "owner"?: OwnerGiven;
  readonly "people"?: PeopleGiven;
  readonly "record_types"?: Readonly<Record<string, string | null>>;
  readonly "task_status"?: string | null;
  readonly "version"?: number | null;
}

/** A field of Lead and Contact that knows the host's people, and where our value for it comes from. */
export interface MatchBy {
  readonly "field": string;
  readonly "from": string;
}

/** The field that knows the host's people. */
export interface MatchByShown {
  readonly "field": string;
  readonly "from": string;
}

/** A record that a duplicate rule named; name and e-mail where the connected user may see it. */
export interface MatchShown {
  readonly "confidence": number | null;
  readonly "email": string | null;
  readonly "engine": string | null;
  readonly "id": string;
  readonly "name": string | null;
  readonly "object": string;
}

/** The campaign member; `status` is the campaign's own label. */
export interface MemberLink {
  readonly "id": string;
  readonly "object": string;
  readonly "status": string | null;
  readonly "url": string | null;
  readonly "was_member_before": boolean;
}

/** `action`: create or update (with `fields`), none; then `reason` says why nothing would be written.
 * 
 * Reasons: `not_linked`, `campaign_broken`, `stands`, `no_person`, `not_wanted`, `uncertain`. */
export interface MemberPlan {
  readonly "action": string;
  readonly "fields": Readonly<Record<string, unknown>> | null;
  readonly "member": MemberLink | null;
  readonly "reason": string | null;
}

/** One of the campaign's own member statuses. */
export interface MemberStatusShown {
  readonly "has_responded": boolean;
  readonly "is_default": boolean;
  readonly "label": string;
  readonly "sort_order": number;
}

/** Fields of our package that the connected user cannot write on one object. */
export interface MissingFields {
  readonly "fields": ReadonlyArray<string>;
  readonly "object": string;
}

/** Rows that the retry left alone, by why. */
export interface NotQueued {
  readonly "count": number;
  readonly "why": string;
}

/** Which notifications: all members that are set must hold.
 * 
 * `disabled` are those that wait since the receiver answered 410; otherwise they are `pending`. */
export interface NotificationFilter {
  readonly "created_from"?: string | null;
  readonly "created_to"?: string | null;
  readonly "event_id"?: string | null;
  readonly "host_id"?: string | null;
  readonly "notification_ids"?: ReadonlyArray<string> | null;
  readonly "state"?: "pending" | "delivered" | "failed" | "disabled" | null;
  readonly "type"?: "connection.needs_reconnect" | "connection.restored" | "connection.problem" | "connection.problem_solved" | "event.failures_started" | "event.failures_cleared" | "campaign.broken" | "campaign.restored" | "backfill.finished" | "budget.stopped" | "budget.resumed" | null;
}

/** One notification, with `notification_id` as its `webhook-id`.
 * 
 * `sequence` is null for a moment after the fact. `last_status` is what the receiver answered last,
 * `last_error` what kept an answer from coming. `due_at`: when it goes out next, of a pending one. */
export interface NotificationShown {
  readonly "attempts": number;
  readonly "created_at": string;
  readonly "data": Readonly<Record<string, unknown>>;
  readonly "due_at": string | null;
  readonly "event_id": string | null;
  readonly "finished_at": string | null;
  readonly "host_id": string;
  readonly "last_error": string | null;
  readonly "last_status": number | null;
  readonly "notification_id": string;
  readonly "sequence": number | null;
  readonly "state": string;
  readonly "type": string;
}

/** One page of notifications, the latest first. */
export interface Notifications {
  readonly "items": ReadonlyArray<NotificationShown>;
  readonly "next_cursor": string | null;
}

/** What an act did: of `matched` notifications `queued` go out; a sample holds ten at most. */
export interface NotificationsActed {
  readonly "dry_run": boolean;
  readonly "matched": number;
  readonly "queued": number;
  readonly "sample": ReadonlyArray<NotificationShown>;
}

/** An object's fields by label, and its record types. `is_written`: rules for it are followed already. */
export interface ObjectFields {
  readonly "fields": ReadonlyArray<FieldShown>;
  readonly "is_written": boolean;
  readonly "label": string;
  readonly "object": string;
  readonly "record_types": ReadonlyArray<RecordTypeShown>;
}

/** The connected org; `lightning_url` is null where the instance is no My Domain. */
export interface Org {
  readonly "edition": string | null;
  readonly "id": string;
  readonly "instance_url": string;
  readonly "is_sandbox": boolean | null;
  readonly "lightning_url": string | null;
  readonly "name": string | null;
}

/** The newest measurement by any host of the org; `cap_percent`: the lowest at which one of them stops. */
export interface OrgBudget {
  readonly "cap_percent": number;
  readonly "closed_until": string | null;
  readonly "limit": number;
  readonly "measured_at": string | null;
  readonly "used": number;
}

/** One org. `states`: all that hold, the most important first; `reason`: the code of the first.
 * 
 * `failed`: failed rows now; `hosts`: the first 50, those with trouble first. */
export interface OrgLine {
  readonly "budget": OrgBudget | null;
  readonly "day": Flow;
  readonly "failed": number;
  readonly "hosts": ReadonlyArray<HostOfOrg>;
  readonly "hosts_total": number;
  readonly "is_sandbox": boolean | null;
  readonly "name": string | null;
  readonly "not_before": string | null;
  readonly "oldest_wait_seconds": number;
  readonly "org_id": string;
  readonly "paused_by": string | null;
  readonly "reason": string | null;
  readonly "running": number;
  readonly "since": string | null;
  readonly "states": ReadonlyArray<"stuck" | "ended" | "late" | "failing" | "doubt" | "budget" | "access" | "failed" | "paused" | "well" | "disconnected" | Other>;
}

/** An org that somebody may have to look at, and why. */
export interface OrgShown {
  readonly "connection_states": ReadonlyArray<string>;
  readonly "failures": number;
  readonly "hosts": number;
  readonly "is_paused": boolean;
  readonly "is_slow": boolean;
  readonly "not_before": string | null;
  readonly "not_before_reason": string | null;
  readonly "org_id": string;
}

/** One page of orgs, the most important first; `total`: all that the filter matches. */
export interface Orgs {
  readonly "as_of": string;
  readonly "items": ReadonlyArray<OrgLine>;
  readonly "next_cursor": string | null;
  readonly "total": number;
}

/** What became of a delivery, in the words of the answer. */
export type Outcome = "accepted" | "duplicate" | "unknown_type" | Other;

/** The service at a moment, across hosts. `stuck_orgs` have running rows and nobody who runs them.
 * 
 * `concerns`: what needs somebody, the most urgent first; none: all is well. */
export interface Overview {
  readonly "as_of": string;
  readonly "backlog": Readonly<Record<string, number>>;
  readonly "budgets": ReadonlyArray<BudgetShown>;
  readonly "concerns": ReadonlyArray<Concern>;
  readonly "failures": ReadonlyArray<FailureCount>;
  readonly "host_faults": ReadonlyArray<HostFault>;
  readonly "host_problems": ReadonlyArray<HostProblem>;
  readonly "hosts_to_reconnect": ReadonlyArray<HostToReconnect>;
  readonly "oldest_due_age_seconds": number;
  readonly "orgs_with_backlog": number;
  readonly "orgs_with_trouble": ReadonlyArray<OrgShown>;
  readonly "quarantined": number;
  readonly "received_last_minute": number;
  readonly "stuck_orgs": ReadonlyArray<string>;
  readonly "workers": ReadonlyArray<WorkerShown>;
}

/** Which app to connect through, and the Consumer Key and Secret of an own one. They are never answered.
 * 
 * `mode` own without a pair chooses the own app before its credentials are at hand; shared goes back to the
 * platform's app and clears the pair, which `confirm` must allow while it is in use. */
export interface OwnCredentials {
  readonly "confirm"?: boolean;
  readonly "consumer_key"?: string | null;
  readonly "consumer_secret"?: string | null;
  readonly "mode"?: "own" | "shared";
}

/** A Salesforce user with the e-mail that Salesforce has of them. */
export interface OwnUser {
  readonly "email": string | null;
  readonly "id": string;
  readonly "name": string | null;
  readonly "username": string | null;
}

/** Who a platform user is in Salesforce; null until they connected. `is_same_org`: in the host's org, and
 * only then it is used. */
export interface OwnUserView {
  readonly "connected_at": string | null;
  readonly "is_same_org": boolean;
  readonly "user": OwnUser | null;
}

/** A user or a queue of the org who may own records; `email` is null for a queue. */
export interface OwnerFound {
  readonly "email": string | null;
  readonly "id": string;
  readonly "is_queue": boolean;
  readonly "name": string;
}

/** Who owns new records; `id` belongs to `fixed`. Owners of records that stand are never changed. */
export interface OwnerGiven {
  readonly "how"?: "leave" | "organizer" | "fixed";
  readonly "id"?: string | null;
  readonly "run_assignment_rules"?: boolean;
}

/** Who owns new records. */
export interface OwnerShown {
  readonly "how": string;
  readonly "id": string | null;
  readonly "run_assignment_rules": boolean;
}

/** Users and queues by name; `has_more` where the org has more that match. */
export interface OwnersFound {
  readonly "has_more": boolean;
  readonly "items": ReadonlyArray<OwnerFound>;
}

/** Our package as the describes of the last preflight show it.
 * 
 * `state`: `there`; `incomplete`, some fields cannot be written; `not_seen`, none can: it is not installed,
 * or the connected user has no right to its fields, which look the same. `unique_keys` are the objects
 * whose records carry our unique key. */
export interface PackageInOrg {
  readonly "missing": ReadonlyArray<MissingFields>;
  readonly "state": "there" | "incomplete" | "not_seen" | Other;
  readonly "unique_keys": ReadonlyArray<string>;
}

/** One happening and how far it is written; `attempts` are the job's. */
export interface Part {
  readonly "attempts": number;
  readonly "kind": string;
  readonly "state": string;
  readonly "written_at": string | null;
}

export interface Pause {
  readonly "is_paused": boolean;
  readonly "paused_at": string | null;
  readonly "paused_by": string | null;
}

/** The pending ones by what they wait for. */
export interface PendingBecause {
  readonly "ambiguous": number;
  readonly "api_budget": number;
  readonly "campaign": number;
  readonly "connection": number;
  readonly "org_backoff": number;
  readonly "paused": number;
  readonly "person": number;
  readonly "queued": number;
  readonly "retry_later": number;
  readonly "running": number;
  readonly "salesforce_access": number;
}

/** Who is created, matched and touched. */
export interface PeopleGiven {
  readonly "account_for_nobody"?: string | null;
  readonly "adopt_duplicates"?: "always" | "same_name" | "never";
  readonly "bypass_alert_rules"?: boolean;
  readonly "create"?: "lead" | "contact" | "person_account" | "nobody";
  readonly "fill_required"?: boolean;
  readonly "leave_company_blank"?: boolean;
  readonly "match_by"?: MatchBy | null;
  readonly "opt_out_field"?: string | null;
  readonly "update_existing"?: boolean;
}

/** Who is created, matched and touched. */
export interface PeopleShown {
  readonly "account_for_nobody": string | null;
  readonly "adopt_duplicates": string;
  readonly "bypass_alert_rules": boolean;
  readonly "create": string;
  readonly "fill_required": boolean;
  readonly "leave_company_blank": boolean;
  readonly "match_by": MatchByShown | null;
  readonly "opt_out_field": string | null;
  readonly "update_existing": boolean;
}

/** The Lead or Contact, and how it was found. */
export interface PersonLink {
  readonly "found_by": string | null;
  readonly "id": string;
  readonly "is_created_by_us": boolean;
  readonly "object": string;
  readonly "url": string | null;
}

/** `action`: found (`person` is who), update (with `fields`, too), create (with `fields`), none. */
export interface PersonPlan {
  readonly "action": string;
  readonly "fields": Readonly<Record<string, unknown>> | null;
  readonly "person": PersonLink | null;
}

/** A registration link for one record; `snippet` is the same link for whoever gets an e-mail template. */
export interface PersonalLink {
  readonly "snippet": string;
  readonly "url": string;
}

/** One active value of a picklist, and what people see of it. */
export interface PicklistValue {
  readonly "label": string;
  readonly "value": string;
}

/** What happens by itself: new events are synced, unless the host's settings say `off`; what was there
 * before the first connection waits. */
export interface Policy {
  readonly "before_first_connection": "on_request";
  readonly "new_events": "sync" | "off" | Other;
}

/** What the connected user may do with one object. */
export interface PreflightObject {
  readonly "duplicate_rules": "seen" | "none" | "unknown" | Other;
  readonly "is_createable": boolean;
  readonly "is_readable": boolean;
  readonly "is_updateable": boolean;
  readonly "object": string;
  readonly "record_types": number;
  readonly "required_without_value": ReadonlyArray<string>;
}

/** The org as its Organization record and its describes tell. */
export interface PreflightOrg {
  readonly "default_time_zone": string | null;
  readonly "edition": string | null;
  readonly "has_multiple_currencies": boolean | null;
  readonly "has_person_accounts": boolean | null;
  readonly "id": string;
  readonly "is_sandbox": boolean | null;
  readonly "name": string | null;
}

/** The last look at the org; `checked_at` is null before the first. */
export interface PreflightShown {
  readonly "api_calls": number;
  readonly "budget": Budget | null;
  readonly "checked_at": string | null;
  readonly "findings": ReadonlyArray<Finding>;
  readonly "is_running": boolean;
  readonly "objects": ReadonlyArray<PreflightObject>;
  readonly "org": PreflightOrg | null;
  readonly "package": PackageInOrg | null;
  readonly "passed": ReadonlyArray<string>;
  readonly "user": PreflightUser | null;
  readonly "verdict": "ready" | "ready_with_warnings" | "blocked" | "unknown" | Other;
}

/** The last preflight in short. */
export interface PreflightSummary {
  readonly "blockers": number;
  readonly "checked_at": string;
  readonly "package": PackageInOrg | null;
  readonly "verdict": string;
  readonly "warnings": number;
}

/** The user that we act as; null where Salesforce did not say. */
export interface PreflightUser {
  readonly "has_marketing_user": boolean | null;
  readonly "id": string | null;
  readonly "is_api_enabled": boolean | null;
  readonly "username": string | null;
}

/** What would be created or changed now, beside what stands. Looked up for real, and nothing was written.
 * 
 * `outcome` is how the run would end if Salesforce took everything; no records where it would write none. */
export interface Preview {
  readonly "as_of": string;
  readonly "calls_spent": number;
  readonly "error": RowError | null;
  readonly "outcome": string;
  readonly "records": ReadonlyArray<RecordPreview>;
  readonly "registration_id": string;
  readonly "skipped_because": string | null;
  readonly "waiting_for": string | null;
  readonly "warnings": ReadonlyArray<RowWarning>;
}

/** The body of every error answer. */
export interface ProblemBody {
  readonly "advice": Advice | null;
  readonly "code": string;
  readonly "detail": string | null;
  readonly "errors": ReadonlyArray<FieldError> | null;
  readonly "reason": string | null;
  readonly "request_id": string;
  readonly "salesforce": SalesforceAnswer | null;
  readonly "status": number;
  readonly "title": string;
  readonly "type": string;
}

/** Something that the connected user lacks while the connection itself works. */
export interface ProblemShown {
  readonly "advice": Advice;
  readonly "code": string;
  readonly "field": string | null;
  readonly "object": string | null;
  readonly "since": string;
}

/** One page, the latest first. */
export interface ReceivedDeliveries {
  readonly "items": ReadonlyArray<ReceivedDelivery>;
  readonly "next_cursor": string | null;
}

/** One webhook. Of an `unusable` one `reason` and `errors` say why: places, never values.
 * 
 * Of a duplicate there is the first alone. */
export interface ReceivedDelivery {
  readonly "errors": ReadonlyArray<FieldError>;
  readonly "host_id": string | null;
  readonly "id": string;
  readonly "occurred_at": string | null;
  readonly "outcome": "accepted" | "unknown_type" | "unusable" | Other;
  readonly "reason": string | null;
  readonly "received_at": string;
  readonly "type": string | null;
}

/** One record. `written`: `created`; `found` (only where the person is there already); `unlinked` (once a
 * campaign is linked); `off` (this kind of write is switched off). */
export interface RecordExample {
  readonly "change": "same" | "new" | "changed" | "gone" | Other;
  readonly "fields": ReadonlyArray<FieldExample>;
  readonly "object": string;
  readonly "written": "created" | "found" | "unlinked" | "off" | Other;
}

/** A record in Salesforce and where a person opens it. */
export interface RecordLink {
  readonly "id": string;
  readonly "object": string;
  readonly "url": string | null;
}

/** One record. `part`: person, account, registered, checked_in, member, case; `action`: create, update,
 * keep. */
export interface RecordPreview {
  readonly "action": string;
  readonly "fields": ReadonlyArray<FieldPreview>;
  readonly "object": string;
  readonly "part": string;
  readonly "record": RecordLink | null;
}

/** A record that stays in Salesforce; `url` is null where its org is not the connected one. */
export interface RecordToHandle {
  readonly "id": string;
  readonly "object": string;
  readonly "url": string | null;
}

/** A record type; `is_available` and `is_default` are meant for the connected user. */
export interface RecordTypeShown {
  readonly "developer_name": string;
  readonly "is_available": boolean;
  readonly "is_default": boolean;
  readonly "name": string;
}

/** Somebody who registered, for a choice of examples. */
export interface Registrant {
  readonly "answers": number;
  readonly "email": string | null;
  readonly "event_id": string;
  readonly "event_title": string;
  readonly "name": string | null;
  readonly "registered_at": string;
  readonly "registration_id": string;
}

/** The latest first; older ones than the latest `searched_at_most` are not looked at. */
export interface Registrants {
  readonly "items": ReadonlyArray<Registrant>;
  readonly "searched_at_most": number;
}

/** Which rows to repair: `registration_ids`, or `all` that differ; a dry run counts them. */
export interface RepairToStart {
  readonly "all"?: true | null;
  readonly "dry_run"?: boolean;
  readonly "registration_ids"?: ReadonlyArray<string> | null;
}

/** Webhooks to apply again; a dry run only counts, and is what happens unless it is refused. */
export interface ReplayDeliveries {
  readonly "dry_run"?: boolean;
  readonly "filter": DeliveryFilter;
}

/** Notifications to send again; a dry run only counts, and is what happens unless it is refused. */
export interface ReplayNotifications {
  readonly "dry_run"?: boolean;
  readonly "filter": NotificationFilter;
}

/** What a replay did: `queued` of `matched` webhooks were applied again; `unusable` still cannot be. */
export interface Replayed {
  readonly "dry_run": boolean;
  readonly "matched": number;
  readonly "queued": number;
  readonly "sample": ReadonlyArray<DeliveryShown>;
  readonly "unusable": number;
}

/** One request to Salesforce; never with a token. `path` is relative to the org's instance URL. */
export interface RequestShown {
  readonly "body": Readonly<Record<string, unknown>> | null;
  readonly "method": string;
  readonly "path": string;
}

/** A required field of the org that no rule gives a value on its own. `is_filled`: by fill_required. */
export interface RequiredField {
  readonly "field": string;
  readonly "is_filled": boolean;
  readonly "label": string;
  readonly "object": string;
  readonly "type": string;
}

/** Which rows: exactly one member is set. */
export interface RetryFilter {
  readonly "all"?: boolean | null;
  readonly "error_code"?: string | null;
  readonly "group_id"?: string | null;
  readonly "registration_ids"?: ReadonlyArray<string> | null;
}

/** What a retry did: `matched` is `queued` plus the sum of `not_queued`. */
export interface RetryOutcome {
  readonly "dry_run": boolean;
  readonly "matched": number;
  readonly "not_queued": ReadonlyArray<NotQueued>;
  readonly "queued": number;
  readonly "row": Row | null;
  readonly "waiting_for": string | null;
}

/** Retry what the filter matches; a dry run only counts. */
export interface RetryRequest {
  readonly "dry_run"?: boolean;
  readonly "filter": RetryFilter;
}

export type Role = "owner" | "admin" | "member" | Other;

/** One registration, with links to what stands in Salesforce; `case` may be one that its link named. */
export interface Row {
  readonly "activities": ReadonlyArray<ActivityLink>;
  readonly "attendee": AttendeeShown;
  readonly "can_retry": boolean;
  readonly "case": RecordLink | null;
  readonly "checked_in_at": string | null;
  readonly "error": RowError | null;
  readonly "is_attended": boolean;
  readonly "is_checked_in": boolean;
  readonly "is_erased": boolean;
  readonly "is_excluded": boolean;
  readonly "member": MemberLink | null;
  readonly "parts": ReadonlyArray<Part>;
  readonly "person": PersonLink | null;
  readonly "registered_at": string;
  readonly "registration_id": string;
  readonly "registration_status": string;
  readonly "skipped_because": string | null;
  readonly "state": string;
  readonly "updated_at": string;
  readonly "version": number;
  readonly "waiting_for": string | null;
  readonly "warnings": ReadonlyArray<RowWarning>;
}

/** Salesforce's own words on the part that failed, and ours. */
export interface RowError {
  readonly "advice": Advice;
  readonly "attempts": number;
  readonly "class": string;
  readonly "error_code": string;
  readonly "field_label": string | null;
  readonly "fields": ReadonlyArray<string>;
  readonly "first_at": string | null;
  readonly "group_id": string;
  readonly "kind": string | null;
  readonly "last_at": string | null;
  readonly "matches": ReadonlyArray<RecordLink>;
  readonly "message": string;
  readonly "next_attempt_at": string | null;
  readonly "object": string | null;
  readonly "value": string | null;
}

/** Something that was left out or changed, without a failure. */
export interface RowWarning {
  readonly "code": string;
  readonly "field": string | null;
  readonly "object": string | null;
  readonly "text": string;
}

/** One page; `matched` is null above 10,000. */
export interface Rows {
  readonly "items": ReadonlyArray<Row>;
  readonly "matched": number | null;
  readonly "next_cursor": string | null;
}

/** Salesforce's own words beside ours. */
export interface SalesforceAnswer {
  readonly "error_code": string;
  readonly "fields": ReadonlyArray<string>;
  readonly "http_status": number | null;
  readonly "message": string;
}

/** Salesforce's own error, as it was given. */
export interface SalesforceWords {
  readonly "error_code": string;
  readonly "fields": ReadonlyArray<string>;
  readonly "http_status": number | null;
  readonly "message": string;
}

/** Whose statuses to take; its campaign, too, unless another is named. */
export interface SetUpToCopy {
  readonly "campaign_id"?: string | null;
  readonly "from_event_id": string;
}

/** The host's settings, whole. `new_events`: whether an event is on when it is first seen.
 * 
 * `general_links`: what a registration without a Salesforce id may create. `personal_data_months`: how long
 * after an event what it holds of people is kept; 0, until they are erased. */
export interface SettingsShown {
  readonly "automatic_campaigns": boolean;
  readonly "calendar_event": CalendarEventChosen;
  readonly "cap_percent": number;
  readonly "case": CaseChosen;
  readonly "email": EmailChosen;
  readonly "exclusions": Exclusions;
  readonly "general_links": "as_mapping" | "nobody" | "lead" | "contact" | Other;
  readonly "new_events": "sync" | "off" | Other;
  readonly "personal_data_months": number;
  readonly "task": TaskChosen;
  readonly "writes": WritesChosen;
}

/** What to change; a member that is left out stays as it is. */
export interface SettingsWanted {
  readonly "automatic_campaigns"?: boolean | null;
  readonly "calendar_event"?: CalendarEventToSet | null;
  readonly "cap_percent"?: number | null;
  readonly "case"?: CaseToSet | null;
  readonly "email"?: EmailToSet | null;
  readonly "exclusions"?: Exclusions | null;
  readonly "general_links"?: "as_mapping" | "nobody" | "lead" | "contact" | null;
  readonly "new_events"?: "sync" | "off" | null;
  readonly "personal_data_months"?: number | null;
  readonly "task"?: TaskToSet | null;
  readonly "writes"?: WritesToSet | null;
}

/** Whether the webhook would be taken as signed, and if not, why. Nothing of it was kept.
 * 
 * `received_at` is our time; `body_bytes` and `body_sha256` (hexadecimal) are of the body as it arrived. */
export interface SignatureChecked {
  readonly "body_bytes": number;
  readonly "body_sha256": string;
  readonly "findings": ReadonlyArray<SignatureFinding>;
  readonly "is_valid": boolean;
  readonly "received_at": string;
}

/** One thing that is wrong; `message` says what to do about it. */
export interface SignatureFinding {
  readonly "code": string;
  readonly "message": string;
  readonly "part": "headers" | "clock" | "signature" | Other;
}

/** The skipped ones by why nothing is written. */
export interface SkippedBecause {
  readonly "before_connection": number;
  readonly "cancelled": number;
  readonly "erased": number;
  readonly "excluded": number;
  readonly "no_email": number;
  readonly "no_match": number;
  readonly "nothing_wanted": number;
  readonly "switched_off": number;
}

/** Where a value may come from. `options` are the answers that several attendees gave alike, `example` the
 * one that most of them gave. */
export interface SourceShown {
  readonly "example": string | null;
  readonly "is_answer": boolean;
  readonly "label": string;
  readonly "options": ReadonlyArray<string>;
  readonly "path": string;
}

/** Every source: those that all registrations have, then the questions that were answered lately. */
export interface Sources {
  readonly "items": ReadonlyArray<SourceShown>;
}

/** Where the browser goes next; the address works once, in one browser, until `expires_at`. */
export interface StartAttempt {
  readonly "attempt_id": string;
  readonly "expires_at": string;
  readonly "start_url": string;
  readonly "warnings": ReadonlyArray<Advice>;
}

/** A wish to connect the host. `return_to` is a path on the dashboard's origin, under one of
 * `RETURN_TO_PREFIXES` (without it, the first of them). `confirm_approval` is taken by the completion. */
export interface StartConnect {
  readonly "confirm_approval"?: boolean;
  readonly "display"?: "redirect" | "popup";
  readonly "environment"?: "production" | "sandbox" | "my_domain";
  readonly "my_domain"?: string | null;
  readonly "return_to"?: string | null;
}

/** A wish to sign in. `return_to` is a path on the dashboard's origin, under one of `RETURN_TO_PREFIXES`
 * (without it, the first of them). */
export interface StartSignIn {
  readonly "display"?: "redirect" | "popup";
  readonly "return_to"?: string | null;
}

/** One event at a moment; holds no personal data. */
export interface Stats {
  readonly "as_of": string;
  readonly "backfill": BackfillShown | null;
  readonly "budget": Budget | null;
  readonly "connection_state": string;
  readonly "counts": Counts;
  readonly "event": EventShown;
  readonly "groups": ReadonlyArray<Group>;
  readonly "is_linked": boolean;
  readonly "last_synced_at": string | null;
  readonly "next_retry_at": string | null;
  readonly "pending_because": PendingBecause;
  readonly "skipped_because": SkippedBecause;
  readonly "version": number;
}

/** Why each label was proposed. */
export interface StatusReasons {
  readonly "attended": "label" | "universal" | "default" | "none" | Other;
  readonly "cancelled": "label" | "universal" | "default" | "none" | Other;
  readonly "no_show": "label" | "universal" | "default" | "none" | Other;
  readonly "registered": "label" | "universal" | "default" | "none" | Other;
  readonly "replay_watched": "label" | "universal" | "default" | "none" | Other;
}

/** The campaign's label for each of our meanings; null: nothing is written for it. */
export interface Statuses {
  readonly "attended": string;
  readonly "cancelled": string | null;
  readonly "no_show": string | null;
  readonly "registered": string;
  readonly "replay_watched": string | null;
}

/** What the host chose; `registered` and `attended` are needed. */
export interface StatusesChosen {
  readonly "attended"?: string | null;
  readonly "cancelled"?: string | null;
  readonly "no_show"?: string | null;
  readonly "registered"?: string | null;
  readonly "replay_watched"?: string | null;
}

/** A value that holds for an event, and whose choice it is. */
export interface Switch {
  readonly "from": "host" | "event" | Other;
  readonly "value": boolean;
}

/** Who owns Tasks: the connected user, or the organizer's Salesforce user. */
export interface TaskChosen {
  readonly "owner": "connected_user" | "organizer" | Other;
}

/** What to change of Tasks. */
export interface TaskToSet {
  readonly "owner"?: "connected_user" | "organizer" | null;
}

/** What unlinking ended: member writes that were still to come, and members that stay in Salesforce. */
export interface Unlinked {
  readonly "campaign": CampaignLinkRecord;
  readonly "members_kept": number;
  readonly "unlinked_at": string;
  readonly "writes_stopped": number;
}

/** The Salesforce user that we act as. */
export interface User {
  readonly "id": string;
  readonly "name": string | null;
  readonly "username": string | null;
}

/** What the registration has at a source, as text; an answer's `label` is the question. */
export interface ValueGiven {
  readonly "is_answer": boolean;
  readonly "label": string;
  readonly "path": string;
  readonly "value": string;
}

/** An event's latest verification, with one page of its differences.
 * 
 * `checked` of `total` registrations were read, `in_order` of them without a difference. */
export interface VerificationShown {
  readonly "api_calls": number;
  readonly "checked": number;
  readonly "finished_at": string | null;
  readonly "in_order": number;
  readonly "items": ReadonlyArray<DifferenceShown>;
  readonly "next_cursor": string | null;
  readonly "resumes_at": string | null;
  readonly "started_at": string;
  readonly "state": string;
  readonly "total": number;
}

/** The host whose chain is checked; all of them without one. */
export interface VerifyAudit {
  readonly "host_id"?: string | null;
}

/** One happening; `timestamp` is when it happened, not when it was sent. */
export interface Webhook {
  readonly "data": unknown;
  readonly "timestamp": string;
  readonly "type": string;
}

/** What became of the delivery; it is on disk when this is sent.
 * 
 * `nearest_type` is there with `unknown_type` alone, where a known type is like the one that was sent. */
export interface WebhookAnswer {
  readonly "nearest_type": string | null;
  readonly "outcome": Outcome;
}

/** A registration by its id, or all of an e-mail address; of one event or of any. Without either only what
 * holds for everybody is looked at. */
export interface WhoIsMissing {
  readonly "email"?: string | null;
  readonly "event_id"?: string | null;
  readonly "registration_id"?: string | null;
}

/** Registrations on their way; `waiting` is the part that a closed gate, or what the connected user
 * lacks, holds back. */
export interface Work {
  readonly "failed": number;
  readonly "oldest_pending_at": string | null;
  readonly "pending": number;
  readonly "waiting": number;
}

/** One worker process by its heartbeat. */
export interface WorkerShown {
  readonly "beat_at": string;
  readonly "drains": number;
  readonly "hostname": string;
  readonly "is_stopping": boolean;
  readonly "pid": number;
  readonly "silent_seconds": number;
  readonly "started_at": string;
  readonly "worker_id": string;
}

/** The kinds of write; without `person` nobody is created, people are only matched. */
export interface WritesChosen {
  readonly "calendar_event": boolean;
  readonly "case": boolean;
  readonly "email_opened": boolean;
  readonly "email_replied": boolean;
  readonly "email_sent": boolean;
  readonly "member": boolean;
  readonly "person": boolean;
  readonly "task": boolean;
}

/** Kinds of write to switch; of an event, null takes its own choice away. */
export interface WritesToSet {
  readonly "calendar_event"?: boolean | null;
  readonly "case"?: boolean | null;
  readonly "email_opened"?: boolean | null;
  readonly "email_replied"?: boolean | null;
  readonly "email_sent"?: boolean | null;
  readonly "member"?: boolean | null;
  readonly "person"?: boolean | null;
  readonly "task"?: boolean | null;
}
