/** `<salesforce-event-sync host-id event-id>`: an event's Salesforce drawer, with its campaign and live figures. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { StreamEvent } from "../api/events";
import { Live } from "../api/live";
import type { Card, Group, LinkShown, Row, Stats } from "../api/schema";
import { named, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
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
    stats: { state: true }, link: { state: true }, card: { state: true }, problem: { state: true },
    chosenState: { state: true }, chosenGroup: { state: true }, busyGroup: { state: true }, isBusy: { state: true },
    rowsVersion: { state: true },
  };

  declare eventId: string;
  /** Where the host's card is; without it nothing links there. */
  declare cardAddress: string;
  private declare stats: Stats | null;
  private declare link: LinkShown | null | undefined;
  private declare card: Card | null;
  private declare problem: ApiProblem | null;
  private declare chosenState: string | null;
  private declare chosenGroup: string | null;
  private declare busyGroup: string | null;
  private declare isBusy: boolean;
  private declare rowsVersion: number;
  private live: Live | null = null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", cardAddress: "", stats: null, link: undefined, card: null, problem: null });
    Object.assign(this, { chosenState: null, chosenGroup: null, busyGroup: null, isBusy: false, rowsVersion: 0 });
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
    Object.assign(this, { stats: null, link: undefined, card: null, problem: null, failedAction: null, chosenState: null, chosenGroup: null });
    if (this.getToken === null || this.hostId === "" || this.eventId === "") return;
    const { stream } = this.api.event(this.hostId, this.eventId);
    this.live = new Live({ poll: () => this.load(), open: stream, take: (event) => this.take(event), silent: this.silent });
    this.live.start();
  }

  private async load(): Promise<boolean> {
    const event = this.api.event(this.hostId, this.eventId);
    try {
      const stats = await event.stats();
      const isConnectionNew = stats.connection_state !== this.stats?.connection_state;
      const isLinkNew = this.link === undefined || stats.is_linked !== (this.link !== null) || isConnectionNew;
      if (this.card === null || isConnectionNew) this.card = await this.api.host(this.hostId).card();
      if (isLinkNew) this.link = await event.link();
      this.show(stats);
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = this.problemIn(error);
      return false;
    }
  }

  private take(event: StreamEvent): void {
    if (this.problem?.isUnreachable) this.problem = null;
    const data: unknown = JSON.parse(event.data);
    switch (event.type) {
      case "stats": this.show(data as Stats); break;
      case "card": this.card = data as Card; break;
      case "link": this.link = data as LinkShown | null; break;
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
    const isDone = before !== null && before.counts.pending > 0 && stats.counts.pending === 0;
    if (isDone) this.announced = t.sync.allDone(stats.counts.synced, stats.counts.failed);
  }

  private get mayChange(): boolean {
    return this.card !== null && this.card.role !== "member";
  }

  protected override render() {
    const { stats, card } = this;
    if (stats === null || card === null) {
      return html`<div class="panel">${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.live?.refresh() }) : loadingView()}</div>`;
    }
    const acts = { mayChange: this.mayChange, busyGroup: this.busyGroup, docsBase: this.docsBase, retry: this.retryGroup, show: this.showGroup };
    return html`<div class="panel stack drawer">
      <section class="stack" aria-labelledby="heading">${this.headView(stats, card)}</section>
      ${this.link === undefined ? nothing : this.campaignView(card, this.link)}
      ${stats.groups.length === 0 ? nothing : failuresView(stats.groups, stats.counts.failed, acts)}
      ${this.missingView()}
      ${this.switchesView()}
      ${this.linksView(this.link ?? null)}
      ${stats.counts.total === 0 ? nothing : this.proofView()}
      ${stats.counts.total === 0 ? nothing : this.rowsView()}
      <p class="sr" role="status">${this.announced}</p>
    </div>`;
  }

  private headView(stats: Stats, card: Card): View {
    const isPaused = stats.event.is_paused;
    return html`<header class="line apart"><div><h2 id="heading">${stats.event.title}</h2><p class="small dim">${t.sync.heading} · ${t.sync.statsHeading}</p></div>
        <button class="quiet" ?disabled=${!this.mayChange || this.isBusy} @click=${() => this.setPause(!isPaused)}>${isPaused ? t.sync.resume : t.sync.pause}</button></header>
      ${silenceView(this.silentSince)}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}
      ${card.reason ? adviceView(card.reason, { tone: card.state === "needs_reconnect" ? "bad" : "wait", docsBase: this.docsBase }) : nothing}
      ${troublesView(card, this.docsBase)}
      ${stats.connection_state === "not_connected" ? html`<div class="note wait"><p><strong>${t.sync.notConnectedTitle}</strong></p><p>${t.sync.notConnectedText}</p></div>` : nothing}
      ${card.state !== "connected" && this.cardAddress ? html`<p><a class="button" href=${this.cardAddress}>${t.card.toCard}</a></p>` : nothing}
      ${isPaused ? html`<p class="note wait">${t.sync.pausedText}</p>` : nothing}
      ${stats.budget?.is_stopped ? html`<p class="note wait">${t.sync.budgetStopped}</p>` : nothing}
      ${failedActionView(this.failedAction, this.docsBase)}
      ${countsView(stats, this.chosenGroup === null ? this.chosenState : null, this.chooseState)}
      ${this.beforeView(stats, card)}
      ${backfillView(stats.backfill)}`;
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
      .eventId=${this.eventId} .link=${link} .mayChange=${this.mayChange} @link-changed=${this.linkChanged}></salesforce-campaign-panel>`;
  }

  private missingView(): View {
    return html`<salesforce-missing .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .cardAddress=${this.cardAddress} .mayChange=${this.mayChange} @rows-changed=${this.refresh}></salesforce-missing>`;
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
      .eventId=${this.eventId} .mayChange=${this.mayChange} @rows-changed=${this.refresh}></salesforce-proof-panel>`;
  }

  private rowsView(): View {
    return html`<salesforce-rows-panel .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .eventId=${this.eventId} .mayChange=${this.mayChange} .state=${this.chosenState} .group=${this.chosenGroup} .version=${this.rowsVersion}
      @rows-changed=${this.refresh} @state-chosen=${(event: CustomEvent<string | null>) => this.chooseState(event.detail)}></salesforce-rows-panel>`;
  }

  private readonly refresh = (): void => {
    void this.live?.refresh();
  };

  private readonly linkChanged = (event: CustomEvent<LinkShown | null>): void => {
    this.link = event.detail;
    this.refresh();
  };

  private readonly chooseState = (state: string | null): void => {
    this.chosenState = state;
    this.chosenGroup = null;
  };

  private readonly showGroup = (group: Group): void => {
    this.chosenState = null;
    this.chosenGroup = group.group_id;
    this.renderRoot.querySelector("salesforce-rows-panel")?.scrollIntoView({ block: "start" });
  };

  private readonly retryGroup = (group: Group): Promise<void> => this.act(t.notDone.retry, async () => {
    this.busyGroup = group.group_id;
    const outcome = await this.api.event(this.hostId, this.eventId).retry({ group_id: group.group_id });
    const waits = outcome.waiting_for ? ` ${named(t.failures.waits, outcome.waiting_for, "")}` : "";
    this.announced = t.failures.queued(outcome.queued, outcome.matched) + waits;
  });

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
        Object.assign(this, { isBusy: false, busyGroup: null });
      }
    });
  }
}

define("salesforce-event-sync", SalesforceEventSync);
