/** The choice of a campaign's own status for each of our meanings. */

import { html, nothing } from "lit";
import type { StatusReasons, Statuses } from "../api/schema";
import { named, t } from "../texts";
import type { View } from "../ui/views";

export type Meaning = keyof Statuses;
export type Chosen = Record<Meaning, string | null>;

const NEEDED: readonly Meaning[] = ["registered", "attended"];
const OPTIONAL: readonly Meaning[] = ["cancelled", "no_show", "replay_watched"];

export function statusesView(
  chosen: Chosen, labels: readonly string[], because: StatusReasons | null, choose: (meaning: Meaning, label: string | null) => void,
): View {
  const field = (meaning: Meaning): View => {
    const guess = because && named(t.campaign.because, because[meaning], "");
    return html`<div><label class="name" for="status-${meaning}">${t.campaign.status[meaning]}</label>
      <select id="status-${meaning}" aria-describedby="why-${meaning}"
        @change=${(event: Event) => choose(meaning, (event.target as HTMLSelectElement).value || null)}>
        ${NEEDED.includes(meaning) ? nothing : html`<option value="" .selected=${chosen[meaning] === null}>${t.campaign.leaveOut}</option>`}
        ${known(labels, chosen[meaning]).map((label) => html`<option value=${label} .selected=${chosen[meaning] === label}>${label}</option>`)}
      </select>
      <p id="why-${meaning}" class="small dim">${guess}</p></div>`;
  };
  const hasMore = OPTIONAL.some((meaning) => chosen[meaning] !== null);
  return html`<div class="fields">${NEEDED.map(field)}</div>
    <details ?open=${hasMore}><summary>${t.campaign.moreStatuses}</summary><div class="fields">${OPTIONAL.map(field)}</div></details>`;
}

/** The campaign's labels, with one that it does not have any more, so that a choice never changes by itself. */
function known(labels: readonly string[], label: string | null): readonly string[] {
  return label === null || labels.includes(label) ? labels : [...labels, label];
}

export function chosenOf(statuses: Statuses): Chosen {
  return { ...statuses };
}
