// What a task costs a person: each click, and each field that is filled in, on our pages and on Salesforce's.
import assert from "node:assert/strict";

/** A person who is asked for more than this gives up. */
export const MOST = 12;

/** Counts from now on, in every window of this context. */
export async function watchEffort(context) {
  const effort = { clicks: 0, fields: 0 };
  await context.exposeBinding("effortClick", () => { effort.clicks += 1; });
  await context.exposeBinding("effortField", () => { effort.fields += 1; });
  await context.addInitScript(() => {
    const TYPED = "input:not([type=checkbox], [type=radio]), select, textarea";
    const filled = new Set();
    // A click into a field belongs to filling it in.
    document.addEventListener("click", (event) => {
      if (event.isTrusted && !event.composedPath()[0].closest?.(TYPED)) globalThis.effortClick();
    }, true);
    document.addEventListener("input", (event) => {
      const [field] = event.composedPath();
      if (!field.matches?.(TYPED) || filled.has(field)) return;
      filled.add(field);
      globalThis.effortField();
    }, true);
  });
  return effort;
}

/** Does the task, and says what it cost; fails above `MOST`, and at nothing, which would mean that nothing was counted. */
export async function assertEasy(effort, what, context, deed) {
  const before = { ...effort };
  await deed();
  const [clicks, fields] = [effort.clicks - before.clicks, effort.fields - before.fields];
  context.diagnostic(`${what}: ${clicks} clicks, ${fields} fields`);
  assert.ok(clicks + fields > 0, `${what}: nothing was counted`);
  assert.ok(clicks + fields <= MOST, `${what}: ${clicks} clicks and ${fields} fields, at most ${MOST}`);
}
