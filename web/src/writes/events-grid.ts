/** Events as rows, switches as columns: one stop of the Tab key, and arrows inside. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { EventRow, Switch } from "../api/schema";
import { momentNamed, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { safeUrl, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { moved, type Place } from "./grid-keys";
import { eventKindName, kindName, kindsOf, switchStyle } from "./kinds";

export const MASTER = "enabled";

/** Take `value` for this switch of the event; null is the host's choice. */
export interface Turned {
  readonly eventId: string;
  readonly what: string;
  readonly value: boolean | null;
}

export class EventsGrid extends EventshipElement {
  static override styles = [look, controls, switchStyle, css`
    .scroll { overflow-x: auto; border-block: 1px solid var(--line); }
    table { border-collapse: collapse; inline-size: 100%; overflow-wrap: normal; }
    th { text-align: start; font-weight: 600; }
    thead th { font-size: 0.8em; color: var(--dim); vertical-align: bottom; line-height: 1.25; }
    th, td { padding: 0.45em 0.5em; vertical-align: top; }
    tbody tr { border-block-start: 1px solid var(--line); }
    tbody tr[aria-selected="true"] { background: var(--soft); }
    .middle { text-align: center; }
    th .small { font-weight: 400; }
    .title { min-inline-size: 11em; max-inline-size: 24em; overflow-wrap: anywhere; }
    @container (min-width: 640px) {
      .scroll { max-block-size: max(30em, 75dvh); overflow: auto; scroll-padding-block-start: 3.5em; }
      .title { min-inline-size: 17em; }
      thead th { position: sticky; inset-block-start: 0; background: var(--paper); z-index: 1; }
    }
    .count { min-inline-size: 9em; }
    button.switch { font-size: 0.85em; }
    button.switch.inherited { border-style: dashed; }
    button.switch.inherited[aria-checked="true"] { background: transparent; border-color: var(--accent); }
    button.switch.inherited[aria-checked="true"]::before { background: var(--accent); }
    [data-cell]:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
    ul.legend { display: flex; flex-wrap: wrap; gap: 0.3em 1.25em; }
    .legend li { display: flex; gap: 0.5em; align-items: center; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    rows: { attribute: false }, picked: { attribute: false }, isAllPicked: { attribute: false }, mayChange: { attribute: false },
    busy: { attribute: false }, eventHref: { attribute: false }, at: { state: true },
  };

  declare rows: readonly EventRow[];
  declare picked: ReadonlySet<string>;
  /** Everything that matches is picked, whatever page it is on. */
  declare isAllPicked: boolean;
  declare mayChange: boolean;
  /** The switch that is being changed. */
  declare busy: Turned | null;
  /** Where an event's own page is; null where there is none. */
  declare eventHref: ((eventId: string) => string) | null;
  private declare at: Place;

  constructor() {
    super();
    Object.assign(this, { rows: [], picked: new Set(), isAllPicked: false, mayChange: false, busy: null, eventHref: null, at: { row: 0, column: 0 } });
  }

  /** The one stop of the Tab key stays on a row that is shown. */
  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("rows") && this.at.row >= this.rows.length) this.at = { row: 0, column: this.at.column };
  }

  private get kinds(): readonly string[] {
    const [first] = this.rows;
    return first ? kindsOf(first.writes).map(([kind]) => kind) : [];
  }

  private get columns(): number {
    return this.kinds.length + 5;
  }

  protected override render() {
    const { kinds } = this;
    return html`<div class="scroll"><table role="grid" aria-label=${t.matrix.heading} aria-multiselectable="true" @keydown=${this.pressed} @focusin=${this.focused}>
        <thead><tr><th scope="col"><span class="sr">${t.matrix.pick}</span></th><th scope="col">${t.matrix.event}</th><th scope="col" class="middle">${t.matrix.enabled}</th>
          ${kinds.map((kind) => html`<th scope="col" class="middle">${kindName(kind)}</th>`)}
          <th scope="col">${t.matrix.campaign}</th><th scope="col">${t.matrix.counts}</th></tr></thead>
        <tbody>${repeat(this.rows, (row) => row.event.id, (row, index) => this.rowView(row, index, kinds))}</tbody></table></div>
      <ul class="legend small dim">
        <li><button class="switch" tabindex="-1" aria-hidden="true" inert aria-checked="true" role="switch"></button>${t.matrix.ownSign}</li>
        <li><button class="switch inherited" tabindex="-1" aria-hidden="true" inert aria-checked="true" role="switch"></button>${t.matrix.inheritedSign}</li>
        <li>${t.matrix.keys}</li></ul>`;
  }

  private rowView(row: EventRow, index: number, kinds: readonly string[]): View {
    const { event, enabled } = row;
    const writes = new Map(kindsOf<Switch>(row.writes));
    const isPicked = this.isAllPicked || this.picked.has(event.id);
    const stop = (column: number): number => (this.at.row === index && this.at.column === column ? 0 : -1);
    const last = kinds.length + 3;
    return html`<tr aria-selected=${isPicked ? "true" : "false"} data-event=${event.id}>
      <td><input type="checkbox" data-cell="${index}:0" tabindex=${stop(0)} aria-label=${t.matrix.pickOf(event.title)} .checked=${isPicked} aria-disabled=${this.mayChange ? nothing : "true"}
        @click=${(click: MouseEvent) => this.clicked(index, click)}></td>
      <th scope="row" class="title">${this.titleView(row, `${index}:1`, stop(1))}</th>
      <td class="middle">${this.switchView(row, MASTER, enabled, `${index}:2`, stop(2))}</td>
      ${kinds.map((kind, place) => {
        const shown = writes.get(kind);
        return html`<td class="middle">${shown ? this.switchView(row, kind, shown, `${index}:${place + 3}`, stop(place + 3)) : nothing}</td>`;
      })}
      <td>${campaignView(row, `${index}:${last}`, stop(last))}</td>
      <td class="count">${countsView(row, `${index}:${last + 1}`, stop(last + 1))}</td>
    </tr>`;
  }

  private titleView({ event, is_paused: isPaused }: EventRow, cell: string, stop: number): View {
    const facts = [event.starts_at ? momentNamed(event.starts_at, event.timezone) : t.matrix.noDate, eventKindName(event.kind), isPaused ? t.matrix.paused : ""];
    const href = this.eventHref?.(event.id) ?? null;
    return html`${href === null
      ? html`<span data-cell=${cell} tabindex=${stop}>${event.title}</span>`
      : html`<a href=${href} data-cell=${cell} tabindex=${stop}>${event.title}</a>`}<div class="small dim">${facts.filter(Boolean).join(" · ")}</div>`;
  }

  private switchView({ event }: EventRow, what: string, { value, from }: Switch, cell: string, stop: number): View {
    const isOwn = from === "event";
    const isBusy = this.busy?.eventId === event.id && this.busy.what === what;
    const name = t.matrix.switchOf(what === MASTER ? t.matrix.enabled : kindName(what), event.title);
    return html`<button class="switch ${isOwn ? "" : "inherited"}" role="switch" type="button" data-cell=${cell} data-what=${what} tabindex=${stop} title=${isOwn ? t.writes.own : t.writes.inherited}
      aria-label=${name} aria-checked=${value ? "true" : "false"} aria-disabled=${this.mayChange ? nothing : "true"} aria-busy=${isBusy ? "true" : nothing}
      @click=${() => this.turn({ eventId: event.id, what, value: !value })}></button>`;
  }

  private turn(turned: Turned): void {
    if (this.mayChange && this.busy === null) this.tell("switch-turned", turned);
  }

  private clicked(index: number, click: MouseEvent): void {
    if (!this.mayChange) {
      click.preventDefault();
      return;
    }
    const from = click.shiftKey ? this.at.row : index;
    const isPicked = (click.target as HTMLInputElement).checked;
    this.pick(this.rows.slice(Math.min(from, index), Math.max(from, index) + 1), isPicked);
  }

  private pick(rows: readonly EventRow[], isPicked: boolean): void {
    if (!this.mayChange) return;
    const ids = new Set(this.isAllPicked ? this.rows.map((row) => row.event.id) : this.picked);
    for (const { event } of rows) ids[isPicked ? "add" : "delete"](event.id);
    this.tell("events-picked", ids);
  }

  private readonly focused = (event: FocusEvent): void => {
    const [row, column] = ((event.target as HTMLElement).dataset["cell"] ?? "").split(":").map(Number);
    if (row !== undefined && column !== undefined) this.at = { row, column };
  };

  private readonly pressed = (event: KeyboardEvent): void => {
    const { at } = this;
    const row = this.rows[at.row];
    if (row === undefined || event.altKey) return;
    const isFar = event.ctrlKey || event.metaKey;
    const to = moved(at, event.key, isFar, this.rows.length, this.columns);
    if (to !== null) {
      if (event.shiftKey && to.row !== at.row) this.pick(this.rows.slice(Math.min(at.row, to.row), Math.max(at.row, to.row) + 1), true);
      void this.focusAt(to);
    } else if (event.key === " " && !(event.target as HTMLElement).matches("button, input")) {
      this.pick([row], !this.isAllPicked && !this.picked.has(row.event.id));
    } else if (event.key === "a" && isFar) {
      this.pick(this.rows, true);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.release(row, event.target as HTMLElement);
    } else {
      return;
    }
    event.preventDefault();
  };

  private release({ event, writes }: EventRow, target: HTMLElement): void {
    const what = target.dataset["what"];
    const shown = kindsOf<Switch>(writes).find(([kind]) => kind === what)?.[1];
    if (what !== undefined && shown?.from === "event") this.turn({ eventId: event.id, what, value: null });
  }

  private async focusAt(at: Place): Promise<void> {
    this.at = at;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-cell="${at.row}:${at.column}"]`)?.focus();
  }
}

function campaignView({ campaign, event }: EventRow, cell: string, stop: number): View {
  const address = campaign ? safeUrl(campaign.url) : null;
  if (campaign === null || address === null) return html`<span class="small dim" data-cell=${cell} tabindex=${stop}>${campaign?.id ?? t.matrix.noCampaign}</span>`;
  return html`<a class="small" href=${address} target="_blank" rel="noopener noreferrer" data-cell=${cell} tabindex=${stop}>${t.matrix.open}<span class="sr">
    ${t.matrix.campaignOf(event.title)} (${t.general.newTab})</span></a>`;
}

function countsView({ counts }: EventRow, cell: string, stop: number): View {
  const more = (["pending", "failed", "skipped"] as const).filter((state) => counts[state] > 0)
    .map((state) => html`<span class=${state === "failed" ? "is-bad" : ""}>${t.number(counts[state])} ${t.sync.states[state].toLocaleLowerCase(t.locale)}</span> `);
  return html`<span data-cell=${cell} tabindex=${stop}>${t.matrix.syncedOf(counts.synced, counts.total)}</span>
    <div class="small dim">${more}${counts.attended > 0 ? html`<span>${t.matrix.attended(counts.attended)}</span>` : nothing}</div>`;
}

define("salesforce-events-grid", EventsGrid);
