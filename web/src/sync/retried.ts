/** What came of a Retry, said beside its button. */

import { html, nothing } from "lit";
import type { Group, Row, RowError } from "../api/schema";
import { t, timeOf } from "../texts";
import type { View } from "../ui/views";

/** The error that a registration had when it was tried again; null where it had none. */
export type Retried = Pick<RowError, "last_at" | "group_id" | "value"> | null;

/** What came of it so far; `before` is undefined where nobody tried. */
export function retriedText({ state, error }: Row, before: Retried | undefined, zone?: string): string | null {
  if (before === undefined || state === "skipped") return null;
  if (state === "synced") return t.rows.retried.done;
  if (state !== "failed" || error === null || error.last_at === null || error.last_at === before?.last_at) return t.rows.retried.pending;
  const when = timeOf(error.last_at, zone);
  if (error.group_id !== before?.group_id) return t.rows.retried.other(when);
  return error.value !== null && error.value === before.value ? t.rows.retried.sameValue(when) : t.rows.retried.same(when);
}

export function retriedView(row: Row, before: Retried | undefined, zone?: string): View {
  const text = retriedText(row, before, zone);
  return text === null ? nothing : html`<p class="small wide" data-retried role="status">${text}</p>`;
}

/** The groups that were tried again, each with the time of its last failure before, and what the Retry said. */
export interface RetriedGroup {
  readonly lastAt: string | null;
  readonly said: string;
}

export function retriedGroupText(group: Group, before: RetriedGroup | undefined, zone?: string): string | null {
  if (before === undefined) return null;
  if (group.last_at === null || group.last_at === before.lastAt) return before.said;
  return t.failures.again(group.count, timeOf(group.last_at, zone));
}
