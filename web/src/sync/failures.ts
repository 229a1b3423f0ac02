/** Failures that are the same one, with Salesforce's words, our advice, and Retry. */

import { css, html, nothing } from "lit";
import type { Group } from "../api/schema";
import { t, timeOf } from "../texts";
import { adviceView, type View } from "../ui/views";
import { retriedGroupText, type RetriedGroup } from "./retried";

export const failuresStyle = css`
  .group { border: 1px solid var(--line); border-radius: calc(var(--radius) * 0.7); padding: 0.9em 1em; }
  code { font: 0.87em ui-monospace, monospace; }
`;

export interface GroupActs {
  readonly mayChange: boolean;
  readonly docsBase: string;
  readonly zone: string | undefined;
  readonly retried: ReadonlyMap<string, RetriedGroup>;
  readonly retry: (groups: readonly Group[]) => void;
  readonly show: (group: Group) => void;
}

/** E-mails that failed have groups of their own, whatever their rows are: they count, too. */
export function failuresView(groups: readonly Group[], failedRows: number, acts: GroupActs): View {
  if (groups.length === 0) return nothing;
  const failed = Math.max(failedRows, groups.reduce((sum, group) => sum + group.count, 0));
  return html`<section class="stack" aria-labelledby="failures">
    <div class="line apart"><h3 id="failures" tabindex="-1">${t.failures.heading(failed)}</h3>
      ${groups.length > 1 && acts.mayChange ? html`<button class="quiet" @click=${() => acts.retry(groups)}>${t.failures.retryAll(failed)}</button>` : nothing}</div>
    <ul class="stack">${groups.map((group) => groupView(group, acts))}</ul>
  </section>`;
}

function groupView(group: Group, acts: GroupActs): View {
  const fields = group.fields.length ? `${t.failures.fields}: ${group.fields.join(", ")}` : "";
  const { first_at: first, last_at: last } = group;
  const retried = retriedGroupText(group, acts.retried.get(group.group_id), acts.zone);
  return html`<li class="group stack" data-group=${group.group_id}>
    <div class="line apart"><h4>${group.title}</h4><span class="chip is-bad">${t.failures.count(group.count)}</span></div>
    <p class="small"><code>${group.error_code}</code>${group.object ? html` · ${group.object}` : nothing}${fields ? html` · ${fields}` : nothing}</p>
    ${group.message ? html`<p dir="auto">${t.general.salesforceSaid}: ${t.general.quoted(group.message)}</p>` : nothing}
    <details><summary>${t.failures.todo}</summary>${adviceView(group.advice, { tone: "calm", docsBase: acts.docsBase, hasTitle: false })}</details>
    <p class="line">
      ${group.can_retry && acts.mayChange ? html`<button class="quiet" @click=${() => acts.retry([group])}>${t.failures.retry(group.count)}<span class="sr"> ${group.title}</span></button>` : nothing}
      <button class="plain" @click=${() => acts.show(group)}>${t.failures.show}<span class="sr"> ${group.title}</span></button>
      ${first && last ? html`<span class="small dim">${t.failures.times(timeOf(first, acts.zone), timeOf(last, acts.zone))}</span>` : nothing}</p>
    <p class="small" role="status" data-retried>${retried}</p>
  </li>`;
}
