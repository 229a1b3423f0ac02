// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import type { FieldShown, ObjectFields, SourceShown } from "../../src/api/schema";
import { countOwn, givenOf, grouped, newRule, withoutRule, withRules, type Draft, type Rule } from "../../src/mapping/draft";
import { keep, takeKept, userOf } from "../../src/mapping/kept-draft";
import { suggestions } from "../../src/mapping/suggest";
import { completions, inserted, isRefused, openBrace, templateTrouble } from "../../src/mapping/template";

const DRAFT: Draft = {
  people: { create: "lead", update_existing: false, match_by: null, bypass_alert_rules: false, adopt_duplicates: "always", opt_out_field: null, fill_required: false, leave_company_blank: false, account_for_nobody: null },
  owner: { how: "leave", id: null, run_assignment_rules: true }, recordTypes: { Lead: "Guest" }, taskStatus: null, rules: [], defaults: [],
};
const field = (name: string, label: string, type = "string", values: readonly string[] = []): FieldShown => ({
  name, label, type, length: 255, is_required: false, is_createable: true, is_updateable: true, is_external_id: false, is_restricted: true, is_mappable: true, why_not: null,
  values: values.map((value) => ({ value, label: value })),
});
const DIET = ["Vegan", "Vegetarian", "No nuts", "None"];
const object = (name: string, fields: readonly FieldShown[]): ObjectFields => ({ object: name, label: name, is_written: true, fields, record_types: [] });
const OBJECTS = {
  Lead: object("Lead", [field("Diet__c", "Diet", "picklist", DIET), field("Shirt__c", "T-shirt size"), field("Weight__c", "Weight", "double")]),
  Contact: object("Contact", [field("Diet__c", "Diet", "multipicklist", DIET)]),
  CampaignMember: object("CampaignMember", [field("Diet__c", "Diet", "picklist", DIET)]),
};
const source = (path: string, label: string, options: readonly string[] = [], is_answer = true): SourceShown => ({ path, label: is_answer ? `Answer: ${label}` : label, example: null, options, is_answer });
const rule = (changes: Partial<Rule>): Rule => ({ ...newRule("Lead", "Diet__c"), source: "answers.diet", ...changes });

test("a question whose words and options are those of a field is suggested once for all objects of a person", () => {
  const [found, ...others] = suggestions(DRAFT, [source("answers.q1", "Dietary needs", ["vegan", "no nuts", "None", "vegetarian"])], OBJECTS);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ question: "Dietary needs", field: "Diet", objects: ["Lead", "Contact", "CampaignMember"], matched: 4, options: 4 });
  expect(found?.rule).toMatchObject({ field: "Diet__c", kind: "from", source: "answers.q1" });
});

test("a name alike is enough for a text, and some options are for a list", () => {
  expect(suggestions(DRAFT, [source("answers.size", "Size of your T-shirt", ["S", "M"])], OBJECTS).map((each) => [each.rule.field, each.options])).toEqual([["Shirt__c", 0]]);
  expect(suggestions(DRAFT, [source("answers.diet", "Diet", ["vegan", "steak"])], OBJECTS)[0]).toMatchObject({ matched: 1, options: 2 });
});

test.each([
  ["another name and other options", DRAFT, source("answers.food", "Which track?", ["A", "B"])],
  ["one option that happens to be in the list", DRAFT, source("answers.food", "Anything else?", ["None"])],
  ["a number", DRAFT, source("answers.weight", "Weight", ["heavy"])],
  ["no answer", DRAFT, source("utm.source", "Diet", ["Vegan", "None"], false)],
  ["a source that a rule uses", { ...DRAFT, rules: [rule({ field: "Other__c" })] }, source("answers.diet", "Diet", ["vegan", "None"])],
  ["a name that is only part of the field's", DRAFT, source("answers.shirt", "Shirt")],
])("nothing is suggested for %s", (_, draft, asked) => {
  expect(suggestions(draft, [asked], OBJECTS)).toEqual([]);
});

test("a field that has a rule is left to it, on the other objects it is suggested", () => {
  const [found] = suggestions({ ...DRAFT, rules: [rule({ source: "ticket.name" })] }, [source("answers.diet", "Diet", ["vegan", "None"])], OBJECTS);
  expect(found?.objects).toEqual(["Contact", "CampaignMember"]);
});

test("rules that say the same of a person's objects are one row", () => {
  const contact = rule({ object: "Contact" });
  const rules = [rule({}), rule({ object: "Task" }), contact, rule({ object: "CampaignMember", fallback: "None" })];
  expect(grouped(rules).map((group) => group.map((each) => each.object))).toEqual([["Lead", "Contact"], ["Task"], ["CampaignMember"]]);
});

test("rules of several objects take the place of those before, and the others go", () => {
  const before = withRules(DRAFT, [rule({}), rule({ object: "Contact" }), rule({ field: "Note__c" })]);
  const after = withRules(before, [rule({ source: "ticket.name" }), rule({ object: "CampaignMember", source: "ticket.name" })], before.rules.slice(0, 2));
  expect(after.rules.map((each) => `${each.object}.${each.field} ${each.source}`)).toEqual(["Lead.Diet__c ticket.name", "CampaignMember.Diet__c ticket.name", "Lead.Note__c answers.diet"]);
});

test("without an event's own rule the host's holds again", () => {
  const host: Draft = { ...DRAFT, rules: [rule({ source: "ticket.name" }), rule({ field: "Off__c", mode: "off" })] };
  const event = withRules(DRAFT, [rule({ mode: "off" }), rule({ field: "Off__c" })]);
  const after = event.rules.reduce((draft, each) => withoutRule(draft, each, host), event);
  expect([after.rules, after.defaults.map((each) => each.source)]).toEqual([[], ["ticket.name"]]);
});

test("of an event only what differs from its host is sent", () => {
  const event: Draft = { ...DRAFT, people: { ...DRAFT.people, create: "contact" }, recordTypes: { Contact: "Vip" }, taskStatus: "Done" };
  const given = givenOf(event, DRAFT);
  expect(given).toEqual({ people: { create: "contact" }, owner: {}, record_types: { Lead: null, Contact: "Vip" }, task_status: "Done", fields: [] });
  expect(countOwn(given)).toBe(4);
  expect(countOwn(givenOf(DRAFT, DRAFT))).toBe(0);
});

const SOURCES = [source("event.title", "Event: title", [], false), source("ticket.name", "Ticket: name", [], false), source("answers.diet", "Food")];

test.each([
  ["{event.title}: {answers.diet}", null, false],
  ["{ event.title }", null, false],
  ["{event.title", { kind: "brace" }, true],
  ["event.title}", { kind: "brace" }, true],
  ["{event.titel}", { kind: "unknown", name: "event.titel", near: "event.title" }, true],
  ["{}", { kind: "unknown", near: null }, true],
  ["{answers.deit}", { kind: "unasked", near: "answers.diet" }, false],
])("the text %s", (text, trouble, isWrong) => {
  const found = templateTrouble(text, SOURCES);
  if (trouble === null) expect(found).toBeNull();
  else expect(found).toMatchObject(trouble);
  expect(isRefused(found)).toBe(isWrong);
});

test("an open brace is completed by path or name, and what is written after it stays", () => {
  expect(openBrace("at {eve", 7)).toEqual({ start: 3, typed: "eve" });
  expect(openBrace("at {event.title} ", 17)).toBeNull();
  expect(openBrace("", 0)).toBeNull();
  expect(completions("foo", SOURCES).map((each) => each.path)).toEqual(["answers.diet"]);
  expect(completions("", SOURCES)[0]?.path).toBe("answers.diet");
  expect(inserted("at {eve tonight", 7, "event.title")).toEqual(["at {event.title} tonight", 16]);
  expect(inserted("at {eve} tonight", 7, "event.title")).toEqual(["at {event.title} tonight", 16]);
  expect(inserted("at ", 3, "ticket.name")).toEqual(["at {ticket.name}", 16]);
});

beforeEach(() => sessionStorage.clear());

const tokenOf = (claims: object): string => `x.${btoa(JSON.stringify(claims)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}.y`;

test("a draft comes back to the user who made it, over the mapping that it was made of", () => {
  const user = userOf(tokenOf({ iss: "https://id.example", sub: "user_ä" }));
  keep("host_a", user, 3, DRAFT);
  expect(takeKept("host_a", user, 3)).toEqual(DRAFT);
  expect(takeKept("host_b", user, 3)).toBeNull();
});

test.each([["another user", "other", 3], ["another version", "olga", 4]])("%s neither sees it nor leaves it there", (_, user, version) => {
  keep("host_a", "olga", 3, DRAFT);
  expect(takeKept("host_a", user, version)).toBeNull();
  expect(sessionStorage.length).toBe(0);
});

test("what names nobody is not kept", () => {
  for (const token of ["", "abc", "a.b.c", tokenOf({ sub: 7 })]) expect(userOf(token)).toBeNull();
  keep("host_a", null, 3, DRAFT);
  expect(sessionStorage.length).toBe(0);
});
