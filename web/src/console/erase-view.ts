/** `<eventship-erase host-id>`: takes an attendee's data out of here, after a question, and lists what stays in Salesforce. */

import { html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { Erased } from "../api/schema";
import { t, words } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { failedActionView, outward, type View } from "../ui/views";

export class Erase extends EventshipElement {
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    who: { state: true }, isAsking: { state: true }, isBusy: { state: true }, erased: { state: true },
  };

  private declare who: string;
  private declare isAsking: boolean;
  private declare isBusy: boolean;
  private declare erased: Erased | null;

  constructor() {
    super();
    Object.assign(this, { who: "", isAsking: false, isBusy: false, erased: null });
  }

  /** What was asked about one host's attendee is neither said nor done of another host's. */
  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("hostId")) Object.assign(this, { who: "", isAsking: false, erased: null, failedAction: null, announced: "" });
  }

  protected override render() {
    const { erase } = words;
    return html`<section class="panel stack" aria-labelledby="erase-heading"><h2 id="erase-heading" tabindex="-1">${erase.heading}</h2><p class="dim">${erase.intro}</p>
      <form class="stack" @submit=${this.ask}><label class="name" for="who">${erase.label}</label>
        <input id="who" required autocomplete="off" autocapitalize="none" spellcheck="false" .value=${this.who} @input=${this.typed}>
        <p><button class="quiet" ?disabled=${this.isBusy || this.isAsking}>${erase.ask}</button></p></form>
      ${this.isAsking ? this.questionView() : nothing}
      ${failedActionView(this.failedAction, this.docsBase)}
      ${this.erased ? this.erasedView(this.erased) : nothing}
      <p class="sr" role="status">${this.announced}</p></section>`;
  }

  private questionView(): View {
    const { erase } = words;
    return html`<div class="note bad stack" role="alert"><p><strong>${erase.question(this.who.trim())}</strong></p><p>${erase.means}</p>
      <p class="line"><button class="bad" ?disabled=${this.isBusy} @click=${this.erase}>${erase.confirm}</button>
        <button class="plain" @click=${() => { this.isAsking = false; }}>${t.general.cancel}</button></p></div>`;
  }

  private erasedView({ registrations, salesforce_records: records }: Erased): View {
    return html`<div class="note good stack"><p><strong>${words.erase.done(registrations)}</strong></p>
      ${records.length === 0 ? nothing : html`<p>${words.erase.remains}</p><ul>${records.map(({ object, id, url }) => html`<li>${outward(url, `${object} ${id}`)}</li>`)}</ul>`}</div>`;
  }

  private readonly typed = (event: Event): void => {
    Object.assign(this, { who: (event.target as HTMLInputElement).value, isAsking: false });
  };

  private readonly ask = (event: Event): void => {
    event.preventDefault();
    Object.assign(this, { isAsking: true, erased: null });
  };

  private readonly erase = async (): Promise<void> => {
    const { hostId } = this;
    const who = this.who.trim();
    this.isBusy = true;
    const isDone = await this.perform(words.erase.notDone, async () => {
      const attendee = who.includes("@") ? { email: who } : { id: who };
      const erased = await this.api.call<Erased>("POST", `/v1/hosts/${encodeURIComponent(hostId)}/attendees/erase`, { attendee });
      if (hostId === this.hostId) this.erased = erased;
    });
    Object.assign(this, { isBusy: false, isAsking: false });
    if (!isDone || this.erased === null) return;
    Object.assign(this, { who: "", announced: words.erase.done(this.erased.registrations) });
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("h2")?.focus();
  };
}

define("eventship-erase", Erase);
