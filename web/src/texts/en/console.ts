/** The console's own English words. */

import { formsOf } from "../forms";
import { ops } from "./ops";

const { number } = formsOf("en");

export const words = {
  title: "Eventship for Salesforce",
  hosts: "Hosts",
  events: "Events",
  operations: "Operations",
  language: "Language",
  skip: "Skip to the content",
  event: "Event",
  navigation: "Hosts and events",
  noTokenTitle: "This address needs a token",
  noTokenText: "It has expired, or was opened without one. Print a fresh address and open that:",
  noTokenCommand: "eventship-salesforce console",
  noHosts: "Your token names no host.",
  noEvents: "No event of this host has come in yet. Events appear here with their first webhook.",
  moreEvents: "More events",
  integrations: "Integrations",
  allEvents: "All events",
  backToEvent: "Back to the event",
  mapping: "People and fields",
  eventMapping: "People and fields of this event",
  settings: "What is written",
  matrix: "What is written of each event",
  audit: {
    heading: "Who did what",
    intro: "Everything that was decided about this host's Salesforce, newest first. Nothing in it can be changed.",
    area: "About",
    everything: "Everything",
    areas: { connection: "The connection", app: "The Salesforce app", campaigns: "Campaigns and links", writing: "What is written, pauses", registrations: "Registrations, retries, backfills", privacy: "Personal data" } as Record<string, string>,
    actor: "By whom (id; empty for everybody)",
    none: "Nothing of that kind has happened.",
    more: "Earlier ones",
    count: (count: number) => `${number(count)} shown`,
    byOperations: "operations",
    actors: { automatic: "by itself", system: "by itself", salesforce: "Salesforce" } as Record<string, string>,
    actions: {
      connected: "Salesforce was connected", connect_failed: "An attempt to connect failed", disconnected: "Salesforce was disconnected",
      connection_ended: "Salesforce ended the connection", connection_reopened: "The connection works again", restored: "The service was restored from a backup",
      user_connected: "Somebody connected their own Salesforce user", user_connect_failed: "Somebody's own sign-in failed", user_disconnected: "Somebody's own Salesforce user was forgotten",
      byo_credentials_set: "Key and Secret of an own app were saved", byo_credentials_cleared: "Key and Secret of the own app were forgotten", app_mode_set: "Another Salesforce app was chosen",
      campaign_linked: "A campaign was linked", campaign_unlinked: "A campaign was unlinked", campaign_statuses_changed: "The statuses of a campaign were changed",
      campaign_asked_for: "A campaign was ordered", campaign_created: "A campaign was created", links_exported: "Personalised links were downloaded",
      paused: "Syncing was paused", resumed: "Syncing was resumed", event_paused: "An event was paused", event_resumed: "An event was resumed",
      settings_changed: "Settings were changed", event_settings_changed: "Settings of an event were changed", events_settings_changed: "Settings of many events were changed",
      mapping_changed: "People and fields were changed", retry: "Registrations were retried", repair: "Registrations were repaired",
      backfill_started: "A backfill was started", backfill_cancelled: "A backfill was cancelled", verification_started: "A check of what is in Salesforce was started",
      registration_excluded: "A registration was left out by hand", registration_included: "A registration was taken in again", rows_exported: "Registrations were downloaded",
      attendee_erased: "An attendee's data was erased", personal_data_removed: "Personal data of a past event was removed",
      jobs_retried: "Work was retried", jobs_discarded: "Work was discarded", host_paused: "The host was paused", host_resumed: "The host was resumed",
    } as Record<string, string>,
    facts: {
      event_id: "Event", registration_id: "Registration", campaign_id: "Campaign", name: "Name", org_id: "Org", problem: "Problem", reason: "Reason", reason_code: "Reason",
      fingerprint: "Fingerprint", mode: "App", registrations: "Registrations", count: "Number", matched: "Matched", queued: "Queued", changed: "Changed", rows: "Rows",
    } as Record<string, string>,
  },
  roles: { owner: "owner", admin: "admin", member: "member" } as Record<string, string>,
  campaign: (name: string) => `Campaign: ${name}`,
  noCampaign: "No campaign linked",
  cancelled: "Cancelled",
  paused: "Paused",
  noDate: "No date",
  /** A number as the language writes it. */
  number,
  ops,
};

export type ConsoleWords = typeof words;
