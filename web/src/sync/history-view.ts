/** The attempts of a registration: what came of each in words, and behind that what was sent and answered. */

import { html, nothing } from "lit";
import type { AnswerShown, AttemptShown } from "../api/schema";
import { moment, named, t } from "../texts";
import type { View } from "../ui/views";
import { requestView } from "./preview-view";

export function attemptView(attempt: AttemptShown, zone?: string): View {
  const { at, outcome, why, by, error, requests, answers } = attempt;
  const cause = [named(t.registration.whyTried, why, why), by ? t.registration.by(by) : ""].filter(Boolean).join(", ");
  return html`<li class="stack" data-attempt=${outcome}>
    <p><strong>${named(t.registration.attempts, outcome, outcome)}</strong> · ${moment(at, zone)} <span class="dim">· ${cause}</span></p>
    ${error ? html`<p class="small">${error.error_code} · ${error.message}${error.value ? html` · ${t.rows.value(error.value)}` : nothing}</p>` : nothing}
    ${requests.length === 0 ? nothing : html`<details><summary>${t.registration.sentOf(requests.length)}<span class="sr"> ${moment(at, zone)}</span></summary>
      <div class="stack">${requests.map((request, index) => html`<div class="stack small"><p class="dim">${t.registration.sent}</p>${requestView(request)}${answerView(answers[index])}</div>`)}</div></details>`}
  </li>`;
}

function answerView(answer: AnswerShown | undefined): View {
  if (answer === undefined) return nothing;
  const { success, id, errors, matches, is_lost: isLost } = answer;
  const said = errors.map((error) => JSON.stringify(error, null, 2)).join("\n");
  return html`<p class="dim">${t.registration.answered}</p>
    ${isLost ? html`<p>${t.registration.lost}</p>` : html`<pre>${success ? `${t.registration.taken}${id ? `: ${id}` : ""}` : said}</pre>`}
    ${matches.length === 0 ? nothing : html`<p>${t.registration.matchesOf}: ${matches.map(({ object, id: found, name, email }) => [object, found, name, email].filter(Boolean).join(" ")).join("; ")}</p>`}`;
}
