/** The event's registrations: searched, chosen by state or kind of failure, ordered, a page at a time, and live on every page. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { FEWEST_LETTERS, ROWS_A_PAGE, type ApiProblem, type RowSort, type RowsQuery } from "../api/client";
import type { Row } from "../api/schema";
import { named, t } from "../texts";
import { save } from "../ui/download";
import { define, EventshipElement } from "../ui/element";
import { failedActionView, loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { type Retried } from "./retried";
import { nameOf, rowStyle, rowView } from "./row";

const TYPING_MS = 300;
/** A page is asked for again at most so often, and the less often, the longer an answer takes. */
const AGAIN_MS = 1_000;
const AGAIN_FACTOR = 4;
const CHOICES = ["synced", "pending", "failed", "skipped", "attended"] as const;
const ORDERS: readonly RowSort[] = ["failed", "-updated_at", "-registered_at", "name"];

export class RowsPanel extends EventshipElement {
  static override styles = [look, controls, rowStyle, css`
    .filters { display: grid; gap: 0.5em 1em; grid-template-columns: minmax(0, 1fr); align-items: start; }
    @container (min-width: 640px) { .filters { grid-template-columns: minmax(0, 3fr) minmax(0, 1fr) minmax(0, 1.4fr); } }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, mayChange: { attribute: false }, state: {}, group: { attribute: false }, groupTitle: {}, version: { attribute: false },
    hasFailed: { attribute: false }, zone: {}, hrefOf: { attribute: false }, attendeeAddress: {},
    q: { state: true }, order: { state: true }, rows: { state: true }, matched: { state: true }, trail: { state: true }, next: { state: true },
    isNew: { state: true }, problem: { state: true }, retried: { state: true }, isFiling: { state: true },
  };

  declare eventId: string;
  declare mayChange: boolean;
  /** The state whose rows are shown; null shows all. */
  declare state: string | null;
  /** The group of failures whose rows are shown, and what it is called. */
  declare group: string | null;
  declare groupTitle: string;
  /** Rises when rows may have changed: they are asked for again. */
  declare version: number;
  /** Whether anything failed: then that comes first, until the reader chooses another order. */
  declare hasFailed: boolean;
  declare zone: string | undefined;
  /** Where a registration's own page is; null opens it in place. */
  declare hrefOf: ((id: string) => string) | null;
  /** Where the platform shows an attendee, with `{registration_id}` in it; empty where there is no such page. */
  declare attendeeAddress: string;
  private declare q: string;
  private declare order: RowSort | null;
  private declare rows: readonly Row[] | null;
  private declare matched: number | null;
  /** Where the pages up to this one begin; null is the first. */
  private declare trail: readonly (string | null)[];
  private declare next: string | null;
  /** Another search, choice or order was asked for than the one shown, whose pages are none of it. */
  private declare isNew: boolean;
  private declare problem: ApiProblem | null;
  private declare retried: ReadonlyMap<string, Retried>;
  private declare isFiling: boolean;
  private typing: ReturnType<typeof setTimeout> | undefined;
  private later: ReturnType<typeof setTimeout> | undefined;
  private again = 0;
  private asked = 0;
  /** The trail that was asked for last: the reader is on the way there, or there. */
  private heading: readonly (string | null)[] = [null];
  /** The trail that the reader turned to, until its page is there. */
  private turned: readonly (string | null)[] | null = null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", mayChange: false, state: null, group: null, groupTitle: "", version: 0, hasFailed: false, zone: undefined, hrefOf: null, attendeeAddress: "" });
    Object.assign(this, { q: "", order: null, rows: null, matched: null, trail: [null], next: null, isNew: false, problem: null, retried: new Map(), isFiling: false });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.later);
  }

  /** A row that the live stream brought: put in place where it is shown. */
  put(row: Row): void {
    if (!this.rows?.some((each) => each.registration_id === row.registration_id)) return;
    this.rows = this.rows.map((each) => (each.registration_id === row.registration_id && each.version <= row.version ? row : each));
  }

  /** Brings the reader here. */
  show(): void {
    const heading = this.renderRoot.querySelector<HTMLElement>("#heading");
    heading?.focus({ preventScroll: true });
    heading?.scrollIntoView({ block: "start" });
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("eventId")) Object.assign(this, { order: null, retried: new Map() });
    // Once it is chosen, the order stays: rows do not jump because the first one failed.
    if (this.order === null && this.eventId !== "") this.order = this.hasFailed ? "failed" : "-updated_at";
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "eventId", "state", "group", "getToken"].some((name) => changed.has(name))) this.begin();
    else if (changed.has("version")) this.loadLater();
  }

  private get query(): RowsQuery {
    return { states: this.state ? [this.state] : [], groupId: this.group, q: this.q };
  }

  private loadLater(): void {
    const wait = Math.max(0, this.again - Date.now());
    this.later ??= setTimeout(() => {
      this.later = undefined;
      void this.load(this.heading);
    }, wait);
  }

  /** The first page of what is searched, chosen and ordered now. */
  private begin(): void {
    this.isNew = true;
    void this.load([null]);
  }

  /** The page that the last of the trail begins. */
  private async load(trail: readonly (string | null)[]): Promise<void> {
    if (this.getToken === null || this.eventId === "") return;
    this.asked += 1;
    this.heading = trail;
    const turn = this.asked;
    const began = Date.now();
    try {
      const page = await this.api.event(this.hostId, this.eventId).rows(this.query, this.order ?? "-updated_at", trail.at(-1) ?? null);
      this.again = Date.now() + Math.max(AGAIN_MS, AGAIN_FACTOR * (Date.now() - began));
      if (turn !== this.asked) return;
      Object.assign(this, { rows: page.items, matched: page.matched, next: page.next_cursor, trail, isNew: false, problem: null });
      if (trail === this.turned) await this.toFirst();
    } catch (error) {
      if (turn === this.asked) this.problem = this.problemIn(error);
    }
  }

  /** The focus goes to its first row with whichever answer brings the page: rows that change meanwhile have it asked for again. */
  private async turnTo(trail: readonly (string | null)[]): Promise<void> {
    this.turned = trail;
    await this.load(trail);
  }

  private async toFirst(): Promise<void> {
    this.turned = null;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(".rows .name")?.focus();
  }

  private readonly retry = async (row: Row): Promise<void> => {
    const id = row.registration_id;
    const isDone = await this.perform(t.notDone.retry, async () => {
      const outcome = await this.api.event(this.hostId, this.eventId).registration(id).retry();
      if (outcome.queued > 0) this.retried = new Map(this.retried).set(id, row.error);
      if (outcome.row) this.put(outcome.row);
      const waits = outcome.waiting_for ? ` ${named(t.failures.waits, outcome.waiting_for, "")}` : "";
      this.announced = outcome.queued > 0 ? t.rows.requeued(nameOf(row)) + waits : t.rows.notQueued;
    });
    if (!isDone) return;
    this.tell("rows-changed");
    await this.updateComplete;
    const place = this.renderRoot.querySelector(`[data-registration="${CSS.escape(id)}"]`);
    if (!place?.querySelector(".act button")) place?.querySelector<HTMLElement>(".name")?.focus();
  };

  private readonly file = (): Promise<unknown> => this.perform(t.notDone.download, async () => {
    Object.assign(this, { isFiling: true, announced: t.rows.filing });
    try {
      save(await this.api.event(this.hostId, this.eventId).rowsFile(this.query), `registrations-${this.eventId}.csv`);
      this.announced = t.rows.filed;
    } finally {
      this.isFiling = false;
    }
  });

  protected override render() {
    return html`<section class="stack" aria-labelledby="heading">
      <div class="line apart"><h3 id="heading" tabindex="-1">${t.rows.heading}</h3><span class="line">${this.rows ? html`<span class="small dim" data-matched>${t.rows.matched(this.matched)}</span>` : nothing}
        <button class="plain" @click=${this.file} ?disabled=${this.isFiling}>${t.rows.file}</button></span></div>
      ${this.filtersView()}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load(this.heading) }) : nothing}
      ${this.rows ? this.listView(this.rows) : this.problem ? nothing : loadingView()}
      ${this.pagesView()}
      ${failedActionView(this.failedAction, this.docsBase)}
      <p class="small" role="status">${this.announced}</p>
    </section>`;
  }

  private filtersView(): View {
    const isShort = this.q.trim().length === 1;
    const group = this.group === null ? nothing
      : html`<p class="line small"><strong>${t.rows.group(this.groupTitle)}</strong> <button class="plain" @click=${() => this.choose(null)}>${t.rows.clearGroup}</button></p>`;
    return html`<div class="filters">
        <div><input type="search" maxlength="200" aria-label=${t.rows.search} placeholder=${t.rows.search} aria-describedby="short" .value=${this.q} @input=${this.typed}>
          <p id="short" class="small dim" role="status">${isShort ? t.rows.tooShort : nothing}</p></div>
        <select aria-label=${t.rows.filter} @change=${(event: Event) => this.choose((event.target as HTMLSelectElement).value || null)}>
          <option value="" .selected=${this.state === null}>${t.rows.all}</option>
          ${CHOICES.map((state) => html`<option value=${state} .selected=${this.state === state}>${t.sync.states[state]}</option>`)}
        </select>
        <select aria-label=${t.rows.order} @change=${(event: Event) => this.orderBy((event.target as HTMLSelectElement).value as RowSort)}>
          ${ORDERS.map((order) => html`<option value=${order} .selected=${this.order === order}>${t.rows.orders[order]}</option>`)}
        </select></div>${group}`;
  }

  private listView(rows: readonly Row[]): View {
    if (rows.length === 0) return html`<p class="dim">${t.rows.none}</p>`;
    const { mayChange, docsBase, zone, retried, hrefOf, attendeeAddress } = this;
    const acts = { mayChange, docsBase, zone, retried, hrefOf, attendeeAddress, retry: (row: Row) => void this.retry(row), open: (row: Row) => this.tell("registration-opened", row.registration_id) };
    return html`<ul class="rows">${repeat(rows, (row) => row.registration_id, (row) => rowView(row, acts))}</ul>`;
  }

  private pagesView(): View {
    if (this.rows === null || (this.trail.length === 1 && this.next === null)) return nothing;
    const before = (this.trail.length - 1) * ROWS_A_PAGE;
    const next = this.next;
    return html`<nav class="line apart" aria-label=${t.rows.pages}><span class="small dim">${t.rows.page(before + 1, before + this.rows.length, this.matched)}</span><span class="line">
      <button class="quiet" ?disabled=${this.isNew || this.trail.length === 1} @click=${() => this.turnTo(this.trail.slice(0, -1))}>${t.rows.previous}</button>
      <button class="quiet" ?disabled=${this.isNew || next === null} @click=${() => this.turnTo([...this.trail, next])}>${t.rows.next}</button></span></nav>`;
  }

  private choose(state: string | null): void {
    this.tell("state-chosen", state);
    if (this.group !== null) this.show();
  }

  private orderBy(order: RowSort): void {
    this.order = order;
    this.begin();
  }

  private readonly typed = (event: Event): void => {
    const before = this.q.trim();
    this.q = (event.target as HTMLInputElement).value;
    if (![before, this.q.trim()].some((each) => each.length >= FEWEST_LETTERS)) return;
    this.isNew = true;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.begin(), TYPING_MS);
  };
}

define("salesforce-rows-panel", RowsPanel);
