/** Personalised registration links: for one record, for e-mail templates, for all members of the campaign. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { PersonalLink } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { failedActionView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";

const FILE = "links.csv";

export class LinksPanel extends EventshipElement {
  static override styles = [look, controls, css`
    form, .made { display: grid; gap: 0.35em; }
    form div, .made div { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.5em; }
    .stack > section { border-block-start: 1px solid var(--line); padding-block-start: 0.75em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, campaignId: { attribute: false }, mayChange: { attribute: false },
    pasted: { state: true }, made: { state: true }, busy: { state: true },
  };

  declare eventId: string;
  /** The linked campaign; null where none is. */
  declare campaignId: string | null;
  declare mayChange: boolean;
  private declare pasted: string;
  private declare made: PersonalLink | null;
  private declare busy: "make" | "download" | null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", campaignId: null, mayChange: false, pasted: "", made: null, busy: null });
  }

  protected override render() {
    const isWrong = this.failedAction?.problem.body.code === "PayloadInvalid";
    return html`<details><summary>${t.links.heading}</summary><div class="stack">
      <p class="dim">${t.links.intro}</p>
      <form @submit=${this.make}><label class="name" for="record-id">${t.links.id}</label>
        <div><input id="record-id" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="255" aria-describedby="record-hint" aria-invalid=${isWrong ? "true" : "false"}
            .value=${this.pasted} @input=${(event: Event) => { this.pasted = (event.target as HTMLInputElement).value; }}>
          <button class="quiet" ?disabled=${this.busy !== null || this.pasted.trim() === ""}>${this.busy === "make" ? t.links.making : t.links.make}</button></div>
        <p id="record-hint" class="small dim">${t.links.idHint}</p></form>
      ${this.made ? this.madeView(this.made) : nothing}
      ${this.mayChange && this.campaignId !== null ? this.fileView(this.campaignId) : nothing}
      ${isWrong ? html`<p class="note bad" role="alert">${t.links.wrongId}</p>` : failedActionView(this.failedAction, this.docsBase)}
      <p class="small" role="status">${this.announced}</p></div></details>`;
  }

  private madeView({ url, snippet }: PersonalLink): View {
    return html`<div class="made">${this.copyView("url", t.links.url, url)}</div>
      <div class="made">${this.copyView("snippet", t.links.snippet, snippet)}<p class="small dim">${t.links.snippetHint}</p></div>`;
  }

  private copyView(id: string, name: string, text: string): View {
    return html`<label class="name" for=${id}>${name}</label><div><input id=${id} readonly .value=${text}>
      <button class="quiet" aria-label=${t.links.copyOf(name)} @click=${() => this.copy(id, name, text)}>${t.links.copy}</button></div>`;
  }

  private fileView(campaignId: string): View {
    return html`<section class="stack"><h4>${t.links.all}</h4><p class="small dim">${t.links.allText}</p>
      <p><button class="quiet" ?disabled=${this.busy !== null} @click=${() => this.download(campaignId)}>${this.busy === "download" ? t.links.downloading : t.links.download}</button></p></section>`;
  }

  private readonly make = async (event: Event): Promise<void> => {
    event.preventDefault();
    this.made = null;
    await this.act("make", async () => {
      this.made = await this.api.event(this.hostId, this.eventId).personalLink(this.pasted.trim());
    });
  };

  private async download(campaignId: string): Promise<void> {
    await this.act("download", async () => {
      const url = URL.createObjectURL(await this.api.event(this.hostId, this.eventId).linksFile(campaignId));
      Object.assign(document.createElement("a"), { href: url, download: FILE }).click();
      setTimeout(() => URL.revokeObjectURL(url));
      this.announced = t.links.downloaded;
    });
  }

  private async copy(id: string, name: string, text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.announced = t.links.copied(name);
    } catch {
      this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)?.select();
      this.announced = t.links.copyByHand;
    }
  }

  private async act(what: "make" | "download", deed: () => Promise<void>): Promise<void> {
    Object.assign(this, { busy: what, announced: "" });
    await this.perform(what === "make" ? t.notDone.make : t.notDone.download, deed);
    this.busy = null;
  }
}

define("salesforce-links-panel", LinksPanel);
