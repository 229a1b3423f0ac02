/** A mapping while it is edited: what the host chose, beside the rules that hold without a choice. Pure. */

import type { FieldRuleGiven, FieldRuleShown, MappingGiven, MappingShown, OwnerGiven, PeopleGiven } from "../api/schema";

export type Kind = "from" | "constant" | "template";
export type Mode = NonNullable<FieldRuleGiven["mode"]>;
export type ObjectName = FieldRuleGiven["object"];

/** One rule as a form has it: where the value comes from, and the option of the attendee beside ours in a list. */
export interface Rule {
  readonly object: ObjectName;
  readonly field: string;
  readonly kind: Kind;
  readonly source: string;
  readonly mode: Mode;
  readonly values: ReadonlyArray<readonly [string, string]>;
  readonly otherwise: string;
  readonly fallback: string;
}

export interface Draft {
  readonly people: Required<PeopleGiven>;
  readonly owner: Required<OwnerGiven>;
  readonly recordTypes: Readonly<Record<string, string>>;
  /** The status of the Tasks that are written; null: the org's closed one. */
  readonly taskStatus: string | null;
  /** The rules of this level, in the order in which they are sent: findings name their place in it. */
  readonly rules: readonly Rule[];
  /** Rules that hold although nobody chose them here: everybody's defaults, and for an event its host's. */
  readonly defaults: readonly Rule[];
}

export const OBJECTS: readonly ObjectName[] = ["Lead", "Contact", "Account", "CampaignMember", "Task", "Event", "Case", "EmailMessage"];
/** What one answer of a person may be written to at once. */
export const PERSONAL: readonly ObjectName[] = ["Lead", "Contact", "CampaignMember"];
export const MODES: readonly Mode[] = ["create", "empty", "overwrite", "append"];

export function draftOf(shown: MappingShown): Draft {
  const { people, owner, record_types: recordTypes, task_status: taskStatus, fields } = shown.effective;
  const chosen = shown.chosen as MappingGiven;
  return {
    people: people as Required<PeopleGiven>,
    owner: owner as Required<OwnerGiven>,
    recordTypes,
    taskStatus,
    rules: (chosen.fields ?? []).map(ruleOf),
    defaults: fields.filter((each) => each.set_by !== (shown.event_id === null ? "host" : "event")).map(ruleOf),
  };
}

export function ruleOf(given: FieldRuleGiven | FieldRuleShown): Rule {
  const kind: Kind = given.constant != null ? "constant" : given.template != null ? "template" : "from";
  return {
    object: given.object as ObjectName, field: given.field, kind, source: given[kind] ?? "", mode: (given.mode ?? "create") as Mode,
    values: Object.entries(given.values ?? {}), otherwise: given.otherwise ?? "", fallback: given.fallback ?? "",
  };
}

export function newRule(object: ObjectName, field = ""): Rule {
  return { object, field, kind: "from", source: "", mode: "create", values: [], otherwise: "", fallback: "" };
}

/** What is sent: members that say nothing are left out; of an event, what is as its `host` has it, too. */
export function givenOf(draft: Draft, host: Draft | null = null): MappingGiven {
  const fields = draft.rules.map(givenRule);
  if (host === null) return { people: draft.people, owner: draft.owner, record_types: draft.recordTypes, task_status: draft.taskStatus, fields };
  const types = { ...Object.fromEntries(Object.keys(host.recordTypes).map((name) => [name, null])), ...draft.recordTypes };
  const own = (given: object, inherited: object): object => Object.fromEntries(
    Object.entries(given).filter(([name, value]) => !isEqual(value, (inherited as Record<string, unknown>)[name] ?? null)));
  return {
    people: own(draft.people, host.people), owner: isEqual(draft.owner, host.owner) ? {} : draft.owner, record_types: own(types, host.recordTypes) as Record<string, string | null>,
    ...(draft.taskStatus === host.taskStatus ? {} : { task_status: draft.taskStatus }), fields,
  };
}

/** How many choices an event makes of its own. */
export function countOwn(given: MappingGiven): number {
  const { people = {}, owner = {}, record_types: types = {}, fields = [] } = given;
  return Object.keys(people).length + Number(Object.keys(owner).length > 0) + Object.keys(types).length + fields.length + Number("task_status" in given);
}

/** The rule in the place of the one for the same field, else at the end. */
export function withRule(draft: Draft, rule: Rule, before: Rule | null = null): Draft {
  return withRules(draft, [rule], before === null ? [] : [before]);
}

/** The rules in the place of those that they change, else at the end. */
export function withRules(draft: Draft, rules: readonly Rule[], before: readonly Rule[] = []): Draft {
  const isReplaced = (each: Rule): boolean => [...rules, ...before].some((other) => isSame(each, other));
  const place = draft.rules.findIndex(isReplaced);
  const others = draft.rules.filter((each) => !isReplaced(each));
  const at = place < 0 ? others.length : place;
  return {
    ...draft, rules: [...others.slice(0, at), ...rules, ...others.slice(at)],
    defaults: draft.defaults.filter((each) => !rules.some((rule) => isSame(each, rule))),
  };
}

/** Without the rule of an event, what its host says of the field holds again. */
export function withoutRule(draft: Draft, rule: Rule, host: Draft | null = null): Draft {
  const inherited = [...(host?.rules ?? []), ...(host?.defaults ?? [])].filter((each) => isSame(each, rule) && each.mode !== "off");
  return { ...draft, rules: draft.rules.filter((each) => !isSame(each, rule)), defaults: [...draft.defaults, ...inherited] };
}

/** Rules that say the same of a person's objects stand together, in the order of the first of each. */
export function grouped(rules: readonly Rule[]): Rule[][] {
  const groups: Rule[][] = [];
  for (const rule of rules) {
    const { object, ...said } = rule;
    const group = PERSONAL.includes(object) && groups.find(([{ object: other, ...same } = rule]) => PERSONAL.includes(other) && isEqual(same, said));
    if (group) group.push(rule);
    else groups.push([rule]);
  }
  for (const group of groups) group.sort((one, other) => PERSONAL.indexOf(one.object) - PERSONAL.indexOf(other.object));
  return groups;
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function isSame(one: Rule, other: Rule): boolean {
  return one.object === other.object && one.field === other.field;
}

/** Whether a rule can be sent as it is. */
export function isWhole(rule: Rule): boolean {
  return rule.field.trim() !== "" && rule.source.trim() !== "" && blankOptions(rule).length === 0;
}

/** The attendees' options that have no value yet. */
export function blankOptions(rule: Rule): readonly string[] {
  const blank = rule.values.filter(([option, value]) => option.trim() !== "" && value.trim() === "");
  return rule.kind === "from" ? blank.map(([option]) => option) : [];
}

/** What the org will refuse of a mapping: what it says to rules, and required fields that nothing fills. */
export function refusals({ findings, required_without_value: required }: Pick<MappingShown, "findings" | "required_without_value">): number {
  return findings.filter((each) => each.severity === "error").length + required.filter((each) => !each.is_filled).length;
}

function givenRule(rule: Rule): FieldRuleGiven {
  const { object, field, kind, source, mode, otherwise, fallback } = rule;
  if (mode === "off") return { object, field, mode };
  const values = Object.fromEntries(rule.values.filter(([option]) => option.trim() !== ""));
  return {
    object, field, [kind]: source, mode,
    ...(Object.keys(values).length > 0 ? { values } : {}),
    ...(otherwise !== "" ? { otherwise } : {}),
    ...(fallback !== "" ? { fallback } : {}),
  };
}
