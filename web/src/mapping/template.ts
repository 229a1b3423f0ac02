/** A text of several values: what is wrong with it while it is typed, and what may be put into its braces. Pure. */

import type { SourceShown } from "../api/schema";

const PART = /\{([^{}]*)\}/g;
const ANSWERS = "answers.";
const SHOWN = 6;
const NEAR = 3;

/** `brace`: one stands alone; `unknown`: no value is called so; `unasked`: nobody answered such a question lately. */
export interface TemplateTrouble {
  readonly kind: "brace" | "unknown" | "unasked";
  readonly name: string;
  readonly near: string | null;
}

export function templateTrouble(text: string, sources: readonly SourceShown[]): TemplateTrouble | null {
  if (/[{}]/.test(text.replace(PART, ""))) return { kind: "brace", name: "", near: null };
  const paths = new Set(sources.map((each) => each.path));
  for (const [, inside = ""] of text.matchAll(PART)) {
    const name = inside.trim();
    if (paths.has(name)) continue;
    const isAnswer = name.startsWith(ANSWERS) && name.length > ANSWERS.length;
    return { kind: isAnswer ? "unasked" : "unknown", name, near: nearest(name, sources) };
  }
  return null;
}

/** Whether the text cannot be saved. */
export function isRefused(trouble: TemplateTrouble | null): boolean {
  return trouble !== null && trouble.kind !== "unasked";
}

/** What stands between the last open brace before the caret and the caret; null outside of braces. */
export function openBrace(text: string, caret: number): { readonly start: number; readonly typed: string } | null {
  const start = text.lastIndexOf("{", caret - 1);
  const typed = text.slice(start + 1, caret);
  return start < 0 || caret === 0 || typed.includes("}") ? null : { start, typed };
}

/** The values whose path or name has what was typed: those that begin so, and answers, first. */
export function completions(typed: string, sources: readonly SourceShown[]): SourceShown[] {
  const part = typed.trim().toLowerCase();
  const fits = sources.filter((each) => each.path.toLowerCase().includes(part) || each.label.toLowerCase().includes(part));
  const rank = ({ path, is_answer: isAnswer }: SourceShown): number => 2 * Number(!path.toLowerCase().startsWith(part)) + Number(!isAnswer);
  return fits.sort((one, other) => rank(one) - rank(other)).slice(0, SHOWN);
}

/** The text with the value in the place of what was typed in the open brace, or at the caret, and where the caret is then. */
export function inserted(text: string, caret: number, path: string): readonly [string, number] {
  const open = openBrace(text, caret);
  const before = text.slice(0, open ? open.start : caret);
  const after = text.slice(caret).replace(open ? /^[^{}]*\}/ : /^$/, "");
  const whole = `${before}{${path}}`;
  return [whole + after, whole.length];
}

function nearest(name: string, sources: readonly SourceShown[]): string | null {
  const ranked = sources.map((each) => [distance(name, each.path), each.path] as const).sort(([one], [other]) => one - other);
  const [best] = ranked;
  return best !== undefined && best[0] <= NEAR ? best[1] : null;
}

/** How many letters must be changed, added or taken away. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [index, each] of [...other].entries()) next.push(Math.min(next[index]! + 1, row[index + 1]! + 1, row[index]! + Number(letter !== each)));
    row = next;
  }
  return row[other.length] ?? one.length;
}
