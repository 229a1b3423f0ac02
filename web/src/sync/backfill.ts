/** How far a backfill of earlier registrations is. */

import { html, nothing } from "lit";
import type { BackfillShown } from "../api/schema";
import { moment, named, t } from "../texts";
import type { View } from "../ui/views";

export function backfillView(backfill: BackfillShown | null): View {
  if (backfill === null || backfill.total === 0) return nothing;
  const { state, total, to_go: toGo, failed, skipped, estimated_end_at: end } = backfill;
  const reached = total - toGo;
  const more = t.sync.backfillMore(failed, skipped);
  const isOpen = state === "running" || state === "paused";
  return html`<div class="stack" data-backfill=${state}>
    <p class="line apart"><span><strong>${t.sync.backfillHeading}</strong> <span class="dim small">${named(t.sync.backfillState, state, t.sync.backfillState.other)}</span></span>
      <span class="small dim">${t.sync.backfillOf(reached, total)}${more ? ` · ${more}` : nothing}${isOpen && end ? ` · ${t.sync.backfillEnd(moment(end))}` : nothing}</span></p>
    ${isOpen ? html`<progress max=${total} .value=${reached} aria-label=${t.sync.backfillHeading}></progress>` : nothing}
  </div>`;
}
