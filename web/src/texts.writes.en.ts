/** The English words about what is written: switches of host and events, and links for single records. */

const number = (value: number): string => value.toLocaleString("en");
const plural = (count: number, one: string, many: string): string => `${number(count)} ${count === 1 ? one : many}`;

export const writes = {
  heading: "What is written",
  kinds: {
    person: "New people", task: "Tasks", member: "Campaign members", calendar_event: "Calendar Events", case: "Cases",
    email_sent: "E-mails sent", email_opened: "E-mails opened", email_replied: "E-mail replies",
  } as Record<string, string>,
  kindHints: {
    person: "Off: people are only looked for, and nobody is created.",
    task: "A Task for each registration and check-in.",
    member: "The campaign's members and their status.",
    calendar_event: "An Event in the Salesforce calendar that follows the registration.",
    case: "A Case for each meeting.",
    email_sent: "An e-mail activity for each message that attendees get.",
    email_opened: "An activity once an e-mail is opened.",
    email_replied: "An activity for each reply.",
  } as Record<string, string>,
  event: "This event",
  eventOn: "On: registrations are written to Salesforce.",
  eventOff: "Off: registrations are skipped and cost no API call. What is in Salesforce stays.",
  ifOff: "Switched off, registrations are skipped; what is in Salesforce stays.",
  ifOn: "Switched on, what was skipped goes out as a backfill.",
  inherited: "As the host has it",
  own: "Chosen for this event",
  release: "As the host has it",
  releaseOf: (kind: string) => `${kind}: as the host has it`,
  kindsOf: (on: readonly string[]) => (on.length === 0 ? "No kind of write is on" : `Kinds of write: ${on.join(", ")}`),
  kindsHolding: "A kind that you switch holds from then on; what is in Salesforce stays.",
  isOn: "on",
  isOff: "off",
  turned: {
    eventOn: "The event is switched on. What was skipped goes out now, as a backfill.",
    eventOff: "The event is switched off. Registrations are skipped from now on; what is in Salesforce stays.",
    kindOn: (kind: string) => `${kind}: on, from now on.`,
    kindOff: (kind: string) => `${kind}: off, from now on. What is in Salesforce stays.`,
    released: (kind: string, isOn: boolean) => `${kind}: as the host has it, ${isOn ? "on" : "off"}.`,
  },
  earlier: "Write it for earlier registrations, too",
  earlierText: "Those who registered before are not touched by that.",
  earlierStarted: (count: number) => `${plural(count, "registration", "registrations")} will be gone through.`,
};
