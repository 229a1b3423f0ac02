/** Why somebody is missing in Salesforce: type an e-mail or a registration's id, read why, and cure it. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { Diagnosis, DiagnosisFinding } from "../api/schema";
import { moment, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { adviceView, failedActionView, outward, type View } from "../ui/views";
import { controls, look } from "../ui/styles";

const TONES: Readonly<Record<string, string>> = { stops: "bad", note: "wait", fine: "good" };
const USUAL = ["person", "task", "member"];

export class Missing extends EventshipElement {
  static override styles = [look, controls, css`
    form { display: grid; gap: 0.35em; }
    form div { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.5em; }
    ul:focus { outline: none; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, cardAddress: {}, mayChange: { attribute: false }, zone: {}, found: { state: true }, isBusy: { state: true },
  };

  /** The event to look in; empty for all of the host. */
  declare eventId: string;
  /** Where the host's card is; empty on the card itself. */
  declare cardAddress: string;
  declare mayChange: boolean;
  /** The zone of the event's times; the reader's own without one. */
  declare zone: string | undefined;
  private declare found: Diagnosis | null;
  private declare isBusy: boolean;
  private who = "";

  constructor() {
    super();
    Object.assign(this, { eventId: "", cardAddress: "", mayChange: false, found: null, isBusy: false });
  }

  protected override render() {
    return html`<details><summary>${t.missing.summary}</summary><div class="stack">
      <p class="small dim">${t.missing.intro}</p>
      <form @submit=${this.ask}><label class="name" for="who">${t.missing.label}</label>
        <div><input id="who" autocomplete="off" autocapitalize="none" spellcheck="false" @input=${(event: Event) => { this.who = (event.target as HTMLInputElement).value; }}>
          <button class="quiet" ?disabled=${this.isBusy}>${this.isBusy ? t.missing.looking : t.missing.look}</button></div></form>
      ${failedActionView(this.failedAction, this.docsBase)}
      ${this.found ? this.foundView(this.found) : nothing}
      <p class="sr" role="status">${this.announced}</p></div></details>`;
  }

  private foundView({ findings, last_news_at: news }: Diagnosis): View {
    return html`<ul class="stack" tabindex="-1" aria-label=${t.missing.found(findings.length)}>${findings.map((each) => this.findingView(each))}</ul>
      ${news ? html`<p class="small dim">${t.missing.lastNews(moment(news, this.zone))}</p>` : nothing}`;
  }

  private findingView(each: DiagnosisFinding): View {
    return html`<li class="stack" data-why=${each.code}>
      ${each.event && !this.eventId ? html`<p class="small dim">${each.event.title}</p>` : nothing}
      ${adviceView(each.advice, { tone: TONES[each.weight] ?? "calm", docsBase: this.docsBase })}
      ${each.person ? html`<p>${outward(each.person.url, `${t.missing.open} ${each.person.object}`)}</p>` : nothing}
      ${this.cureView(each)}</li>`;
  }

  private cureView(each: DiagnosisFinding): View {
    if (each.cure === "connect") {
      if (this.eventId && !this.cardAddress) return nothing;
      return this.cardAddress
        ? html`<p><a class="button quiet" href=${this.cardAddress}>${t.card.toCard}</a></p>`
        : html`<p><button class="quiet" @click=${() => this.tell("connect-wanted")}>${t.card.connect}</button></p>`;
    }
    const cure = this.mayChange ? this.cureOf(each) : null;
    return cure ? html`<p><button class="quiet" ?disabled=${this.isBusy} @click=${() => this.cure(cure.name, cure.deed)}>${cure.name}</button></p>` : nothing;
  }

  /** What a button can do about it; the advice says the rest. */
  private cureOf({ cure, event, kinds, registration_id: id }: DiagnosisFinding): { name: string; deed: () => Promise<unknown> } | null {
    const name = (t.missing.cures as Record<string, string>)[cure ?? ""];
    const host = this.api.host(this.hostId);
    if (!name) return null;
    if (cure === "resume_host") return { name, deed: () => host.setPause(false) };
    if (!event) return null;
    const api = this.api.event(this.hostId, event.id);
    switch (cure) {
      case "resume_event": return { name, deed: () => api.setPause(false) };
      case "switch_on": return { name, deed: () => api.setSettings({ enabled: true }) };
      case "kinds_on": return { name, deed: () => api.setSettings({ writes: Object.fromEntries((kinds.length > 0 ? kinds : USUAL).map((kind) => [kind, true])) }) };
      case "include": return id ? { name, deed: () => api.registration(id).setExcluded(false) } : null;
      default: return id ? { name, deed: () => api.registration(id).retry() } : null;
    }
  }

  private readonly ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(await this.look())) return;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("ul")?.focus();
  };

  private async look(): Promise<boolean> {
    const who = this.who.trim();
    const named = who === "" ? {} : who.includes("@") ? { email: who } : { registration_id: who };
    this.isBusy = true;
    const isDone = await this.perform(t.missing.notLooked, async () => {
      this.found = await this.api.host(this.hostId).diagnose({ ...named, ...(this.eventId ? { event_id: this.eventId } : {}) });
      this.announced = t.missing.found(this.found.findings.length);
    });
    this.isBusy = false;
    return isDone;
  }

  private async cure(name: string, deed: () => Promise<unknown>): Promise<void> {
    this.isBusy = true;
    const isDone = await this.perform(t.missing.notDone(name), async () => { await deed(); });
    this.isBusy = false;
    if (!isDone) return;
    this.tell("rows-changed");
    await this.look();
    this.announced = t.missing.done(name);
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("ul")?.focus();
  }
}

define("salesforce-missing", Missing);
