/** What stands in Salesforce beside what would be written, and the requests that would do it. */

import { css, html, nothing } from "lit";
import type { DryRun, FieldPreview, Preview, RecordPreview, RequestShown } from "../api/schema";
import { named, t, timeOf } from "../texts";
import { adviceView, outward, type View } from "../ui/views";

export const previewStyle = css`
  table { inline-size: 100%; border-collapse: collapse; }
  th, td { text-align: start; padding: 0.35em 0.75em 0.35em 0; border-block-end: 1px solid var(--line); vertical-align: top; font-weight: 400; }
  thead th { font-size: 0.87em; color: var(--dim); }
  tr.is-news td { font-weight: 600; }
  .sideways { overflow-x: auto; }
  .sideways table { min-inline-size: 15rem; table-layout: fixed; }
  .sideways thead th:nth-child(1) { inline-size: 35%; } .sideways thead th:nth-child(2) { inline-size: 25%; }
  .sideways caption { text-align: start; font-weight: 600; padding-block-end: 0.3em; }
  .sideways tr div { font-weight: 400; }
  pre { margin: 0; padding: 0.7em 0.9em; background: var(--soft); border-radius: 6px; font: 0.85em ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
`;

const NOTHING = "–";
/** How a request names a record that does not exist yet. */
const REFERENCE = "@{";
const NEWS = ["new", "changed"];

export function previewView(preview: Preview, docsBase: string, zone?: string): View {
  const { records, error, outcome, calls_spent: calls, as_of: at } = preview;
  return html`<div class="stack" data-preview=${outcome}>
    <p><strong>${records.every(({ action }) => action === "keep") && error === null ? t.registration.nothingChanges : named(t.registration.outcome, outcome, "")}</strong></p>
    ${error ? adviceView(error.advice, { docsBase, said: { error_code: error.error_code, message: error.message, fields: error.fields, http_status: null } }) : nothing}
    ${records.map(recordView)}
    <p class="small dim">${t.registration.looked(calls, timeOf(at, zone))}</p>
  </div>`;
}

function recordView({ object, part, action, record, fields }: RecordPreview): View {
  const name = named(t.mapping.objects, object, object);
  const title = `${name}${part === "registered" || part === "checked_in" ? ` ${t.registration.quoted(named(t.rows.activity, part, part))}` : ""}`;
  return html`<div class="sideways" tabindex="0" role="region" aria-label=${title}><table>
    <caption>${outward(record?.url ?? null, title)} ${named(t.registration.actions, action, action)}</caption>
    <thead><tr><th scope="col">${t.registration.field}</th><th scope="col">${t.registration.valueNow}</th>
      <th scope="col">${t.registration.valueThen}</th></tr></thead>
    <tbody>${fields.map(fieldView)}</tbody></table></div>`;
}

function fieldView({ label, now, then, why, text }: FieldPreview): View {
  return html`<tr class=${NEWS.includes(why) ? "is-news" : ""}><th scope="row">${label}</th><td>${valueOf(now)}</td><td>${valueOf(then)}
    <div class="small dim">${named(t.registration.whys, why, why)}${text ? html` · ${text}` : nothing}</div></td></tr>`;
}

function valueOf(value: unknown): string {
  if (value === null || value === undefined || value === "") return NOTHING;
  if (typeof value === "string" && value.startsWith(REFERENCE)) return t.registration.newRecord;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function rehearsalView({ requests }: DryRun): View {
  if (requests.length === 0) return html`<p class="small">${t.registration.noRequests}</p>`;
  return html`<p class="small">${t.registration.rehearsed}</p>${requests.map(requestView)}`;
}

export function requestView({ method, path, body }: RequestShown): View {
  return html`<pre>${method} ${path}${body === null ? "" : `\n${JSON.stringify(body, null, 2)}`}</pre>`;
}
