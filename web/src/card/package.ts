/** Whether our Salesforce package is in the org, what of it is missing, and what an admin does about it. */

import { html, nothing } from "lit";
import type { PackageInOrg } from "../api/schema";
import { named, t } from "../texts";
import { outward, type View } from "../ui/views";

const TONES: Readonly<Record<string, string>> = { there: "good", incomplete: "wait", not_seen: "wait" };

/** What the last look at the org says of the package; nothing before the first. */
export function packageView(found: PackageInOrg | null | undefined): View {
  if (!found) return nothing;
  return html`<div class="note ${TONES[found.state] ?? ""} stack" data-package=${found.state}>
    <p>${named(t.package.state, found.state, t.package.state.other)}</p>
    ${found.missing.length === 0 ? nothing : html`<ul>${found.missing.map(({ object, fields }) => html`<li>${object}: ${fields.join(", ")}</li>`)}</ul>`}
    ${found.state === "there" ? nothing : html`<p>${t.package.assign}</p>`}
    ${found.unique_keys.length > 0 ? html`<p class="small">${t.package.unique}</p>` : nothing}
  </div>`;
}

/** The rights that no package can bring: the guide, and the file for an admin. Nothing without a place for documents. */
export function rightsView(docsBase: string): View {
  if (!docsBase) return nothing;
  return html`<p class="small">${t.package.rights}
    ${outward(`${docsBase}/docs/package#give-rights`, t.package.guide)},
    <a href="${docsBase}/docs/eventship-standard-access.zip" download>${t.package.file}</a></p>`;
}
