/** What a connected host still lacks or waits for: on its card and on each of its events. */

import { html, nothing } from "lit";
import type { Card } from "../api/schema";
import { moment, named, t } from "../texts";
import { adviceView, type View } from "../ui/views";

export function troublesView({ fault, backoff, problems }: Card, docsBase: string, zone?: string): View {
  if (fault === null && backoff === null && problems.length === 0) return nothing;
  return html`
    ${backoff ? html`<p class="note wait" data-backoff=${backoff.code}>${named(t.card.backoff, backoff.code, t.card.backoff.other)} ${t.card.faultUntil(moment(backoff.until, zone))}</p>` : nothing}
    ${fault ? html`<div class="stack" data-fault=${fault.advice.code}>${adviceView(fault.advice, { docsBase })}
      ${fault.until ? html`<p class="small dim">${t.card.faultUntil(moment(fault.until, zone))}</p>` : nothing}</div>` : nothing}
    ${problems.map((problem) => html`<div class="stack" data-problem=${problem.code}>${adviceView(problem.advice, { tone: "wait", docsBase })}
      <p class="small dim">${t.card.problemSince(moment(problem.since, zone))}</p></div>`)}`;
}
