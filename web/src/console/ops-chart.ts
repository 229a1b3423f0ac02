/** What came in, was written and failed, as a small picture with words for those who do not see it. */

import { html, svg, type TemplateResult } from "lit";
import type { Flow } from "../api/schema";
import { moment, words } from "../texts";
import type { View } from "../ui/views";

const HEIGHT = 24;
/** A failure among thousands still shows. */
const LEAST = 3;

export interface Sums {
  readonly received: number;
  readonly synced: number;
  readonly failed: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function sumsOf({ received, synced, failed }: Flow): Sums {
  return { received: sum(received), synced: sum(synced), failed: sum(failed) };
}

/** The figures' heights above the ground, of a picture whose highest figure is `most`. */
export function heights(values: readonly number[], most: number): number[] {
  return values.map((value) => value <= 0 || most <= 0 ? 0 : Math.max(LEAST, Math.round((value / most) * HEIGHT * 10) / 10));
}

/** The busiest step: its place, or null where nothing came in. */
export function busiest(values: readonly number[]): number | null {
  const most = Math.max(0, ...values);
  return most === 0 ? null : values.indexOf(most);
}

function step(tops: readonly number[]): string {
  return tops.map((top, place) => `L${place} ${HEIGHT - top}L${place + 1} ${HEIGHT - top}`).join("");
}

/** In words what the picture shows. */
export function chartText(flow: Flow, period: string): string {
  const { received, synced, failed } = sumsOf(flow);
  const place = busiest(flow.received);
  const text = words.ops.chart(period, received, synced, failed);
  if (place === null) return text;
  const at = new Date(Date.parse(flow.begins_at) + place * flow.step_seconds * 1_000).toISOString();
  return `${text} ${words.ops.most(flow.received[place] ?? 0, moment(at))}`;
}

export function chartView(flow: Flow, period: string, size = ""): TemplateResult {
  const most = Math.max(...flow.received, ...flow.synced, ...flow.failed);
  const [received, synced, failed] = [flow.received, flow.synced, flow.failed].map((values) => heights(values, most)) as [number[], number[], number[]];
  const wide = flow.received.length;
  return html`<svg class="chart ${size}" role="img" aria-label=${chartText(flow, period)} viewBox="0 0 ${wide} ${HEIGHT}" preserveAspectRatio="none">
    <path class="received" d="M0 ${HEIGHT}${step(received)}L${wide} ${HEIGHT}Z"></path>
    <path class="synced" d="M0 ${HEIGHT}${step(synced)}L${wide} ${HEIGHT}"></path>
    ${failed.map((top, place) => top ? svg`<rect class="failed" x=${place} y=${HEIGHT - top} width="1" height=${top}></rect>` : "")}
    <path class="ground" d="M0 ${HEIGHT}L${wide} ${HEIGHT}"></path>
  </svg>`;
}

/** A large chart with its figures in words. */
export function flowView(flow: Flow, period: string): View {
  const { ops } = words;
  const { received, synced, failed } = sumsOf(flow);
  return html`<p class="number">${ops.flow(received, synced, failed)}</p>
    ${received + synced + failed === 0 ? html`<p class="dim">${ops.noFlow}</p>` : html`${chartView(flow, period, "large")}
      <ul class="legend small" aria-hidden="true">${Object.entries(ops.legend).map(([name, text]) => html`<li><span class=${name}></span>${text}</li>`)}</ul>`}
    <p class="small dim">${ops.counted}</p>`;
}
