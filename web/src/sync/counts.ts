/** The live counts: one bar, and a legend whose entries choose the rows below. */

import { css, html, nothing, svg } from "lit";
import type { Counts, Stats } from "../api/schema";
import { named, t, timeOf, zoneName, zoneOf } from "../texts";
import type { View } from "../ui/views";

export const STATES = ["synced", "pending", "failed", "skipped"] as const;
const TONES = { synced: "is-good", pending: "is-wait", failed: "is-bad", skipped: "is-calm" } as const;

export const countsStyle = css`
  .bar { display: block; inline-size: 100%; block-size: 0.9em; border-radius: 0.45em; overflow: hidden; background: var(--line); forced-color-adjust: none; }
  .bar:dir(rtl) { transform: scaleX(-1); }
  .bar rect { fill: currentColor; transition: x 0.4s ease, width 0.4s ease; }
  .legend { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5em, 1fr)); gap: 0.6em; }
  .legend button { display: grid; justify-items: start; gap: 0.1em; text-align: start; font-weight: 400; color: var(--ink); background: var(--soft); border-color: transparent; padding: 0.6em; }
  .legend button[aria-pressed="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
  .legend .chip { font-size: 0.8em; gap: 0.35em; }
  .legend b { font-size: 1.5em; line-height: 1.2; font-variant-numeric: tabular-nums; }
`;

/** `chosen` is the state whose rows are shown; choosing it again shows all. */
export function countsView(stats: Stats, chosen: string | null, choose: (state: string | null) => void): View {
  const { counts } = stats;
  const zone = zoneOf(stats.event.timezone);
  if (counts.total === 0) return html`<p class="dim">${t.sync.empty}</p>`;
  return html`${barView(counts)}
    <div class="legend">${STATES.map((state) => html`<button aria-pressed=${chosen === state ? "true" : "false"} data-state=${state}
      @click=${() => choose(chosen === state ? null : state)}>
      <b>${t.number(counts[state])}</b><span class="chip ${TONES[state]}">${t.sync.states[state]}</span></button>`)}
      <button aria-pressed=${chosen === "attended" ? "true" : "false"} data-state="attended" @click=${() => choose(chosen === "attended" ? null : "attended")}>
        <b>${t.number(counts.attended)}</b><span class="small dim">${t.sync.attendedOf(counts.attended, counts.checked_in)}</span></button>
    </div>
    ${reasonsView(stats)}
    <p class="small dim">${stats.last_synced_at ? `${t.sync.lastSynced(timeOf(stats.last_synced_at, zone))} · ` : nothing}${t.rows.times(zoneName(zone))}</p>`;
}

function barView(counts: Counts): View {
  let from = 0;
  const parts = STATES.map((state) => {
    const width = (counts[state] / counts.total) * 100;
    const part = svg`<rect class=${TONES[state]} x="${from}%" y="0" width="${width}%" height="100%"></rect>`;
    from += width;
    return part;
  });
  return html`<svg class="bar" role="img" aria-label=${t.sync.barLabel(counts)}>${parts}</svg>`;
}

function reasonsView(stats: Stats): View {
  const pending = told(stats.pending_because, t.sync.because);
  const skipped = told(stats.skipped_because, t.sync.skippedBecause);
  if (pending.length + skipped.length === 0) return nothing;
  return html`<ul class="small dim">
    ${pending.length ? html`<li>${t.sync.states.pending}: ${pending.join(", ")}</li>` : nothing}
    ${skipped.length ? html`<li>${t.sync.states.skipped}: ${skipped.join(", ")}</li>` : nothing}
  </ul>`;
}

function told(reasons: object, texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(reasons as Record<string, number>)
    .filter(([, count]) => count > 0)
    .map(([why, count]) => `${t.number(count)} ${lowered(named(texts, why, t.sync.states.other))}`);
}

function lowered(text: string): string {
  return text.charAt(0).toLocaleLowerCase(t.locale) + text.slice(1);
}
