/** Rules that a question's name and options speak for, to be taken with one click. Pure. */

import type { FieldShown, ObjectFields, SourceShown } from "../api/schema";
import { newRule, PERSONAL, type Draft, type ObjectName, type Rule } from "./draft";

export interface Suggestion {
  readonly rule: Rule;
  readonly objects: readonly ObjectName[];
  readonly question: string;
  readonly field: string;
  /** How many of the options that were given the list of the field has; both 0 where it has none. */
  readonly matched: number;
  readonly options: number;
}

const MOST = 5;
const TEXTS: ReadonlySet<string> = new Set(["string", "textarea", "combobox"]);
const LISTS: ReadonlySet<string> = new Set(["picklist", "multipicklist"]);
/** A shorter word says too little by how it begins. */
const STEM = 4;

export function suggestions(draft: Draft, sources: readonly SourceShown[], objects: Readonly<Record<string, ObjectFields>>): Suggestion[] {
  const rules = [...draft.rules, ...draft.defaults];
  const used = new Set(rules.map((each) => each.source));
  const isFree = (object: string, field: string): boolean => !rules.some((each) => each.object === object && each.field === field);
  const found = sources.filter((each) => each.is_answer && !used.has(each.path)).flatMap((source) => {
    const fits = PERSONAL.flatMap((object) => (objects[object]?.fields ?? [])
      .filter((field) => field.is_mappable && isFree(object, field.name))
      .map((field) => ({ object, field, score: scoreOf(source, field) })).filter((each) => each.score > 0));
    const best = fits.reduce<(typeof fits)[number] | null>((top, each) => (top === null || each.score > top.score ? each : top), null);
    if (best === null) return [];
    const same = fits.filter((each) => each.field.name === best.field.name);
    return [{ score: best.score, suggestion: suggestionOf(source, best.field, same.map((each) => each.object)) }];
  });
  return found.sort((one, other) => other.score - one.score).slice(0, MOST).map((each) => each.suggestion);
}

/** The question without what the service puts before it. */
export function questionOf(source: SourceShown): string {
  return source.is_answer ? source.label.replace(/^[^:]*: /, "") : source.label;
}

function suggestionOf(source: SourceShown, field: FieldShown, objects: readonly ObjectName[]): Suggestion {
  const rule: Rule = { ...newRule(objects[0]!, field.name), source: source.path, mode: field.type === "multipicklist" ? "append" : "create" };
  const options = LISTS.has(field.type) ? source.options.length : 0;
  return { rule, objects, question: questionOf(source), field: field.label, matched: options > 0 ? matchedIn(source, field) : 0, options };
}

/** 0 where nothing speaks for it: a name alike, or options of which every one is in the field's list. */
function scoreOf(source: SourceShown, field: FieldShown): number {
  const isAlike = isNamedAlike(source, field);
  if (!LISTS.has(field.type)) return isAlike && TEXTS.has(field.type) ? 1 : 0;
  const { length } = source.options;
  const matched = matchedIn(source, field);
  if (length === 0) return isAlike ? 1 : 0;
  if (matched === length && length > 1) return isAlike ? 4 : 2;
  return isAlike && matched > 0 ? 2 + matched / length : 0;
}

function matchedIn(source: SourceShown, field: FieldShown): number {
  const known = new Set(field.values.flatMap((each) => [plain(each.value), plain(each.label)]));
  return source.options.filter((each) => known.has(plain(each))).length;
}

/** Every word of the field's name begins a word of the question or of its key, or the other way round. */
function isNamedAlike(source: SourceShown, field: FieldShown): boolean {
  const asked = [...wordsOf(questionOf(source)), ...wordsOf(source.path.replace("answers.", ""))];
  const named = wordsOf(field.label);
  const fits = (one: string): boolean => asked.some((other) => one === other || (Math.min(one.length, other.length) >= STEM && (one.startsWith(other) || other.startsWith(one))));
  return named.length > 0 && named.every(fits);
}

function wordsOf(text: string): string[] {
  return text.replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2").toLowerCase().split(/[^\p{L}\d]+/u).filter((each) => each.length > 1);
}

function plain(text: string): string {
  return text.trim().replace(/\s+/g, " ").toLowerCase();
}
