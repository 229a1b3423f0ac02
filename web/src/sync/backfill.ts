/** How far a backfill of earlier registrations is, and its start and end by hand. */

import { html, nothing } from "lit";
import type { BackfillShown } from "../api/schema";
import { named, t, timeOf } from "../texts";
import type { View } from "../ui/views";

const SOON_MS = 60_000;

export interface BackfillActs {
  readonly mayChange: boolean;
  /** Whether a backfill could begin now. */
  readonly mayStart: boolean;
  readonly zone: string | undefined;
  readonly start: () => void;
  readonly cancel: () => void;
}

export function backfillView(backfill: BackfillShown | null, acts: BackfillActs): View {
  const isOpen = backfill?.state === "running" || backfill?.state === "paused";
  const start = acts.mayChange && acts.mayStart && !isOpen
    ? html`<p><button class="plain" data-backfill-start @click=${acts.start}>${t.sync.backfillStart}</button></p>` : nothing;
  if (backfill === null || backfill.total === 0) return start;
  const { total, to_go: toGo, failed, skipped } = backfill;
  const more = t.sync.backfillMore(failed, skipped);
  const end = isOpen ? endOf(backfill, acts.zone) : "";
  return html`<div class="stack" data-backfill=${backfill.state}>
    <p class="line apart"><span><strong>${t.sync.backfillHeading}</strong> <span class="dim small">${stateOf(backfill)}</span></span>
      <span class="small dim">${[t.sync.backfillOf(total - toGo, total), more, end].filter(Boolean).join(" · ")}</span></p>
    ${isOpen ? html`<progress max=${total} .value=${total - toGo} aria-label=${t.sync.backfillHeading}></progress>` : nothing}
    ${isOpen && acts.mayChange && toGo > 0 ? html`<p><button class="plain" @click=${acts.cancel}>${t.sync.backfillCancel}</button></p>` : nothing}
  </div>${start}`;
}

/** It is closed some seconds after its last registration. */
export function stateOf({ state, to_go: toGo }: BackfillShown): string {
  return state === "running" && toGo === 0 ? t.sync.backfillEnding : named(t.sync.backfillState, state, t.sync.backfillState.other);
}

export function endOf({ estimated_end_at: end, to_go: toGo }: BackfillShown, zone?: string, now = Date.now()): string {
  if (end === null || toGo === 0) return "";
  return Date.parse(end) - now < SOON_MS ? t.sync.backfillSoon : t.sync.backfillEnd(timeOf(end, zone));
}
