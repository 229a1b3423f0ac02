/** The English words about registrations and what failed of them. */

import { formsOf } from "../forms";

const { number, plural } = formsOf("en");

/** What is so where an action did not succeed. */
export const notDone = {
  pause: "Not paused.", resume: "Not resumed.", retry: "Not tried again.", backfill: "Nothing was started.", cancel: "Not cancelled.",
  exclude: "Not left out.", include: "Not taken in again.", verify: "Not verified.", repair: "Not repaired.", more: "Not loaded.", change: "Not changed.",
  make: "No link was made.", download: "No file was made.",
};

export const failures = {
  heading: (count: number) => `What failed (${number(count)})`,
  count: (count: number) => plural(count, "registration", "registrations"),
  retry: (count: number) => `Retry ${number(count)}`,
  show: "Show them",
  fields: "Fields",
  todo: "What to do",
  queued: (queued: number, matched: number) => `${number(queued)} of ${number(matched)} queued again.`,
  waits: {
    connection: "They move once Salesforce is connected.", api_budget: "They move once the API budget allows it.",
    pause: "They move once syncing is resumed.", campaign: "They move once the campaign link is mended.",
  } as Record<string, string>,
};

export const rows = {
  heading: "Registrations",
  search: "Search by name, e-mail or company",
  all: "All",
  filter: "Show",
  group: "Only one kind of failure",
  clearGroup: "Show all again",
  none: "No registration matches.",
  matched: (count: number | null) => (count === null ? "More than 10,000 match" : plural(count, "registration", "registrations")),
  more: "Load more",
  retry: "Retry",
  retryOf: (name: string) => `Retry ${name}`,
  details: "What to do",
  links: "In Salesforce",
  member: (status: string | null) => (status ? `Campaign: ${status}` : "Campaign member"),
  case: "Case",
  activity: {
    registered: "Registered", checked_in: "Checked-in", calendar_event: "Calendar Event", case: "Case", member: "Campaign member",
    email_sent: "E-mail sent", email_opened: "E-mail opened", email_replied: "E-mail reply",
  } as Record<string, string>,
  emails: (count: number) => plural(count, "e-mail", "e-mails"),
  part: (what: string, state: string) => `${what}: ${state}`,
  partStates: { failed: "failed", ambiguous: "being looked up", held: "waits", running: "being written", pending: "on the way" } as Record<string, string>,
  checkedIn: "Checked in",
  value: (value: string) => `Refused value: ${value}`,
  attempts: (count: number) => plural(count, "attempt", "attempts"),
  write: "Write",
  writeOf: (name: string) => `Write ${name} to Salesforce`,
  requeued: (name: string) => `${name} is queued again.`,
  notQueued: "Nothing was queued: it is on its way or done already.",
};
