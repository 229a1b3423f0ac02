/** The English words about registrations and what failed of them. */

import { formsOf } from "../forms";

const { number, plural } = formsOf("en");

/** What is so where an action did not succeed. */
export const notDone = {
  any: "This was not done. Try it again in a moment.",
  pause: "Not paused.", resume: "Not resumed.", retry: "Not tried again.", backfill: "Nothing was started.", cancel: "Not cancelled.",
  exclude: "Not left out.", include: "Not taken in again.", verify: "Not verified.", repair: "Not repaired.", more: "Not loaded.", change: "Not changed.",
  make: "No link was made.", download: "No file was made.", look: "Salesforce was not asked.",
};

export const failures = {
  heading: (count: number) => `What failed (${number(count)})`,
  count: (count: number) => plural(count, "registration", "registrations"),
  retry: (count: number) => `Retry ${number(count)}`,
  show: "Show them",
  fields: "Fields",
  todo: "What to do",
  retryAll: (count: number) => `Retry all ${number(count)}`,
  queued: (queued: number, matched: number) => `${number(queued)} of ${number(matched)} queued again.`,
  times: (first: string, last: string) => (first === last ? `Tried ${first}` : `First refused ${first}, last tried ${last}`),
  again: (count: number, when: string) => `Tried again at ${when}: ${plural(count, "registration was", "registrations were")} refused again for the same reason.`,
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
  group: (title: string) => `Only: ${title}`,
  order: "Order",
  orders: { failed: "Failed first", "-updated_at": "Latest change first", "-registered_at": "Newest registration first", name: "By name" },
  tooShort: "Type at least two letters.",
  file: "Download as CSV",
  filing: "Making the file…",
  filed: "The file is made.",
  times: (zone: string) => `Times are those of ${zone}.`,
  open: (name: string) => `${name}: what happened, and what would be written`,
  clearGroup: "Show all again",
  none: "No registration matches.",
  matched: (count: number | null) => (count === null ? "More than 10,000 match" : plural(count, "registration", "registrations")),
  page: (from: number, to: number, count: number | null) => `${number(from)}–${number(to)} of ${count === null ? "more than 10,000" : number(count)}`,
  pages: "Pages of registrations",
  previous: "Previous",
  next: "Next",
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
  lastTried: (when: string, isSame: boolean) => `last tried ${when}${isSame ? ", refused for the same reason as before" : ""}`,
  retried: {
    pending: "Queued again.",
    sameValue: (when: string) => `Tried at ${when}: refused again, with the same value.`,
    same: (when: string) => `Tried at ${when}: refused again, for the same reason.`,
    other: (when: string) => `Tried at ${when}: refused, for another reason.`,
    done: "Written.",
  },
  write: "Write",
  writeOf: (name: string) => `Write ${name} to Salesforce`,
  requeued: (name: string) => `${name} is queued again.`,
  notQueued: "Nothing was queued: it is on its way or done already.",
};
