/** Linking an event to a Salesforce Campaign: paste, validate, choose statuses, save; change them; unlink. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem, EventApi } from "../api/client";
import type { CampaignFound, CampaignValidated, LinkShown } from "../api/schema";
import { moment, named, t } from "../texts";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { adviceView, outward, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { factsOf } from "./campaign-facts";
import "./campaign-picker";
import { whereStyle, whereView } from "./campaign-where";
import { chosenOf, statusesView, type Chosen } from "./statuses";

const SLOW_MS = 2_000;
const TONES: Readonly<Record<string, string>> = { linked: "is-good", broken: "is-bad", creating: "is-wait", create_failed: "is-bad" };

export class CampaignPanel extends EventshipElement {
  static override styles = [look, controls, whereStyle, css`
    .fields { display: grid; gap: 0.75em 1em; grid-template-columns: repeat(auto-fit, minmax(14em, 1fr)); margin-block: 0.4em; align-items: end; }
    form.paste { display: grid; gap: 0.35em; }
    form.paste div { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.5em; }
    dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(14em, 1fr)); gap: 0.4em 1em; }
    dt { font-size: 0.87em; color: var(--dim); }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, link: { attribute: false }, mayChange: { attribute: false }, zone: {},
    pasted: { state: true }, found: { state: true }, chosen: { state: true }, isReapplied: { state: true },
    problem: { state: true }, busy: { state: true }, isEditing: { state: true }, isUnlinking: { state: true }, isSlow: { state: true }, result: { state: true },
  };

  declare eventId: string;
  /** The zone of the event's times; the reader's own without one. */
  declare zone: string | undefined;
  /** The link; null where none is. */
  declare link: LinkShown | null;
  declare mayChange: boolean;
  private declare pasted: string;
  private declare found: CampaignValidated | null;
  private declare chosen: Chosen | null;
  private declare isReapplied: boolean;
  private declare problem: ApiProblem | null;
  private declare busy: "validate" | "save" | "unlink" | null;
  private declare isEditing: boolean;
  private declare isUnlinking: boolean;
  private declare isSlow: boolean;
  private declare result: string;
  /** Ends the wait for Salesforce; what only looks may be let go of. */
  private waiting: AbortController | null = null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", link: null, mayChange: false, pasted: "", found: null, chosen: null, isReapplied: false });
    Object.assign(this, { problem: null, busy: null, isEditing: false, isUnlinking: false, isSlow: false, result: "" });
  }

  private get event(): EventApi {
    return this.api.event(this.hostId, this.eventId);
  }

  protected override render() {
    return html`<section class="stack" aria-labelledby="heading">
      <h3 id="heading">${t.campaign.heading}</h3>
      ${this.link ? this.linkedView(this.link) : this.found ? this.foundView(this.found) : this.pasteView()}
      <p class="small" role="status">${this.result}</p>
      ${this.isUnlinking && this.link ? this.unlinkView(this.link) : nothing}
    </section>`;
  }

  private pasteView(): View {
    if (!this.mayChange) return html`<p class="dim">${t.campaign.none}</p><p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`;
    return html`<p class="dim">${t.campaign.intro}</p>
      <form class="paste" @submit=${this.validate}>
        <label class="name" for="campaign-id">${t.campaign.label}</label>
        <div><input id="campaign-id" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="campaign-hint"
            aria-invalid=${this.problem ? "true" : "false"} .value=${this.pasted}
            @input=${(event: Event) => { this.pasted = (event.target as HTMLInputElement).value; }}>
          <button ?disabled=${this.busy !== null || this.pasted.trim() === ""}>${this.busy === "validate" ? t.campaign.validating : t.campaign.validate}</button></div>
        <p id="campaign-hint" class="small dim">${t.campaign.hint}</p>
      </form>
      ${this.waitingView()}
      ${whereView()}
      ${this.problemNote()}
      <salesforce-campaign-picker .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase} .eventId=${this.eventId}
        @campaign-picked=${(event: CustomEvent<string>) => this.pick(event.detail)}
        @campaign-created=${(event: CustomEvent<LinkShown>) => this.changed(event.detail, t.campaign.createStarted)}></salesforce-campaign-picker>`;
  }

  private foundView(found: CampaignValidated): View {
    const labels = found.statuses.map((status) => status.label);
    const { registrations, estimated_api_calls: calls } = found.backfill;
    return html`${this.campaignView(found.campaign)}
      ${found.warnings.map((each) => adviceView(each, { tone: "wait", docsBase: this.docsBase }))}
      <h4>${t.campaign.statusesHeading}</h4>
      ${this.chosen ? statusesView(this.chosen, labels, found.proposed_because, this.choose) : nothing}
      <p class="small dim">${t.campaign.estimate(registrations, calls)}</p>
      ${this.problemNote()}${this.waitingView()}
      <p class="line">${this.saveButton(found.campaign.id)}
        <button class="plain" @click=${this.startAgain}>${t.campaign.chooseOther}</button></p>`;
  }

  private campaignView(campaign: CampaignFound): View {
    return html`<div><p><strong>${outward(campaign.url, campaign.name)}</strong></p>
      <p class="small dim">${factsOf(campaign)}</p><p class="small dim">${campaign.id}</p></div>`;
  }

  private linkedView(link: LinkShown): View {
    const isMade = link.state !== "creating" && link.state !== "create_failed";
    return html`<div class="line apart"><p><strong>${outward(link.campaign.url, link.campaign.name)}</strong></p>
        <span class="chip ${TONES[link.state] ?? "is-calm"}" data-link=${link.state}>${named(t.campaign.states, link.state, t.campaign.states.other)}</span></div>
      ${isMade ? html`<p class="small dim">${link.campaign.id} · ${t.campaign.linkedSince(moment(link.linked_at, this.zone))}</p>` : nothing}
      ${link.state === "creating" ? html`<p class="note wait">${t.campaign.beingCreated}</p><div class="busy"><span></span></div>` : nothing}
      ${link.problem ? adviceView(link.problem, { docsBase: this.docsBase }) : nothing}
      ${link.state === "create_failed" && this.mayChange ? html`<p>${t.campaign.createAgain}</p>${this.found ? this.foundView(this.found) : this.pasteView()}` : nothing}
      ${this.isEditing && this.chosen ? this.editView(link, this.chosen) : isMade ? this.statusesShown(link) : nothing}`;
  }

  private statusesShown(link: LinkShown): View {
    const chosen = Object.entries(link.statuses).filter(([, label]) => label !== null);
    return html`<dl>${chosen.map(([meaning, label]) => html`<div><dt>${named(t.campaign.status, meaning, meaning)}</dt><dd>${label}</dd></div>`)}</dl>
      <p class="small dim">${t.campaign.locked}</p>
      ${this.problemNote()}
      ${this.mayChange ? html`<p class="line"><button class="quiet" @click=${() => this.edit(link)}>${t.campaign.editStatuses}</button>
        <button class="quiet" @click=${() => { this.isUnlinking = true; }}>${t.campaign.unlink}</button></p>` : nothing}`;
  }

  private editView(link: LinkShown, chosen: Chosen): View {
    return html`${statusesView(chosen, link.available_statuses, null, this.choose)}
      <label class="pick"><input type="checkbox" .checked=${this.isReapplied}
        @change=${(event: Event) => { this.isReapplied = (event.target as HTMLInputElement).checked; }}>${t.campaign.reapply}</label>
      ${this.problemNote()}
      <p class="line">${this.saveButton(link.campaign.id)}<button class="plain" @click=${this.startAgain}>${t.general.cancel}</button></p>`;
  }

  private unlinkView(link: LinkShown): View {
    const close = (): void => { this.isUnlinking = false; };
    return html`<eventship-dialog heading=${t.campaign.unlinkHeading} @closed=${close}>
      <div class="stack"><p>${t.campaign.unlinkText(link.campaign.name)}</p><p>${t.campaign.unlinkKeeps}</p>
        ${this.problemNote()}
        <p class="line"><button class="bad" ?disabled=${this.busy !== null} @click=${this.unlink}>${t.campaign.unlinkConfirm}</button>
          <button class="plain" @click=${close}>${t.general.cancel}</button></p></div>
    </eventship-dialog>`;
  }

  private saveButton(campaignId: string | null): View {
    return html`<button ?disabled=${this.busy !== null || campaignId === null} @click=${() => this.save(campaignId)}>${this.busy === "save" ? t.campaign.saving : t.campaign.save}</button>`;
  }

  /** After a moment of waiting for Salesforce: how long it may take, and the way out. */
  private waitingView(): View {
    return this.isSlow ? html`<p class="note wait" role="status">${t.campaign.waiting} <button class="plain" type="button" @click=${this.stopWaiting}>${t.campaign.stopWaiting}</button></p>` : nothing;
  }

  private readonly stopWaiting = (): void => this.waiting?.abort();

  private problemNote(): View {
    return this.problem ? problemView(this.problem, { docsBase: this.docsBase, isAction: true }) : nothing;
  }

  private readonly choose = (meaning: keyof Chosen, label: string | null): void => {
    if (this.chosen) this.chosen = { ...this.chosen, [meaning]: label };
  };

  private readonly startAgain = (): void => {
    Object.assign(this, { found: null, chosen: null, problem: null, isEditing: false, isReapplied: false });
  };

  private edit(link: LinkShown): void {
    this.chosen = chosenOf(link.statuses);
    this.isEditing = true;
    this.result = "";
  }

  private readonly validate = async (event: Event): Promise<void> => {
    event.preventDefault();
    await this.look();
  };

  private async pick(campaignId: string): Promise<void> {
    this.pasted = campaignId;
    await this.look();
  }

  private async look(): Promise<void> {
    await this.act("validate", async () => {
      this.found = await this.event.validate(this.pasted.trim(), this.waiting?.signal);
      this.chosen = chosenOf(this.found.proposed);
    });
  }

  private async save(campaignId: string | null): Promise<void> {
    const { chosen } = this;
    if (chosen === null || campaignId === null) return;
    await this.act("save", async () => {
      const link = await this.event.save(campaignId, chosen, this.isReapplied);
      this.startAgain();
      this.pasted = "";
      this.changed(link, t.campaign.saved);
    });
  }

  private readonly unlink = async (): Promise<void> => {
    await this.act("unlink", async () => {
      const { writes_stopped: stopped, members_kept: kept } = await this.event.unlink();
      this.isUnlinking = false;
      this.startAgain();
      this.changed(null, t.campaign.unlinked(stopped, kept));
    });
  };

  private changed(link: LinkShown | null, result: string): void {
    this.link = link;
    this.result = result;
    this.tell("link-changed", link);
  }

  private async act(what: "validate" | "save" | "unlink", deed: () => Promise<void>): Promise<void> {
    const waiting = new AbortController();
    Object.assign(this, { busy: what, problem: null, result: "", waiting: what === "validate" ? waiting : null });
    const slow = setTimeout(() => { this.isSlow = what === "validate"; }, SLOW_MS);
    try {
      await deed();
    } catch (error) {
      if (waiting.signal.aborted) this.result = t.campaign.stopped;
      else this.problem = this.problemIn(error);
    } finally {
      clearTimeout(slow);
      Object.assign(this, { busy: null, isSlow: false, waiting: null });
    }
  }
}

define("salesforce-campaign-panel", CampaignPanel);
