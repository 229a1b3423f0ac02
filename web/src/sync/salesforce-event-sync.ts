/** `<salesforce-event-sync host-id event-id>`: an event's Salesforce drawer, with its campaign and live figures. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { StreamEvent } from "../api/events";
import { Live, type HasTold } from "../api/live";
import type { Card, Group, LinkShown, Row, Stats } from "../api/schema";
import { momentNamed, named, t, zoneOf } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { questionView, type Question } from "../ui/question";
import { untilLoaded } from "../ui/load";
import { adviceView, failedActionView, loadingView, problemView, silenceView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import "../card/missing";
import { troublesView } from "../card/troubles";
import { backfillView } from "./backfill";
import "./campaign-panel";
import "../writes/event-switches";
import { countsStyle, countsView } from "./counts";
import { failuresStyle, failuresView } from "./failures";
import "./links-panel";
import type { RetriedGroup } from "./retried";
import "./proof-panel";
import "./rows-panel";
import type { RowsPanel } from "./rows-panel";

export class SalesforceEventSync extends EventshipElement {
  static override styles = [look, controls, countsStyle, failuresStyle, css`
    .drawer { gap: 1.5em; }
    .drawer > * + * { border-block-start: 1px solid var(--line); padding-block-start: 1.25em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: { attribute: "event-id" }, cardAddress: { attribute: "card-address" },
    registrationAddress: { attribute: "registration-address" }, attendeeAddress: { attribute: "attendee-address" }, doorAddress: { attribute: "door-address" },
    stats: { state: true }, link: { state: true }, card: { state: true }, problem: { state: true },
    chosenState: { state: true }, chosenGroup: { state: true }, retried: { state: true }, question: { state: true }, openId: { state: true }, isBusy: { state: true },
    rowsVersion: { state: true },
  };

  declare eventId: string;
  /** Where the host's card is; without it nothing links there. */
  declare cardAddress: string;
  /** Where a registration's own page is, with `{registration_id}` in it; empty opens it in place. */
  declare registrationAddress: string;
  /** Where the platform shows an attendee, with `{registration_id}` in it; empty where there is no such page. */
  declare attendeeAddress: string;
  /** Where the page for the door is; empty where there is none. */
  declare doorAddress: string;
  private declare stats: Stats | null;
  private declare link: LinkShown | null | undefined;
  private declare card: Card | null;
  private declare problem: ApiProblem | null;
  private declare chosenState: string | null;
  private declare chosenGroup: Group | null;
  private declare retried: ReadonlyMap<string, RetriedGroup>;
  private declare question: Question | null;
  /** The registration that is open in place of the drawer. */
  private declare openId: string | null;
  private declare isBusy: boolean;
  private declare rowsVersion: number;
  private live: Live | null = null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", cardAddress: "", registrationAddress: "", attendeeAddress: "", doorAddress: "", retried: new Map(), question: null, openId: null });
    Object.assign(this, { stats: null, link: undefined, card: null, problem: null, chosenState: null, chosenGroup: null, isBusy: false, rowsVersion: 0 });
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
    if (this.hasNewSource(changed) || changed.has("eventId")) this.restart();
  }

  private restart(): void {
    this.live?.stop();
    Object.assign(this, { stats: null, link: undefined, card: null, problem: null, failedAction: null, chosenState: null, chosenGroup: null, retried: new Map(), question: null, openId: null });
    if (this.getToken === null || this.hostId === "" || this.eventId === "") return;
    const { stream } = this.api.event(this.hostId, this.eventId);
    this.live = new Live({ poll: (hasTold) => this.load(hasTold), open: stream, take: (event) => this.take(event), silent: this.silent });
    this.live.start();
  }

  /** What comes when another event is shown by now is dropped. */
  private async load(hasTold: HasTold): Promise<boolean> {
    const { live } = this;
    const event = this.api.event(this.hostId, this.eventId);
    try {
      const stats = await event.stats();
      if (this.live !== live) return false;
      const isConnectionNew = stats.connection_state !== this.stats?.connection_state;
      const isLinkNew = this.link === undefined || stats.is_linked !== (this.link !== null) || isConnectionNew;
      const card = this.card === null || isConnectionNew ? await this.api.host(this.hostId).card() : null;
      if (this.live !== live) return false;
      if (!hasTold("card")) this.card = card ?? this.card;
      const link = isLinkNew ? await event.link() : null;
      if (this.live !== live) return false;
      if (isLinkNew && !hasTold("link")) this.takeLink(link);
      if (!hasTold("stats")) this.show(stats);
      this.problem = null;
      return true;
    } catch (error) {
      if (this.live === live) this.problem = this.problemIn(error);
      return false;
    }
  }

  private take(event: StreamEvent): void {
    if (this.problem?.isUnreachable) this.problem = null;
    const data: unknown = JSON.parse(event.data);
    switch (event.type) {
      case "stats": this.show(data as Stats); break;
      case "card": this.card = data as Card; break;
      case "link": this.takeLink(data as LinkShown | null); break;
      case "row": this.renderRoot.querySelector<RowsPanel>("salesforce-rows-panel")?.put(data as Row); break;
      default: // A newer service may say more.
    }
  }

  private show(stats: Stats): void {
    if (stats.event.id !== this.eventId) return;
    const before = this.stats;
    this.stats = stats;
    const hasChanged = before === null || JSON.stringify(before.counts) !== JSON.stringify(stats.counts) || before.version !== stats.version;
    if (hasChanged) this.rowsVersion += 1;
    if (hasChanged && before !== null) this.tell("salesforce-rows-changed", { ...this.place, counts: stats.counts });
    const isDone = before !== null && before.counts.pending > 0 && stats.counts.pending === 0;
    if (isDone) this.announced = t.sync.allDone(stats.counts.synced, stats.counts.failed);
  }

  private takeLink(link: LinkShown | null): void {
    const before = this.link;
    this.link = link;
    const campaignId = link?.campaign.id ?? null;
    if (before !== undefined && (before?.campaign.id ?? null) !== campaignId) this.tell("salesforce-link-changed", { ...this.place, campaignId });
  }

  /** Whose rows and link the page is told of. */
  private get place() {
    return { hostId: this.hostId, eventId: this.eventId };
  }

  private get zone(): string | undefined {
    return this.stats === null ? undefined : zoneOf(this.stats.event.timezone);
  }

  private get mayChange(): boolean {
    return this.card !== null && this.card.role !== "member";
  }

  protected override render() {
    const { stats, card } = this;
    if (stats === null || card === null) {
      return html`<div class="panel">${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.live?.refresh() }) : loadingView()}</div>`;
    }
    if (this.openId !== null) return this.registrationView(this.openId, stats);
    const acts = { mayChange: this.mayChange, docsBase: this.docsBase, zone: this.zone, retried: this.retried, retry: this.retryGroups, show: this.showGroup };
    return html`<div class="panel stack drawer">
      <section class="stack" aria-labelledby="heading">${this.headView(stats, card)}</section>
      ${this.link === undefined ? nothing : this.campaignView(card, this.link)}
      ${stats.groups.length === 0 ? nothing : failuresView(stats.groups, stats.counts.failed, acts)}
      ${this.missingView()}
      ${this.switchesView()}
      ${this.linksView(this.link ?? null)}
      ${stats.counts.total === 0 ? nothing : this.proofView()}
      ${stats.counts.total === 0 ? nothing : this.rowsView(stats)}
      <p class="sr" role="status">${this.announced}</p>
    </div>${this.question === null ? nothing : questionView(this.question, () => { this.question = null; })}`;
  }

  private headView(stats: Stats, card: Card): View {
    const isPaused = stats.event.is_paused;
    return html`<header class="line apart"><div><h2 id="heading">${stats.event.title}</h2><p class="small dim">${[stats.event.starts_at && momentNamed(stats.event.starts_at, stats.event.timezone), t.sync.heading, t.sync.statsHeading].filter(Boolean).join(" · ")}</p></div>
        <span class="line">${!this.doorAddress ? nothing : html`<a href=${this.doorAddress}>${t.sync.door} ›</a>`}
        <button class="quiet" ?disabled=${!this.mayChange || this.isBusy} @click=${() => this.setPause(!isPaused)}>${isPaused ? t.sync.resume : t.sync.pause}</button></span></header>
      ${silenceView(this.silentSince)}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}
      ${card.reason ? adviceView(card.reason, { tone: card.state === "needs_reconnect" ? "bad" : "wait", docsBase: this.docsBase }) : nothing}
      ${troublesView(card, this.docsBase, this.zone)}
      ${stats.connection_state === "not_connected" ? html`<div class="note wait"><p><strong>${t.sync.notConnectedTitle}</strong></p><p>${t.sync.notConnectedText}</p></div>` : nothing}
      ${card.state !== "connected" && this.cardAddress ? html`<p><a class="button" href=${this.cardAddress}>${t.card.toCard}</a></p>` : nothing}
      ${isPaused ? html`<p class="note wait">${t.sync.pausedText}</p>` : nothing}
      ${stats.budget?.is_stopped ? html`<p class="note wait">${t.sync.budgetStopped}</p>` : nothing}
      ${failedActionView(this.failedAction, this.docsBase)}
      ${countsView(stats, this.chosenGroup === null ? this.chosenState : null, this.chooseState)}
      ${this.beforeView(stats, card)}
      ${backfillView(stats.backfill, {
        mayChange: this.mayChange, mayStart: card.state === "connected" && stats.counts.total > 0, zone: this.zone, start: this.askStart, cancel: this.askCancel,
      })}`;
  }

  private registrationView(id: string, stats: Stats): View {
    return html`<div class="panel stack"><p><button class="plain" @click=${this.closeRegistration}>‹ ${t.registration.back(stats.event.title)}</button></p>
      <salesforce-registration .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase} .eventId=${this.eventId} .registrationId=${id}
        .attendeeAddress=${this.attendeeAddress} .version=${this.rowsVersion}></salesforce-registration></div>`;
  }

  private beforeView(stats: Stats, card: Card): View {
    const count = stats.skipped_because.before_connection;
    const isRunning = stats.backfill?.state === "running" || stats.backfill?.state === "paused";
    if (count === 0 || card.state !== "connected" || !this.mayChange || isRunning) return nothing;
    return html`<p><button class="quiet" data-write-before ?disabled=${this.isBusy} @click=${() => this.writeBefore(count)}>${t.sync.beforeWrite(count)}</button></p>`;
  }

  private campaignView(card: Card, link: LinkShown | null): View {
    if (link === null && card.state !== "connected") return html`<section class="stack"><h3>${t.campaign.heading}</h3><p class="dim">${t.campaign.afterConnecting}</p></section>`;
    return html`<salesforce-campaign-panel .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .link=${link} .mayChange=${this.mayChange} .zone=${this.zone} @link-changed=${this.linkChanged}></salesforce-campaign-panel>`;
  }

  private missingView(): View {
    return html`<salesforce-missing .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .cardAddress=${this.cardAddress} .mayChange=${this.mayChange} .zone=${this.zone} @rows-changed=${this.refresh}></salesforce-missing>`;
  }

  private switchesView(): View {
    return html`<salesforce-event-switches .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .mayChange=${this.mayChange} @settings-changed=${this.refresh}></salesforce-event-switches>`;
  }

  private linksView(link: LinkShown | null): View {
    return html`<salesforce-links-panel .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .campaignId=${link?.campaign.id ?? null} .mayChange=${this.mayChange}></salesforce-links-panel>`;
  }

  private proofView(): View {
    return html`<salesforce-proof-panel .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .mayChange=${this.mayChange} .zone=${this.zone} @rows-changed=${this.refresh}></salesforce-proof-panel>`;
  }

  private rowsView({ counts }: Stats): View {
    const group = this.chosenGroup;
    return html`<salesforce-rows-panel .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .mayChange=${this.mayChange} .state=${this.chosenState} .group=${group?.group_id ?? null} .groupTitle=${group === null ? "" : `${group.title} (${group.error_code})`}
      .version=${this.rowsVersion} .hasFailed=${counts.failed > 0} .zone=${this.zone} .attendeeAddress=${this.attendeeAddress} .hrefOf=${this.registrationAddress ? this.hrefOf : null}
      @registration-opened=${this.openRegistration} @rows-changed=${this.refresh} @state-chosen=${(event: CustomEvent<string | null>) => this.chooseState(event.detail)}></salesforce-rows-panel>`;
  }

  private readonly refresh = (): void => {
    void this.live?.refresh();
  };

  private readonly linkChanged = (event: CustomEvent<LinkShown | null>): void => {
    this.takeLink(event.detail);
    this.refresh();
  };

  private readonly chooseState = (state: string | null): void => {
    this.chosenState = state;
    this.chosenGroup = null;
  };

  private readonly hrefOf = (id: string): string => this.registrationAddress.replace("{registration_id}", encodeURIComponent(id));

  private get rowsPanel(): RowsPanel | null {
    return this.renderRoot.querySelector<RowsPanel>("salesforce-rows-panel");
  }

  /** Its element is loaded with the first one that is opened. */
  private readonly openRegistration = async (event: CustomEvent<string>): Promise<void> => {
    await untilLoaded(() => import("./salesforce-registration"));
    this.openId = event.detail;
  };

  private readonly closeRegistration = async (): Promise<void> => {
    this.openId = null;
    await this.updateComplete;
    await this.rowsPanel?.updateComplete;
    this.rowsPanel?.show();
  };

  private readonly showGroup = (group: Group): void => {
    Object.assign(this, { chosenState: null, chosenGroup: group });
    this.rowsPanel?.show();
  };

  /** One group, or all of them at once; what comes of it is said beside each. */
  private readonly retryGroups = (groups: readonly Group[]): Promise<void> => this.act(t.notDone.retry, async () => {
    const [only, ...others] = groups;
    const filter = only !== undefined && others.length === 0 ? { group_id: only.group_id } : { all: true };
    const { queued, matched, waiting_for: why } = await this.api.event(this.hostId, this.eventId).retry(filter);
    const said = t.failures.queued(queued, matched) + (why ? ` ${named(t.failures.waits, why, "")}` : "");
    this.announced = said;
    this.retried = new Map([...this.retried, ...groups.map(({ group_id: id, last_at: lastAt }) => [id, { lastAt, said }] as const)]);
  });

  private readonly askStart = (): void => {
    this.question = { heading: t.sync.backfillAsk, text: t.sync.backfillText, confirm: t.sync.backfillConfirm, deed: () => void this.startBackfill() };
  };

  private readonly askCancel = (): void => {
    this.question = { heading: t.sync.backfillCancelAsk, text: t.sync.backfillCancelText, confirm: t.sync.backfillCancelConfirm, deed: () => void this.cancelBackfill() };
  };

  private startBackfill(): Promise<void> {
    return this.act(t.notDone.backfill, async () => {
      const { total } = await this.api.event(this.hostId, this.eventId).startBackfill("request");
      this.announced = t.sync.backfillStarted(total);
    });
  }

  private cancelBackfill(): Promise<void> {
    return this.act(t.notDone.cancel, async () => {
      await this.api.event(this.hostId, this.eventId).cancelBackfill();
      this.announced = t.sync.backfillCancelled;
    });
  }

  private writeBefore(count: number): Promise<void> {
    return this.act(t.notDone.backfill, async () => {
      await this.api.event(this.hostId, this.eventId).startBackfill("before_connection");
      this.announced = t.sync.beforeStarted(count);
    });
  }

  private setPause(isPaused: boolean): Promise<void> {
    return this.act(isPaused ? t.notDone.pause : t.notDone.resume, async () => {
      this.show(await this.api.event(this.hostId, this.eventId).setPause(isPaused));
    });
  }

  private async act(notDone: string, deed: () => Promise<void>): Promise<void> {
    await this.perform(notDone, async () => {
      this.isBusy = true;
      try {
        await deed();
        this.refresh();
      } finally {
        this.isBusy = false;
      }
    });
  }
}

define("salesforce-event-sync", SalesforceEventSync);
