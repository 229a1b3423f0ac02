/** The kinds of write, and the switch that turns one on or off. */

import { css, html, nothing } from "lit";
import { named, t } from "../texts";
import type { View } from "../ui/views";

const ORDER = ["person", "task", "member", "calendar_event", "case", "email_sent", "email_opened", "email_replied"];

/** The kinds of event that the platform names; there may be others. */
export const EVENT_KINDS = ["in_person", "webinar", "on_demand", "meeting"];

export function eventKindName(kind: string): string {
  return named(t.matrix.kinds, kind, kind);
}

/** What the service says of each kind, in our order; kinds of a newer service come last. */
export function kindsOf<T>(writes: object): readonly (readonly [kind: string, value: T])[] {
  const place = (kind: string): number => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
  return (Object.entries(writes) as [string, T][]).sort(([a], [b]) => place(a) - place(b));
}

export function kindName(kind: string): string {
  return named(t.writes.kinds, kind, kind);
}

export const switchStyle = css`
  button.switch { position: relative; flex: none; inline-size: 2.75em; block-size: 1.6em; min-block-size: 1.6em; padding: 0; border-radius: 1em;
    background: var(--paper); border: 2px solid var(--field); }
  button.switch::before { content: ""; position: absolute; inset-block: 0.16em; inset-inline-start: 0.2em; inline-size: 1em; border-radius: 50%;
    background: var(--field); transition: inset-inline-start 0.15s ease; }
  button.switch[aria-checked="true"] { background: var(--accent); border-color: var(--accent); }
  button.switch[aria-checked="true"]::before { inset-inline-start: calc(100% - 1.2em); background: var(--on-accent); }
  button.switch[aria-disabled="true"] { cursor: not-allowed; opacity: 0.55; }
  @media (forced-colors: active) { button.switch[aria-checked="true"] { background: Highlight; forced-color-adjust: none; } }
`;

export interface SwitchShown {
  readonly id: string;
  readonly name: string;
  readonly hint?: string | undefined;
  readonly isOn: boolean;
  readonly isBusy?: boolean;
  readonly mayChange: boolean;
  readonly turn: () => void;
}

/** A named switch. While it is busy it stays focused, and takes no click. */
export function switchView({ id, name, hint, isOn, isBusy, mayChange, turn }: SwitchShown, more: View = nothing): View {
  return html`<div class="switched">
    <button class="switch" role="switch" id=${id} type="button" aria-checked=${isOn ? "true" : "false"} aria-labelledby="${id}-name" aria-describedby="${id}-hint"
      aria-disabled=${mayChange ? nothing : "true"} aria-busy=${isBusy ? "true" : nothing} @click=${() => { if (mayChange && !isBusy) turn(); }}></button>
    <div><label id="${id}-name" for=${id}>${name}</label><div class="small dim" id="${id}-hint">${hint ?? nothing}</div></div>
    ${more === nothing ? nothing : html`<div class="more small">${more}</div>`}
  </div>`;
}

export const switchedStyle = css`
  .switched { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.2em 0.75em; align-items: start; }
  .switched label { font-weight: 600; cursor: pointer; }
  .switched .more { grid-column: 2; display: flex; flex-wrap: wrap; gap: 0 0.75em; align-items: center; }
  .switches { display: grid; gap: 1em 2em; grid-template-columns: minmax(0, 1fr); }
  @container (min-width: 640px) { .switches { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
  .own { font-weight: 600; }
  .more button { min-block-size: 1.9em; padding-block: 0.1em; }
`;
