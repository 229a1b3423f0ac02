/** A question before a deed: what it means, a button that does it, and one that does not. */

import { html } from "lit";
import { t } from "../texts";
import "./dialog";
import type { View } from "./views";

export interface Question {
  readonly heading: string;
  readonly text: string;
  readonly confirm: string;
  readonly isBad?: boolean;
  readonly deed: () => void;
}

export function questionView({ heading, text, confirm, isBad, deed }: Question, close: () => void): View {
  const answer = (isYes: boolean) => (event: Event): void => {
    (event.target as HTMLElement).closest<HTMLElement & { close(): void }>("eventship-dialog")?.close();
    if (isYes) deed();
  };
  return html`<eventship-dialog heading=${heading} @closed=${close}><div class="stack"><p>${text}</p>
    <p class="line"><button class=${isBad ? "bad" : ""} @click=${answer(true)}>${confirm}</button><button class="quiet" @click=${answer(false)}>${t.general.cancel}</button></p></div></eventship-dialog>`;
}
