/** Small views that several elements share. */

import { html, nothing, type TemplateResult } from "lit";
import { serviceLanguage, type ApiProblem } from "../api/client";
import type { Advice, SalesforceAnswer, SalesforceWords } from "../api/schema";
import { clock, t } from "../texts";

export type View = TemplateResult | typeof nothing | string;

const INVALID = "PayloadInvalid";
const MAIL = /([\w.+-]+@[\w-]+(?:\.[\w-]+)+)/;

/** A text in which addresses of e-mail are links. */
export function mailed(text: string): unknown {
  return text.split(MAIL).map((part, index) => (index % 2 === 1 ? html`<a href="mailto:${part}">${part}</a>` : part));
}

/** An address that may stand in a link: http or https, whatever a server may have sent. */
export function safeUrl(url: string | null): string | null {
  if (url === null) return null;
  try {
    return ["http:", "https:"].includes(new URL(url, location.href).protocol) ? url : null;
  } catch {
    return null;
  }
}

/** A link into Salesforce or elsewhere; plain text where there is no usable address. */
export function outward(url: string | null, text: string, more = ""): View {
  const safe = safeUrl(url);
  if (safe === null) return text;
  return html`<a href=${safe} target="_blank" rel="noopener noreferrer">${text}${more ? html`<span class="sr"> ${more}</span>` : nothing}<span class="sr"> (${t.general.newTab})</span></a>`;
}

/** Our words from the table of advice, as they are. `docsBase` is where the page keeps our documents. */
export function adviceView(advice: Advice, options: { tone?: string; docsBase?: string; said?: SalesforceAnswer | SalesforceWords | null; hasTitle?: boolean } = {}): View {
  const { tone = "bad", docsBase = "", said = null, hasTitle = true } = options;
  const link = advice.link === null ? null : advice.link.startsWith("/") ? docsBase && docsBase + advice.link : advice.link;
  return html`<div class="note ${tone} stack" dir="auto" lang=${serviceLanguage || nothing}>
    ${hasTitle ? html`<p><strong>${advice.title}</strong></p>` : nothing}
    <p>${mailed(advice.explanation)}</p>
    ${advice.steps.length === 0 ? nothing : html`<ol>${advice.steps.map((step) => html`<li>${mailed(step)}</li>`)}</ol>`}
    ${said === null ? nothing : saidView(said)}
    ${link ? html`<p>${outward(link, t.general.learnMore, advice.title)}</p>` : nothing}
  </div>`;
}

function saidView(said: SalesforceAnswer | SalesforceWords): View {
  return html`<p class="small dim" dir="auto">${t.general.salesforceSaid}: ${said.error_code}${said.message ? html` — ${said.message}` : nothing}</p>`;
}

/** That nothing was heard of the service since; nothing while it is heard. */
export function silenceView(since: number | null): View {
  return since === null ? nothing : html`<p class="note wait" role="status">${t.general.silent(clock(since))}</p>`;
}

/** What the reader wanted done, and why it was not. */
export interface FailedAction {
  /** Such as "Not paused." */
  readonly notDone: string;
  readonly problem: ApiProblem;
  readonly again: () => void;
}

/** That an action was not done, and the way to try it again; nothing where none failed. */
export function failedActionView(failed: FailedAction | null, docsBase = ""): View {
  if (failed === null) return nothing;
  if (!failed.problem.isUnreachable) return html`<p role="alert"><strong>${failed.notDone}</strong></p>${problemView(failed.problem, { docsBase })}`;
  return html`<div class="note bad stack" role="alert"><p><strong>${failed.notDone}</strong> ${t.general.unreachableTitle}.</p>
    <p><button class="quiet" @click=${failed.again}>${t.general.retryLoad}</button></p></div>`;
}

/** Why something did not work. `again` tries the same once more; what a person asked for, and was not done, `isAction`. */
export function problemView(problem: ApiProblem, options: { docsBase?: string; again?: () => void; isAction?: boolean } = {}): View {
  const { body } = problem;
  const again = options.again ? html`<p><button class="quiet" @click=${options.again}>${t.general.retryLoad}</button></p>` : nothing;
  if (problem.isUnreachable && options.isAction) {
    return html`<div class="note bad stack" role="alert"><p><strong>${t.general.unreachableTitle}</strong></p><p>${t.notDone.any}</p>${again}</div>`;
  }
  if (problem.isUnreachable) {
    return html`<div class="note bad stack" role="alert"><p><strong>${t.general.unreachableTitle}</strong></p><p>${t.general.unreachableText}</p>${again}</div>`;
  }
  const title = body.code === INVALID && body.advice ? body.advice.title : body.title;
  const known = new Set([title, body.title, body.advice?.title]);
  const more = (body.errors ?? []).filter(({ message }) => !known.has(message));
  return html`<div class="stack" role="alert">
    ${body.advice
      ? adviceView({ ...body.advice, title }, { docsBase: options.docsBase ?? "", said: body.salesforce })
      : html`<div class="note bad stack" dir="auto"><p><strong>${title}</strong></p>${body.salesforce ? saidView(body.salesforce) : nothing}</div>`}
    ${body.detail && !known.has(body.detail) ? html`<p class="small dim">${body.detail}</p>` : nothing}
    ${more.length ? html`<ul class="small dim">${more.map(({ path, message }) => html`<li>${path.replace(/^body\./, "")}: ${message}</li>`)}</ul>` : nothing}
    ${body.request_id && (body.status >= 500 || !body.advice) ? html`<p class="small dim">${t.general.request} ${body.request_id}</p>` : nothing}
    ${again}
  </div>`;
}

export function loadingView(): View {
  return html`<div class="busy" role="status"><span></span><span></span><span></span><p class="sr">${t.general.loading}</p></div>`;
}
