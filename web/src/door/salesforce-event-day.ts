/** `<salesforce-event-day host-id event-id>`: for the phone at the door: who is in, and how far that is written. */

import { css, html, nothing, svg, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { StreamEvent } from "../api/events";
import { Live, type HasTold } from "../api/live";
import type { Stats } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { controls, look } from "../ui/styles";
import { loadingView, problemView, type View } from "../ui/views";
import { arrived, passed } from "./minutes";

const TICK_MS = 1_000;
const MINUTE_MS = 60_000;
/** The service says something every five seconds, be it that nothing happened. */
const LATE_S = 12;

export class SalesforceEventDay extends EventshipElement {
  static override styles = [look, controls, css`
    .door { display: grid; gap: 1.25em; min-block-size: min(calc(100dvh - 11rem), 36rem); align-content: space-between; }
    .big { font-size: clamp(4.5rem, 34cqi, 11rem); line-height: 1; font-weight: 700; font-variant-numeric: tabular-nums; letter-spacing: -0.03em; }
    .figures { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.5em; }
    .figures b { display: block; font-size: 1.9em; line-height: 1.2; font-variant-numeric: tabular-nums; color: var(--ink); }
    .chart { inline-size: 100%; block-size: 4.5em; display: block; color: var(--accent); }
    .chart rect { fill: currentColor; }
    .chart .empty { fill: var(--line); }
    .heard { margin-block-start: 0.5em; white-space: normal; }
    @media (orientation: landscape) and (max-height: 30rem) {
      .door { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); min-block-size: 0; gap: 0.75em 1.5em; }
      .big { font-size: clamp(4rem, 18cqi, 8rem); }
    }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: { attribute: "event-id" },
    stats: { state: true }, minutes: { state: true }, heardAt: { state: true }, now: { state: true }, problem: { state: true },
  };

  declare eventId: string;
  private declare stats: Stats | null;
  /** How many came in each of the last minutes, the present one last. */
  private declare minutes: readonly number[];
  private declare heardAt: number | null;
  private declare now: number;
  private declare problem: ApiProblem | null;
  private live: Live | null = null;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private turned = 0;
  private wakeLock: WakeLockSentinel | null = null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", stats: null, minutes: [], heardAt: null, now: Date.now(), problem: null });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.look);
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    void this.stayAwake();
    if (this.hasUpdated) this.restart();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.look);
    clearInterval(this.ticking);
    this.live?.stop();
    this.live = null;
    void this.wakeLock?.release();
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "eventId", "apiBase", "getToken"].some((name) => changed.has(name))) this.restart();
  }

  private restart(): void {
    this.live?.stop();
    Object.assign(this, { stats: null, minutes: [], problem: null });
    if (this.getToken === null || this.hostId === "" || this.eventId === "") return;
    const { stream } = this.api.event(this.hostId, this.eventId);
    this.live = new Live({ poll: (hasTold) => this.load(hasTold), open: stream, take: (event) => this.take(event), silent: (since) => this.hear(since) });
    this.live.start();
  }

  private hear(since: number | null): void {
    if (since === null) this.heardAt = Date.now();
    this.silent(since);
  }

  private async load(hasTold: HasTold): Promise<boolean> {
    const { live } = this;
    const event = this.api.event(this.hostId, this.eventId);
    try {
      const [stats, { minutes }] = await Promise.all([event.stats(), event.checkIns()]);
      if (this.live !== live) return false;
      const newest = (hasTold("stats") ? this.stats : null) ?? stats;
      const since = newest.counts.checked_in - stats.counts.checked_in;
      Object.assign(this, { stats: newest, minutes: arrived(minutes, since), problem: null });
      this.turned = Date.now();
      return true;
    } catch (error) {
      if (this.live === live) this.problem = this.problemIn(error);
      return false;
    }
  }

  private take(event: StreamEvent): void {
    if (event.type !== "stats") return;
    const stats = JSON.parse(event.data) as Stats;
    if (stats.event.id !== this.eventId) return;
    if (this.stats !== null) this.minutes = arrived(this.minutes, stats.counts.checked_in - this.stats.counts.checked_in);
    Object.assign(this, { stats, problem: null });
  }

  private tick(): void {
    this.now = Date.now();
    if (this.turned === 0 || this.now - this.turned < MINUTE_MS) return;
    this.minutes = passed(this.minutes, Math.floor((this.now - this.turned) / MINUTE_MS));
    this.turned = this.now;
    void this.live?.refresh();
  }

  private readonly look = (): void => {
    if (!document.hidden) void this.stayAwake();
  };

  /** A browser that does not know how, or may not, lets the screen go dark as ever. */
  private async stayAwake(): Promise<void> {
    try {
      this.wakeLock = (await (navigator as Partial<Navigator>).wakeLock?.request("screen")) ?? null;
    } catch {
      this.wakeLock = null;
    }
  }

  protected override render() {
    const { stats } = this;
    if (stats === null) return html`<div class="panel">${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.live?.refresh() }) : loadingView()}</div>`;
    const { counts, event } = stats;
    return html`<div class="panel door">
      <section aria-labelledby="title"><h2 id="title" tabindex="-1">${event.title}</h2>
        <p class="big" data-checked-in>${t.number(counts.checked_in)}</p><p>${t.door.checkedIn(counts.total)}</p>${this.heardView()}</section>
      <section class="stack" aria-label=${t.door.perMinute}>${this.chartView()}
        <div class="figures">
          <p class="small is-good"><b data-written>${t.number(counts.attended)}</b>${t.door.written}</p>
          <p class="small is-wait"><b data-waiting>${t.number(counts.pending)}</b>${t.door.waiting}</p>
          <p class="small is-bad"><b data-failed>${t.number(counts.failed)}</b>${t.door.failed}</p></div>
        ${event.is_paused ? html`<p class="note wait">${t.door.paused}</p>` : stats.connection_state === "connected" ? nothing : html`<p class="note wait">${t.door.notConnected}</p>`}</section>
    </div>`;
  }

  private chartView(): View {
    const most = Math.max(1, ...this.minutes);
    const width = 100 / Math.max(1, this.minutes.length);
    const sum = this.minutes.reduce((total, count) => total + count, 0);
    return html`<p class="small dim line apart"><span>${t.door.perMinute}</span><span>${t.door.minute(this.minutes.at(-1) ?? 0)}</span></p>
      <svg class="chart" role="img" aria-label=${t.door.chart(sum, Math.max(0, ...this.minutes))} viewBox="0 0 100 40" preserveAspectRatio="none">${this.minutes.map((count, index) => {
        const height = count === 0 ? 1 : 2 + (count / most) * 38;
        return svg`<rect class=${count === 0 ? "empty" : ""} x=${index * width} y=${40 - height} width=${width * 0.75} height=${height}></rect>`;
      })}</svg>`;
  }

  private heardView(): View {
    const seconds = this.heardAt === null ? 0 : Math.max(0, Math.round((this.now - this.heardAt) / 1_000));
    const isLate = this.silentSince !== null || seconds > LATE_S;
    return html`<p class="heard chip ${isLate ? "is-bad" : "is-good"}" data-heard=${isLate ? "late" : "now"}>${isLate ? t.door.silent(seconds) : t.door.heard(seconds)}</p>
      <p class="sr" role="status">${isLate ? t.general.unreachableTitle : nothing}</p>`;
  }
}

define("salesforce-event-day", SalesforceEventDay);
