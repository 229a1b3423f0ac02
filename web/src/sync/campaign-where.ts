/** Where a campaign's Id is in Salesforce: words and a drawing of the two addresses. */

import { css, html, svg } from "lit";
import { t } from "../texts";
import type { View } from "../ui/views";

export const whereStyle = css`
  .where { inline-size: 100%; max-inline-size: 34rem; block-size: auto; direction: ltr; }
  .where text { font: 12px ui-monospace, monospace; fill: var(--dim); }
  .where .id { fill: var(--on-accent); font-weight: 700; }
  .where .bar { fill: var(--soft); stroke: var(--line); }
  .where .hit { fill: var(--accent); }
`;

export function whereView(): View {
  const { where } = t.campaign;
  return html`<details><summary>${where.summary}</summary><div class="stack small">
    <p>${where.lightning}</p>
    <p>${where.classic}</p>
    <svg class="where" viewBox="0 0 520 92" role="img" aria-label=${where.picture}>
      ${bar(8, "…lightning.force.com/lightning/r/Campaign/", "7015g000000KqRsAAK", "/view")}
      ${bar(52, "…my.salesforce.com/", "7015g000000KqRs", "")}
    </svg></div></details>`;
}

const LETTER = 7.25;

/** An address as the browser shows it, with the Id marked. */
function bar(top: number, before: string, id: string, after: string) {
  const from = 12 + before.length * LETTER;
  const width = id.length * LETTER + 8;
  return svg`<rect class="bar" x="1" y=${top} width="518" height="32" rx="16"></rect>
    <text x="12" y=${top + 20} textLength=${before.length * LETTER}>${before}</text>
    <rect class="hit" x=${from} y=${top + 6} width=${width} height="20" rx="5"></rect>
    <text class="id" x=${from + 4} y=${top + 20} textLength=${id.length * LETTER}>${id}</text>
    ${after ? svg`<text x=${from + width + 2} y=${top + 20} textLength=${after.length * LETTER}>${after}</text>` : ""}`;
}
