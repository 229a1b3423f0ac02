import { expect, test } from "vitest";
import type { BackfillShown, Group, Row } from "../../src/api/schema";
import { arrived, passed } from "../../src/door/minutes";
import { endOf, stateOf } from "../../src/sync/backfill";
import { storyOf } from "../../src/sync/registration-story";
import { retriedGroupText, retriedText } from "../../src/sync/retried";
import { moment, timeOf, zoneName, zoneOf } from "../../src/texts";

const BEFORE = "2026-05-03T08:00:00Z";
const AFTER = "2026-05-03T08:12:00Z";
const error = { group_id: "g_1", value: "555 0199", first_at: BEFORE, last_at: BEFORE };
const row = (changes: object): Row => ({
  registration_id: "reg_1", attendee: { name: "Maria Silva", email: null, company: null }, registration_status: "confirmed", registered_at: BEFORE, is_checked_in: false, checked_in_at: null,
  state: "failed", error, person: null, activities: [], member: null, waiting_for: null, skipped_because: null, is_excluded: false, is_erased: false, ...changes,
}) as unknown as Row;

test("times are those of the event's zone, named, and the reader's own where it has none", () => {
  expect(moment(AFTER, zoneOf("Europe/Berlin"))).toMatch(/10:12/);
  expect(timeOf(AFTER, "Asia/Kolkata")).toMatch(/1:42/);
  expect(zoneName("America/New_York", new Date(AFTER))).toBe("New York, EDT");
  expect([zoneOf("UTC"), zoneOf("Otter/River")]).toEqual([undefined, undefined]);
});

test.each([
  ["nobody tried", undefined, row({}), null],
  ["it is on its way", error, row({ state: "pending" }), "Queued again."],
  ["nothing came back yet", error, row({}), "Queued again."],
  ["the same value was refused", error, row({ error: { ...error, last_at: AFTER } }), "refused again, with the same value."],
  ["another value was refused for the same reason", error, row({ error: { ...error, last_at: AFTER, value: "1" } }), "refused again, for the same reason."],
  ["something else was refused", error, row({ error: { ...error, last_at: AFTER, group_id: "g_2" } }), "refused, for another reason."],
  ["it is written", error, row({ state: "synced", error: null }), "Written."],
])("beside Retry stands what came of it: %s", (_, before, after, text) => {
  const said = retriedText(after, before, "Europe/Berlin");
  if (text === null) expect(said).toBeNull();
  else expect(said?.endsWith(text)).toBe(true);
});

test("a group says that the same ones were refused again, once they were tried", () => {
  const group = { count: 30, last_at: BEFORE } as Group;
  const before = { lastAt: BEFORE, said: "30 of 30 queued again." };
  expect(retriedGroupText(group, undefined)).toBeNull();
  expect(retriedGroupText(group, before)).toBe(before.said);
  expect(retriedGroupText({ ...group, last_at: AFTER }, before)).toContain("30 registrations were refused again for the same reason");
});

test("a backfill ends within a minute, about at a time, or is being closed", () => {
  const now = Date.parse(BEFORE);
  const running = { state: "running", to_go: 5, estimated_end_at: AFTER } as BackfillShown;
  expect(endOf(running, "Europe/Berlin", now)).toContain("10:12");
  expect(endOf({ ...running, estimated_end_at: "2026-05-03T08:00:10Z" }, undefined, now)).toBe("ends within a minute");
  expect([stateOf(running), stateOf({ ...running, to_go: 0 }), endOf({ ...running, to_go: 0 }, undefined, now)]).toEqual(["Running", "All looked at; finishing", ""]);
});

test("what happened is told in sentences, each with its record", () => {
  const lead = { object: "Lead", id: "00Q", url: "https://acme.example/00Q" };
  const task = { object: "Task", id: "00T", url: null, kind: "registered", subject: "Registered: River", status: null, written_at: AFTER };
  const written = row({
    state: "synced", error: null, person: { ...lead, found_by: "created", is_created_by_us: true }, activities: [task],
    member: { object: "CampaignMember", id: "00v", url: null, status: "Attended", was_member_before: false }, is_checked_in: true, checked_in_at: AFTER,
  });
  const story = storyOf(written, "Europe/Berlin").map(({ text }) => text).join(" ");
  for (const part of ["Maria Silva registered on May 3, 2026", "Checked in on", "Written as a new Lead.", "Task “Registered: River” was written on", "status “Attended”"]) expect(story).toContain(part);
  expect(storyOf(written)[2]?.record).toMatchObject(lead);
  expect(storyOf(row({})).at(-1)?.text).toContain("Salesforce refused it, last at");
  expect(storyOf(row({ state: "skipped", error: null, is_excluded: true })).at(-1)?.text).toContain("left out by hand");
  expect(storyOf(row({ is_erased: true, attendee: { name: null } })).at(-1)?.text).toContain("erased");
});

test("check-ins by the minute go on between two answers", () => {
  expect(arrived([0, 2, 1], 3)).toEqual([0, 2, 4]);
  expect(arrived([0, 2, 1], -1)).toEqual([0, 2, 1]);
  expect(passed([5, 2, 1], 2)).toEqual([1, 0, 0]);
  expect(passed([5, 2, 1], 9)).toEqual([0, 0, 0]);
});
