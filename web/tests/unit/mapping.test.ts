import { expect, test } from "vitest";
import type { MappingShown } from "../../src/api/schema";
import { blankOptions, draftOf, givenOf, isWhole, newRule, refusals, withoutRule, withRule, type Rule } from "../../src/mapping/draft";

const DEFAULT = { object: "Lead", field: "Title", from: "attendee.job_title", constant: null, template: null, mode: "empty", values: {}, otherwise: null, fallback: null };
const DIET = { object: "Lead" as const, field: "Diet__c", from: "answers.diet", values: { vegan: "Vegan" }, otherwise: "None", mode: "append" as const };
const NOTE = { object: "CampaignMember" as const, field: "Note__c", template: "{event.title}", mode: "create" as const };

function shown(fields: MappingShown["chosen"]["fields"] = [DIET, NOTE]): MappingShown {
  return {
    host_id: "host_a", event_id: null, chosen: { fields }, findings: [], required_without_value: [], is_checked: true, unchecked_because: null,
    retried: 0, version: 1, updated_at: null, updated_by: null,
    effective: {
      people: { create: "contact", update_existing: true, match_by: { field: "Legacy__c", from: "attendee.id" }, bypass_alert_rules: false, adopt_duplicates: "always", opt_out_field: null, fill_required: false, leave_company_blank: false, account_for_nobody: null },
      record_types: { Lead: "Guest" }, task_status: null, owner: { how: "leave", id: null, run_assignment_rules: true },
      fields: [{ ...DEFAULT, set_by: "default" }, { ...DEFAULT, field: "Diet__c", set_by: "host" }],
    },
  };
}

const rule = (changes: Partial<Rule>): Rule => ({ ...newRule("Lead", "Diet__c"), source: "utm.source", ...changes });

test("what was read is sent again as it was chosen", () => {
  const sent = givenOf(draftOf(shown()));
  expect(sent.fields).toEqual([DIET, NOTE]);
  expect(sent.people).toMatchObject({ create: "contact", match_by: { field: "Legacy__c", from: "attendee.id" } });
  expect(sent.record_types).toEqual({ Lead: "Guest" });
});

test("a rule takes the place of the one for its field, so that findings keep theirs", () => {
  const draft = withRule(draftOf(shown()), rule({ mode: "create" }));
  expect(draft.rules.map((each) => `${each.object}.${each.field}`)).toEqual(["Lead.Diet__c", "CampaignMember.Note__c"]);
  expect(givenOf(draft).fields?.[0]).toEqual({ object: "Lead", field: "Diet__c", from: "utm.source", mode: "create" });
});

test("a rule that moves to another field leaves nothing behind", () => {
  const before = draftOf(shown());
  const draft = withRule(before, rule({ field: "Other__c" }), before.rules[0]);
  expect(draft.rules.map((each) => each.field)).toEqual(["Other__c", "Note__c"]);
});

test("a default that is switched off is sent as off and not shown twice", () => {
  const before = draftOf(shown([]));
  const draft = withRule(before, { ...before.defaults[0]!, mode: "off" });
  expect(draft.defaults).toEqual([]);
  expect(givenOf(draft).fields).toEqual([{ object: "Lead", field: "Title", mode: "off" }]);
  expect(givenOf(withoutRule(draft, before.defaults[0]!)).fields).toEqual([]);
});

test("options without a name and empty texts are not sent", () => {
  const draft = withRule(draftOf(shown([])), rule({ values: [["", "Vegan"], ["no meat", "Vegetarian"]], fallback: "" }));
  expect(givenOf(draft).fields).toEqual([{ object: "Lead", field: "Diet__c", from: "utm.source", mode: "create", values: { "no meat": "Vegetarian" } }]);
});

test("required fields that nothing fills are refusals like errors of rules", () => {
  const field = { object: "Lead", field: "Region__c", label: "Region", type: "string", is_filled: false };
  const finding = { code: "field_not_found", severity: "error" as const, path: null, object: "Lead", field: "X__c", message: "", link: "" };
  expect(refusals(shown())).toBe(0);
  expect(refusals({ findings: [], required_without_value: [field, { ...field, is_filled: true }] })).toBe(1);
  expect(refusals({ findings: [finding, { ...finding, severity: "warning" as const }], required_without_value: [] })).toBe(1);
});

test("options without a value are named, and do not count", () => {
  expect(blankOptions(rule({ values: [["S", ""], ["M", "2"], ["", ""]] }))).toEqual(["S"]);
});

test.each([
  [{ values: [["S", ""]] as const }, false],
  [{ values: [["S", "1"], ["", ""]] as const }, true],
  [{ kind: "constant" as const, source: "" }, false],
  [{ field: " " }, false],
  [{ kind: "template" as const, source: "{event.title}" }, true],
])("a rule needs a field and a value: %o", (changes, isEnough) => {
  expect(isWhole(rule(changes))).toBe(isEnough);
});
