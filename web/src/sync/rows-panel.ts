/** The event's registrations: searched, chosen by state or kind of failure, a page at a time, each with Retry. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { ApiProblem } from "../api/client";
import type { Row } from "../api/schema";
import { named, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { nameOf, rowStyle, rowView } from "./row";

const TYPING_MS = 300;
const CHOICES = ["synced", "pending", "failed", "skipped", "attended"] as const;

export class RowsPanel extends EventshipElement {
  static override styles = [look, controls, rowStyle, css`
    .filters { display: grid; gap: 0.5em 1em; grid-template-columns: minmax(0, 1fr); }
    @container (min-width: 640px) { .filters { grid-template-columns: minmax(0, 3fr) minmax(0, 1fr); } }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, mayChange: { attribute: false }, state: {}, group: { attribute: false }, version: { attribute: false },
    q: { state: true }, rows: { state: true }, matched: { state: true }, cursor: { state: true },
    problem: { state: true }, busyId: { state: true }, isLoadingMore: { state: true },
  };

  declare eventId: string;
  declare mayChange: boolean;
  /** The state whose rows are shown; null shows all. */
  declare state: string | null;
  /** The group of failures whose rows are shown. */
  declare group: string | null;
  /** Rises when rows may have changed: they are asked for again. */
  declare version: number;
  private declare q: string;
  private declare rows: readonly Row[] | null;
  private declare matched: number | null;
  private declare cursor: string | null;
  private declare problem: ApiProblem | null;
  private declare busyId: string | null;
  private declare isLoadingMore: boolean;
  private typing: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor() {
    super();
    Object.assign(this, { eventId: "", mayChange: false, state: null, group: null, version: 0, q: "", rows: null, matched: null });
    Object.assign(this, { cursor: null, problem: null, busyId: null, isLoadingMore: false });
  }

  /** A row that the live stream brought: put in place where it is shown. */
  put(row: Row): void {
    if (!this.rows?.some((each) => each.registration_id === row.registration_id)) return;
    this.rows = this.rows.map((each) => (each.registration_id === row.registration_id && each.version <= row.version ? row : each));
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "eventId", "state", "group", "getToken"].some((name) => changed.has(name))) void this.load(true);
    else if (changed.has("version")) void this.load(false);
  }

  private get query() {
    return { states: this.state ? [this.state] : [], groupId: this.group, q: this.q };
  }

  /** The first page; when only figures changed, a list that was continued stays as it is. */
  private async load(isOther: boolean): Promise<void> {
    if (this.getToken === null || this.eventId === "") return;
    if (!isOther && (this.rows?.length ?? 0) > 25) return;
    this.asked += 1;
    const turn = this.asked;
    try {
      const page = await this.api.event(this.hostId, this.eventId).rows({ ...this.query, cursor: null });
      if (turn !== this.asked) return;
      Object.assign(this, { rows: page.items, matched: page.matched, cursor: page.next_cursor, problem: null });
    } catch (error) {
      if (turn === this.asked) this.problem = this.problemIn(error);
    }
  }

  private readonly loadMore = async (): Promise<void> => {
    this.isLoadingMore = true;
    try {
      const page = await this.api.event(this.hostId, this.eventId).rows({ ...this.query, cursor: this.cursor });
      const known = new Set(this.rows?.map((row) => row.registration_id));
      this.rows = [...(this.rows ?? []), ...page.items.filter((row) => !known.has(row.registration_id))];
      this.cursor = page.next_cursor;
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.isLoadingMore = false;
    }
  };

  private readonly retry = async (row: Row): Promise<void> => {
    this.busyId = row.registration_id;
    try {
      const outcome = await this.api.event(this.hostId, this.eventId).retryRow(row.registration_id);
      if (outcome.row) this.put(outcome.row);
      const waits = outcome.waiting_for ? ` ${named(t.failures.waits, outcome.waiting_for, "")}` : "";
      this.announced = outcome.queued > 0 ? t.rows.requeued(nameOf(row)) + waits : t.rows.notQueued;
      this.problem = null;
      this.tell("rows-changed");
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.busyId = null;
    }
  };

  protected override render() {
    return html`<section class="stack" aria-labelledby="heading">
      <div class="line apart"><h3 id="heading">${t.rows.heading}</h3>${this.rows ? html`<span class="small dim">${t.rows.matched(this.matched)}</span>` : nothing}</div>
      ${this.filtersView()}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load(true) }) : nothing}
      ${this.rows ? this.listView(this.rows) : this.problem ? nothing : loadingView()}
      ${this.cursor ? html`<p><button class="quiet" ?disabled=${this.isLoadingMore} @click=${this.loadMore}>${t.rows.more}</button></p>` : nothing}
      <p class="small" role="status">${this.announced}</p>
    </section>`;
  }

  private filtersView(): View {
    return html`<div class="filters">
        <input type="search" aria-label=${t.rows.search} placeholder=${t.rows.search} .value=${this.q} @input=${this.typed}>
        <select aria-label=${t.rows.filter} @change=${(event: Event) => this.choose((event.target as HTMLSelectElement).value || null)}>
          <option value="" .selected=${this.state === null}>${t.rows.all}</option>
          ${CHOICES.map((state) => html`<option value=${state} .selected=${this.state === state}>${t.sync.states[state]}</option>`)}
        </select></div>
      ${this.group === null ? nothing : html`<p class="line small">${t.rows.group} <button class="plain" @click=${() => this.choose(null)}>${t.rows.clearGroup}</button></p>`}`;
  }

  private listView(rows: readonly Row[]): View {
    if (rows.length === 0) return html`<p class="dim">${t.rows.none}</p>`;
    const acts = { mayChange: this.mayChange, busyId: this.busyId, docsBase: this.docsBase, retry: this.retry };
    return html`<ul class="rows">${repeat(rows, (row) => row.registration_id, (row) => rowView(row, acts))}</ul>`;
  }

  private choose(state: string | null): void {
    this.tell("state-chosen", state);
  }

  private readonly typed = (event: Event): void => {
    this.q = (event.target as HTMLInputElement).value;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => void this.load(true), TYPING_MS);
  };
}

define("salesforce-rows-panel", RowsPanel);
