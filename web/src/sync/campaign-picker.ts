/** Other ways to a campaign than pasting its Id: find one by name, or let us create one. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem, EventApi } from "../api/client";
import type { CampaignFound } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { factsOf } from "./campaign-facts";

export class CampaignPicker extends EventshipElement {
  static override styles = [look, controls, css`
    form div { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.5em; }
    li + li { border-block-start: 1px solid var(--line); }
    li { padding-block: 0.5em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, q: { state: true }, found: { state: true }, problem: { state: true }, busy: { state: true },
  };

  declare eventId: string;
  private declare q: string;
  private declare found: readonly CampaignFound[] | null;
  private declare problem: ApiProblem | null;
  private declare busy: "search" | "create" | null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", q: "", found: null, problem: null, busy: null });
  }

  private get event(): EventApi {
    return this.api.event(this.hostId, this.eventId);
  }

  protected override render() {
    return html`<div class="stack">
      <details><summary>${t.campaign.find}</summary><div class="stack">
        <form @submit=${this.search}><label class="name" for="name">${t.campaign.findLabel}</label>
          <div><input id="name" type="search" .value=${this.q} @input=${(event: Event) => { this.q = (event.target as HTMLInputElement).value; }}>
            <button class="quiet" ?disabled=${this.busy !== null}>${this.busy === "search" ? t.campaign.validating : t.campaign.search}</button></div></form>
        ${this.found ? this.foundView(this.found) : nothing}</div></details>
      <details><summary>${t.campaign.create}</summary><div class="stack"><p class="small dim">${t.campaign.createText}</p>
        <p><button class="quiet" ?disabled=${this.busy !== null} @click=${this.create}>${this.busy === "create" ? t.campaign.creating : t.campaign.createNow}</button></p></div></details>
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}</div>`;
  }

  private foundView(found: readonly CampaignFound[]): View {
    if (found.length === 0) return html`<p class="dim" role="status">${t.campaign.noneFound}</p>`;
    return html`<ul>${found.map((each) => html`<li class="line apart"><div><strong>${each.name}</strong><div class="small dim">${factsOf(each)}</div></div>
      <button class="quiet" @click=${() => this.tell("campaign-picked", each.id)}>${t.campaign.pick}<span class="sr"> ${each.name}</span></button></li>`)}</ul>`;
  }

  private readonly search = async (event: Event): Promise<void> => {
    event.preventDefault();
    await this.act("search", async () => {
      this.found = (await this.event.search(this.q.trim())).items;
    });
  };

  private readonly create = (): Promise<void> => this.act("create", async () => {
    this.tell("campaign-created", await this.event.create({}));
  });

  private async act(what: "search" | "create", deed: () => Promise<void>): Promise<void> {
    Object.assign(this, { busy: what, problem: null });
    try {
      await deed();
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.busy = null;
    }
  }
}

define("salesforce-campaign-picker", CampaignPicker);
