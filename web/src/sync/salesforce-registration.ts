/** `<salesforce-registration host-id event-id registration-id>`: what happened with one registration, and what would be written now. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem, RegistrationApi } from "../api/client";
import type { StreamEvent } from "../api/events";
import { Live } from "../api/live";
import type { AttemptShown, DryRun, Preview, Row } from "../api/schema";
import { named, t, zoneName, zoneOf } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { questionView, type Question } from "../ui/question";
import { controls, look } from "../ui/styles";
import { failedActionView, loadingView, outward, problemView, silenceView, type View } from "../ui/views";
import { attemptView } from "./history-view";
import { previewStyle, previewView, rehearsalView } from "./preview-view";
import { storyOf } from "./registration-story";
import { retriedView, type Retried } from "./retried";
import { attendeeView, errorView, nameOf, retryView, rowStyle, stateView, warningsView } from "./row";

export class SalesforceRegistration extends EventshipElement {
  static override styles = [look, controls, rowStyle, previewStyle, css`
    section + section { border-block-start: 1px solid var(--line); padding-block-start: 1em; }
    .story li + li { margin-block-start: 0.3em; }
    .attempts li + li { border-block-start: 1px solid var(--line); padding-block-start: 0.75em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: { attribute: "event-id" }, registrationId: { attribute: "registration-id" }, attendeeAddress: { attribute: "attendee-address" }, version: { attribute: false },
    row: { state: true }, mayChange: { state: true }, zone: { state: true }, attempts: { state: true }, cursor: { state: true }, preview: { state: true }, rehearsal: { state: true },
    problem: { state: true }, question: { state: true }, isBusy: { state: true }, isLooking: { state: true }, retried: { state: true },
  };

  declare eventId: string;
  declare registrationId: string;
  /** Where the platform shows an attendee, with `{registration_id}` in it; empty where there is no such page. */
  declare attendeeAddress: string;
  /** Where something around it follows the event, this rises with each change; else null, and the element follows it. */
  declare version: number | null;
  private declare row: Row | null;
  private declare mayChange: boolean;
  private declare zone: string | undefined;
  private declare attempts: readonly AttemptShown[] | null;
  private declare cursor: string | null;
  private declare preview: Preview | null;
  private declare rehearsal: DryRun | null;
  private declare problem: ApiProblem | null;
  private declare question: Question | null;
  private declare isBusy: boolean;
  private declare isLooking: boolean;
  private declare retried: Retried | undefined;
  private live: Live | null = null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", registrationId: "", attendeeAddress: "", version: null, mayChange: false, zone: undefined });
    this.forget();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.restart();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.live?.stop();
    this.live = null;
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "eventId", "registrationId", "apiBase", "getToken"].some((name) => changed.has(name))) this.restart();
    else if (changed.has("version")) void this.load();
  }

  private forget(): void {
    Object.assign(this, { row: null, attempts: null, cursor: null, preview: null, rehearsal: null, problem: null, question: null });
    Object.assign(this, { isBusy: false, isLooking: false, retried: undefined, failedAction: null, announced: "" });
  }

  private restart(): void {
    this.live?.stop();
    this.forget();
    if (this.getToken === null || [this.hostId, this.eventId, this.registrationId].includes("")) return;
    if (this.version !== null) {
      void this.load();
      return;
    }
    const { stream } = this.api.event(this.hostId, this.eventId);
    this.live = new Live({ poll: () => this.load(), open: stream, take: (event) => this.take(event), silent: this.silent });
    this.live.start();
  }

  private get registration(): RegistrationApi {
    return this.api.event(this.hostId, this.eventId).registration(this.registrationId);
  }

  private async load(): Promise<boolean> {
    const isFirst = this.row === null;
    try {
      if (isFirst) {
        const [card, stats] = await Promise.all([this.api.host(this.hostId).card(), this.api.event(this.hostId, this.eventId).stats()]);
        Object.assign(this, { mayChange: card.role !== "member", zone: zoneOf(stats.event.timezone) });
      }
      await this.show(await this.registration.row());
      this.problem = null;
    } catch (error) {
      this.problem = this.problemIn(error);
      return false;
    }
    if (isFirst && this.version !== null) await this.focusHeading();
    return true;
  }

  private take(event: StreamEvent): void {
    if (event.type !== "row") return;
    const row = JSON.parse(event.data) as Row;
    if (row.registration_id === this.registrationId) void this.showCame(row);
  }

  /** A row that is there, whether or not its history can be read: an action that brought it was done. */
  private showCame(row: Row): Promise<void> {
    return this.show(row).catch((error: unknown) => { this.problem = this.problemIn(error); });
  }

  /** What was sent is read again where the row is another one. */
  private async show(row: Row): Promise<void> {
    if (row.registration_id !== this.registrationId || (this.row !== null && row.version < this.row.version)) return;
    const isNew = this.row?.version !== row.version;
    this.row = row;
    if (!isNew && this.attempts !== null) return;
    const { items, next_cursor: cursor } = await this.registration.history(null);
    const shown = this.row as Row | null;
    if (shown?.registration_id !== row.registration_id || shown.version !== row.version) return; // Another one came meanwhile, and reads its own.
    const isLonger = this.attempts !== null && this.attempts.length > items.length && this.attempts[0]?.at === items[0]?.at;
    if (!isLonger) Object.assign(this, { attempts: items, cursor });
  }

  /** For whoever opened it in place; a page of its own sees to that itself. */
  private async focusHeading(): Promise<void> {
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("h2")?.focus();
  }

  protected override render() {
    const { row } = this;
    if (row === null) return this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load() }) : loadingView();
    return html`<div class="stack">
      ${this.headView(row)}
      <section class="stack" aria-labelledby="happened"><h3 id="happened">${t.registration.happened}</h3>
        <ul class="story">${storyOf(row, this.zone).map(({ text, record }) => html`<li>${record ? outward(record.url, text) : text}</li>`)}</ul>
        ${row.is_erased ? nothing : errorView(row, { docsBase: this.docsBase, zone: this.zone, attendeeAddress: "" })}${warningsView(row)}
        ${this.actsView(row)}
        ${failedActionView(this.failedAction, this.docsBase)}
        <p class="small" role="status">${this.announced}</p>
        <p class="small dim">${t.rows.times(zoneName(this.zone))}</p></section>
      ${row.is_erased ? nothing : html`${this.nowView()}${this.historyView()}`}
    </div>${this.question === null ? nothing : questionView(this.question, () => { this.question = null; })}`;
  }

  private headView(row: Row): View {
    const { email, company } = row.attendee;
    return html`<header class="line apart"><div><h2 tabindex="-1">${nameOf(row)}</h2>
        <p class="small dim">${[email, company, row.registration_id].filter(Boolean).join(" · ")}</p></div>${stateView(row)}</header>
      ${silenceView(this.silentSince)}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load() }) : nothing}
      ${attendeeView(row, this.attendeeAddress)}`;
  }

  private actsView(row: Row): View {
    if (row.is_erased) return nothing;
    if (!this.mayChange) return html`<p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`;
    return html`<p class="line">${retryView(row, { mayChange: true, retry: (each) => void this.retry(each) })}
        <button class="plain" @click=${() => this.ask(row)}>${row.is_excluded ? t.registration.include : t.registration.exclude}</button></p>
      ${retriedView(row, this.retried, this.zone)}`;
  }

  private nowView(): View {
    const { preview, rehearsal } = this;
    return html`<section class="stack" aria-labelledby="now"><h3 id="now">${t.registration.now}</h3>
      <p class="line"><button class="quiet" aria-disabled=${this.isLooking ? "true" : "false"} @click=${this.look}>${this.isLooking ? t.registration.looking : t.registration.look}</button><span class="small dim">${t.registration.lookText}</span></p>
      ${preview === null ? nothing : previewView(preview, this.docsBase, this.zone)}
      ${preview === null ? nothing : rehearsal === null ? html`<p><button class="plain" @click=${this.rehearse}>${t.registration.rehearse}</button></p>` : rehearsalView(rehearsal)}</section>`;
  }

  private historyView(): View {
    const { attempts } = this;
    return html`<section class="stack" aria-labelledby="history"><h3 id="history">${t.registration.history}</h3>
      ${attempts === null ? loadingView() : attempts.length === 0 ? html`<p class="dim">${t.registration.noHistory}</p>`
        : html`<ul class="attempts stack">${attempts.map((each) => attemptView(each, this.zone))}</ul>`}
      ${this.cursor === null ? nothing : html`<p><button class="quiet" @click=${this.earlier}>${t.registration.earlier}</button></p>`}
      <p class="small dim">${t.registration.kept}</p></section>`;
  }

  private readonly look = (): Promise<unknown> => this.isLooking ? Promise.resolve() : this.perform(t.notDone.look, async () => {
    this.isLooking = true;
    try {
      Object.assign(this, { preview: await this.registration.preview(), rehearsal: null });
    } finally {
      this.isLooking = false;
    }
  });

  private readonly rehearse = (): Promise<unknown> => this.perform(t.notDone.look, async () => {
    this.rehearsal = await this.registration.rehearse();
  });

  private readonly earlier = (): Promise<unknown> => this.perform(t.notDone.more, async () => {
    const { items, next_cursor: cursor } = await this.registration.history(this.cursor);
    const count = this.attempts?.length ?? 0;
    Object.assign(this, { attempts: [...(this.attempts ?? []), ...items], cursor });
    await this.updateComplete;
    this.renderRoot.querySelectorAll<HTMLElement>(".attempts summary")[count]?.focus();
  });

  private async retry(row: Row): Promise<void> {
    await this.act(t.notDone.retry, async () => {
      const outcome = await this.registration.retry();
      const waits = outcome.waiting_for ? ` ${named(t.failures.waits, outcome.waiting_for, "")}` : "";
      this.announced = outcome.queued > 0 ? t.rows.requeued(nameOf(row)) + waits : t.rows.notQueued;
      if (outcome.queued > 0) this.retried = row.error;
      if (outcome.row) await this.showCame(outcome.row);
    });
  }

  private ask(row: Row): void {
    const name = nameOf(row);
    const isExcluded = row.is_excluded;
    this.question = isExcluded
      ? { heading: t.registration.includeAsk(name), text: t.registration.includeText, confirm: t.registration.includeConfirm, deed: () => void this.setExcluded(false) }
      : { heading: t.registration.excludeAsk(name), text: t.registration.excludeText, confirm: t.registration.excludeConfirm, isBad: true, deed: () => void this.setExcluded(true) };
  }

  private setExcluded(isExcluded: boolean): Promise<void> {
    return this.act(isExcluded ? t.notDone.exclude : t.notDone.include, async () => {
      await this.showCame(await this.registration.setExcluded(isExcluded));
      this.announced = isExcluded ? t.registration.excluded : t.registration.included;
    });
  }

  private async act(notDone: string, deed: () => Promise<void>): Promise<void> {
    if (this.isBusy) return;
    await this.perform(notDone, async () => {
      Object.assign(this, { isBusy: true, announced: "", preview: null, rehearsal: null });
      try {
        await deed();
      } finally {
        this.isBusy = false;
      }
    });
  }
}

define("salesforce-registration", SalesforceRegistration);
