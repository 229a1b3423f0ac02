/** `<salesforce-events host-id>`: what is written of each event of a host, changed one by one or many at once. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { Card, EventRow, EventRows, EventsChanged, EventSettingsShown, EventsFilter, Switch } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { failedActionView, loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import "./events-change";
import type { Which } from "./events-change";
import "./events-grid";
import { MASTER, type Turned } from "./events-grid";
import { EVENT_KINDS, eventKindName, kindName, kindsOf } from "./kinds";

const TYPING_MS = 300;
const PAGE = 100;
/** As many ids as one change takes. */
const MOST_IDS = 500;

interface Filter {
  readonly q: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
}

const EVERYTHING: Filter = { q: "", kind: "", from: "", to: "" };

export class SalesforceEvents extends EventshipElement {
  static override styles = [look, controls, css`
    .filters { display: grid; gap: 0.5em 1em; grid-template-columns: minmax(0, 1fr); align-items: end; }
    @container (min-width: 640px) { .filters { grid-template-columns: minmax(0, 2fr) repeat(3, minmax(0, 1fr)); } }
    .bar { background: var(--soft); border-radius: calc(var(--radius) * 0.7); padding: 0.6em 0.9em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventAddress: { attribute: "event-address" },
    filter: { state: true }, page: { state: true }, trail: { state: true }, picked: { state: true }, isAllPicked: { state: true },
    busy: { state: true }, isChanging: { state: true }, problem: { state: true }, callerRole: { state: true },
  };

  /** Where an event's own page is, with `{event_id}` in it; empty where there is none. */
  declare eventAddress: string;
  private declare filter: Filter;
  private declare page: EventRows | null;
  /** Where the pages up to this one begin; null is the first. */
  private declare trail: readonly (string | null)[];
  private declare picked: ReadonlySet<string>;
  private declare isAllPicked: boolean;
  private declare busy: Turned | null;
  private declare isChanging: boolean;
  private declare problem: ApiProblem | null;
  private declare callerRole: Card["role"] | null;
  private typing: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor() {
    super();
    Object.assign(this, { eventAddress: "", filter: EVERYTHING, page: null, trail: [null], picked: new Set(), isAllPicked: false });
    Object.assign(this, { busy: null, isChanging: false, problem: null, callerRole: null });
  }

  private get mayChange(): boolean {
    return this.callerRole !== null && this.callerRole !== "member";
  }

  protected override updated(changed: PropertyValues): void {
    if (!this.hasNewSource(changed) || this.getToken === null || this.hostId === "") return;
    // What was chosen holds for these events and this filter: another host begins with neither.
    if (changed.has("hostId")) Object.assign(this, { page: null, trail: [null], filter: EVERYTHING, picked: new Set(), isAllPicked: false, isChanging: false, failedAction: null });
    this.callerRole = null;
    void this.load(this.trail);
  }

  /** The page that the last of the trail begins. */
  private async load(trail: readonly (string | null)[]): Promise<void> {
    this.asked += 1;
    const turn = this.asked;
    const host = this.api.host(this.hostId);
    try {
      const callerRole = this.callerRole ?? (await host.card()).role;
      const page = await host.events({ ...this.query, limit: PAGE, cursor: trail.at(-1) ?? null });
      if (turn === this.asked) Object.assign(this, { callerRole, page, trail, problem: null });
    } catch (error) {
      if (turn === this.asked) this.problem = this.problemIn(error);
    }
  }

  protected override render() {
    return html`<section class="panel stack" aria-labelledby="heading">
      <h2 id="heading">${t.matrix.heading}</h2>
      <p class="dim">${t.matrix.intro}</p>
      ${this.filtersView()}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load(this.trail) }) : nothing}
      ${this.page ? this.pageView(this.page) : this.problem ? nothing : loadingView()}
      ${failedActionView(this.failedAction, this.docsBase)}
      <p class="small" role="status">${this.announced}</p>
    </section>
    ${this.isChanging ? this.changeView() : nothing}`;
  }

  private filtersView(): View {
    const { q, kind, from, to } = this.filter;
    const takes = (name: keyof Filter) => (event: Event): void => this.choose({ [name]: (event.target as HTMLInputElement).value }, name === "q");
    return html`<div class="filters">
      <div><label class="name" for="q">${t.matrix.search}</label><input id="q" type="search" maxlength="200" .value=${q} @input=${takes("q")}></div>
      <div><label class="name" for="kind">${t.matrix.kind}</label><select id="kind" @change=${takes("kind")}><option value="" .selected=${kind === ""}>${t.matrix.anyKind}</option>
        ${EVENT_KINDS.map((each) => html`<option value=${each} .selected=${kind === each}>${eventKindName(each)}</option>`)}</select></div>
      <div><label class="name" for="from">${t.matrix.from}</label><input id="from" type="date" .value=${from} @change=${takes("from")}></div>
      <div><label class="name" for="to">${t.matrix.to}</label><input id="to" type="date" .value=${to} @change=${takes("to")}></div></div>
      ${this.isFiltered ? html`<p><button class="plain" @click=${() => this.choose(EVERYTHING, false)}>${t.matrix.clear}</button></p>` : nothing}`;
  }

  private pageView({ items, next_cursor: next }: EventRows): View {
    if (items.length === 0) return html`<p class="dim" role="status">${t.matrix.none}</p>`;
    const before = (this.trail.length - 1) * PAGE;
    return html`${this.mayChange ? this.pickedView(items) : html`<p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`}
      <salesforce-events-grid .rows=${items} .picked=${this.picked} .isAllPicked=${this.isAllPicked} .mayChange=${this.mayChange} .busy=${this.busy}
        .eventHref=${this.eventAddress === "" ? null : this.hrefOf} @events-picked=${(event: CustomEvent<Set<string>>) => this.pick(event.detail)}
        @switch-turned=${(event: CustomEvent<Turned>) => this.turn(event.detail)}></salesforce-events-grid>
      <div class="line apart"><span class="small dim" role="status">${t.matrix.shown(before + 1, before + items.length)}</span><span class="line">
        <button class="quiet" ?disabled=${this.trail.length === 1} @click=${() => this.load(this.trail.slice(0, -1))}>${t.matrix.previous}</button>
        <button class="quiet" ?disabled=${next === null} @click=${() => this.load([...this.trail, next])}>${t.matrix.next}</button></span></div>`;
  }

  private pickedView(items: readonly EventRow[]): View {
    const count = this.picked.size;
    const isNone = count === 0 && !this.isAllPicked;
    const isTooMany = !this.isAllPicked && count > MOST_IDS;
    return html`<div class="bar line apart"><span role="status"><strong>${this.isAllPicked ? t.matrix.pickedAll : t.matrix.picked(count)}</strong>
        ${isTooMany ? html`<br><span class="small">${t.matrix.tooMany(MOST_IDS)}</span>` : nothing}</span>
      <span class="line"><button class="quiet" @click=${() => this.pick(new Set([...this.picked, ...items.map((row) => row.event.id)]))}>${t.matrix.pickPage}</button>
        <button class="quiet" @click=${() => { this.isAllPicked = true; }}>${t.matrix.pickAll}</button>
        <button class="quiet" ?disabled=${isNone} @click=${() => this.pick(new Set())}>${t.matrix.unpick}</button>
        <button ?disabled=${isNone || isTooMany} @click=${() => { this.isChanging = true; }}>${t.matrix.change}</button></span></div>`;
  }

  private changeView(): View {
    const kinds = kindsOf(this.page?.items[0]?.writes ?? {}).map(([kind]) => kind);
    return html`<salesforce-events-change .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase} .which=${this.which} .kinds=${kinds}
      @change-closed=${() => { this.isChanging = false; }} @events-changed=${(event: CustomEvent<EventsChanged>) => this.changed(event.detail)}></salesforce-events-change>`;
  }

  private get isFiltered(): boolean {
    return Object.values(this.filter).some((value) => value !== "");
  }

  private get query(): EventsFilter {
    const { q, kind, from, to } = this.filter;
    return {
      ...(q.trim() === "" ? {} : { q: q.trim() }), ...(kind === "" ? {} : { kind }),
      ...(from === "" ? {} : { from: startOf(from, 0) }), ...(to === "" ? {} : { to: startOf(to, 1) }),
    };
  }

  private get which(): Which {
    if (!this.isAllPicked) return { event_ids: [...this.picked] };
    return Object.keys(this.query).length === 0 ? { all: true } : { filter: this.query };
  }

  private readonly hrefOf = (eventId: string): string => this.eventAddress.replace("{event_id}", encodeURIComponent(eventId));

  /** Another filter is another list: what was chosen of the last one is chosen no more. */
  private choose(wish: Partial<Filter>, isTyping: boolean): void {
    this.filter = { ...this.filter, ...wish };
    this.pick(new Set());
    clearTimeout(this.typing);
    this.typing = setTimeout(() => void this.load([null]), isTyping ? TYPING_MS : 0);
  }

  private pick(picked: ReadonlySet<string>): void {
    Object.assign(this, { picked, isAllPicked: false });
  }

  private async turn(turned: Turned): Promise<void> {
    const { eventId, what, value } = turned;
    await this.perform(t.notDone.change, async () => {
      Object.assign(this, { busy: turned, announced: "" });
      try {
        const wish = what === MASTER ? { enabled: value } : { writes: { [what]: value } };
        const settings = await this.api.event(this.hostId, eventId).setSettings(wish);
        this.show(eventId, settings);
        this.announced = this.saidOf(turned, settings);
      } finally {
        this.busy = null;
      }
    });
  }

  private saidOf({ eventId, what, value }: Turned, { enabled, writes }: EventSettingsShown): string {
    const title = this.page?.items.find((row) => row.event.id === eventId)?.event.title ?? eventId;
    if (what === MASTER) return `${title}: ${enabled.value ? t.writes.turned.eventOn : t.writes.turned.eventOff}`;
    const isOn = kindsOf<Switch>(writes).find(([kind]) => kind === what)?.[1].value ?? false;
    return (value === null ? t.matrix.released : t.matrix.turned)(kindName(what), title, isOn);
  }

  private show(eventId: string, { enabled, writes }: EventSettingsShown): void {
    if (this.page === null) return;
    this.page = { ...this.page, items: this.page.items.map((row) => (row.event.id === eventId ? { ...row, enabled, writes } : row)) };
  }

  private async changed({ changed }: EventsChanged): Promise<void> {
    this.isChanging = false;
    this.pick(new Set());
    await this.load(this.trail);
    this.announced = t.matrix.applied(changed);
  }
}

/** The moment at which a day begins where the reader is, so many days later. */
function startOf(day: string, later: number): string {
  const start = new Date(`${day}T00:00`);
  start.setDate(start.getDate() + later);
  return start.toISOString();
}

define("salesforce-events", SalesforceEvents);
