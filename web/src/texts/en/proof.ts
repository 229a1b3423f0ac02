/** The English words about what stands in Salesforce, held against what was written, and its repair. */

import { formsOf } from "../forms";

const { number, plural } = formsOf("en");

export const proof = {
  heading: "Check what is in Salesforce",
  intro: "Reads every record that was written for this event and lists what differs. Nothing is changed, and new registrations go first.",
  verify: "Verify",
  again: "Verify again",
  starting: "Starting…",
  states: {
    running: "running", paused: "waiting", done: "done",
    ended: "ended, because Salesforce was disconnected or another org was connected",
    other: "unknown",
  } as { other: string } & Record<string, string>,
  progress: (checked: number, total: number) => `${number(checked)} of ${plural(total, "registration", "registrations")} checked`,
  resumes: (at: string) => `goes on ${at}`,
  waits: "goes on by itself once nothing is in the way: a pause, or a connection that needs a person",
  finished: (at: string) => `finished ${at}`,
  calls: (count: number) => plural(count, "API call", "API calls"),
  allInOrder: (count: number) => (count === 0 ? "Nothing was written for this event yet." : `All ${number(count)} are in order.`),
  inOrder: (inOrder: number, checked: number) => `${number(inOrder)} of ${number(checked)} are in order.`,
  table: "What differs",
  registration: "Registration",
  difference: "Difference",
  ours: "Written",
  theirs: "In Salesforce",
  open: "Open",
  nothing: "nothing",
  values: { deleted: "deleted" } as Record<string, string>,
  kinds: {
    missing_person: "The person is missing", missing_activity: "An activity is missing", missing_member: "Not in the campaign",
    missing_case: "The Case is missing", missing_email: "An e-mail is missing", status_differs: "Another status",
    times_differ: "Other times", other_person: "Belongs to another person", not_visible: "Deleted or hidden",
    without_key: "Without its key",
  } as Record<string, string>,
  more: "Show more",
  repair: "Repair…",
  counting: "Counting…",
  repairText: "A status that a person set stays, and so does what a person moved to somebody else. What is missing is made again, and a member who was taken out of the campaign is added again.",
  wouldRepair: (queued: number) => (queued === 0 ? "Nothing here can be repaired." : `${plural(queued, "registration", "registrations")} would be written again.`),
  leftAlone: (count: number) => (count === 0 ? "" : `${plural(count, "registration stays", "registrations stay")} as ${count === 1 ? "it is" : "they are"}.`),
  doRepair: (queued: number) => `Repair ${number(queued)}`,
  repairing: "Repairing…",
  repaired: (queued: number) => `${plural(queued, "registration is", "registrations are")} written again. Verify once more when that is done.`,
  cancel: "Cancel",
};
