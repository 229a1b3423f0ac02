/** Small views of the mapping: what is proposed, asked, and touched before anything is saved. */

import { css, html, nothing } from "lit";
import type { MappingExample, MappingReach, SourceShown } from "../api/schema";
import { named, t } from "../texts";
import type { View } from "../ui/views";
import type { Suggestion } from "./suggest";

export const formStyle = css`
    .fields { display: grid; gap: 0.75em 1em; grid-template-columns: repeat(auto-fit, minmax(14em, 1fr)); margin-block: 0.4em; }
    .narrow { max-inline-size: 28em; margin-block: 0.4em; }
    legend { padding: 0; margin-block-end: 0.3em; }
    label.pick { align-items: start; }
    salesforce-mapping-example { border-block: 1px solid var(--line); padding-block: 1.1em; }
  `;

/** Sources with what the person of the example gave. */
export function namedSources(sources: readonly SourceShown[], example: MappingExample | null): readonly SourceShown[] {
  const given = new Map(example?.given.map((each) => [each.path, each.value]));
  return sources.map((each) => ({ ...each, example: given.get(each.path) ?? (each.is_answer ? each.example : null) }));
}

interface Question {
  readonly tone: "wait" | "bad";
  readonly text: string;
  readonly yes: string;
  readonly isBusy: boolean;
  readonly act: () => void;
  readonly goOn: () => void;
}

export function questionView({ tone, text, yes, isBusy, act, goOn }: Question): View {
  return html`<div class="note ${tone} stack" id="asked" tabindex="-1" role="alert"><p>${text}</p><p class="line">
    <button ?disabled=${isBusy} @click=${act}>${yes}</button><button class="plain" @click=${goOn}>${t.mapping.goOn}</button></p></div>`;
}

/** How much an event has of its own; `ask` begins to give it back. */
export function ownView(own: number, ask: (() => void) | null): View {
  return html`<p class="line apart" data-own=${own}><span>${t.trial.ownCount(own)}</span>
    ${ask && own > 0 ? html`<button class="quiet" @click=${ask}>${t.trial.reset}</button>` : nothing}</p>`;
}

/** Before somebody leaves changes that are not saved. */
export function leaveView({ stay, leave, closed }: { stay: () => void; leave: () => void; closed: () => void }): View {
  return html`<eventship-dialog heading=${t.trial.leaveHeading} @closed=${closed}><div class="stack"><p>${t.trial.leaveText}</p>
    <p class="line"><button @click=${stay}>${t.trial.stay}</button><button class="quiet" @click=${leave}>${t.trial.leave}</button></p></div></eventship-dialog>`;
}

export function suggestionsView(found: readonly Suggestion[], accept: (suggestion: Suggestion) => void): View {
  if (found.length === 0) return nothing;
  return html`<div class="note stack" id="suggested"><h4>${t.trial.suggestions}</h4><ul>${found.map((each) => html`<li class="line apart" data-suggestion=${each.rule.source}>
    <span><strong>${t.trial.suggestion(each.question, each.field, each.objects.map((object) => named(t.mapping.objects, object, object)).join(", "))}</strong>
      <span class="small dim">${each.options > 0 ? t.trial.optionsMatch(each.matched, each.options) : t.trial.namesMatch}</span></span>
    <button class="quiet" @click=${() => accept(each)}>${t.trial.accept}<span class="sr"> ${each.question}</span></button></li>`)}</ul></div>`;
}

/** Whom the changes touch, before they are saved. */
export function reachView(reach: MappingReach): View {
  const { registrations, events } = reach;
  const retried = reach.retried > 0 ? html`<p>${t.trial.reachRetried(reach.retried)}</p>` : nothing;
  if (registrations === 0) return html`<div class="note small" role="status" data-reach="0"><p>${t.trial.reachNone}</p>${retried}</div>`;
  const names = events.map((each) => t.trial.inEvent(each.title, each.registrations)).join(", ");
  return html`<div class="note small stack" role="status" data-reach=${registrations}><p><strong>${t.trial.reach(registrations, reach.looked_at, reach.is_all)}</strong></p>
    <p>${t.trial.reachEvents(names, reach.events_total - events.length)}</p>
    ${reach.written > 0 ? html`<p>${t.trial.reachWritten(reach.written)}</p>` : nothing}${retried}</div>`;
}
