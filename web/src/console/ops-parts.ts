/** What the pages of operations share: their look, a table that becomes cards on a phone, and how they keep current. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import { Live } from "../api/live";
import { named, words } from "../texts";
import { EventshipElement } from "../ui/element";
import { failedActionView, loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import "./ops-age";
import "./ops-ask";
import type { Asked } from "./ops-ask";
import { DOCUMENTS } from "./pages";

const EVERY_MS = 5_000;

export const opsLook = css`
  table { border-collapse: collapse; inline-size: 100%; }
  th { text-align: start; font-size: 0.87em; color: var(--dim); }
  th, td { padding: 0.5em 1em 0.5em 0; vertical-align: top; overflow-wrap: break-word; }
  tbody tr { border-block-start: 1px solid var(--line); }
  button, .button, .chip { white-space: normal; overflow-wrap: normal; }
  .chip { align-items: baseline; }
  h2:focus-visible { outline: 3px solid var(--accent); outline-offset: 4px; }
  .number { font-variant-numeric: tabular-nums; }
  .chips { display: flex; flex-wrap: wrap; gap: 0.2em 0.9em; }
  .filter { display: grid; grid-template-columns: repeat(auto-fill, minmax(11em, 1fr)); gap: 0.6em; align-items: end; }
  .filter label { display: grid; gap: 0.2em; font-size: 0.87em; font-weight: 600; }
  .filter :is(input, select) { font-weight: 400; }
  .filter label.pick { display: flex; min-block-size: 2.9em; }
  .facts { display: grid; grid-template-columns: minmax(8em, max-content) minmax(0, 1fr); gap: 0.35em 1.2em; }
  .facts dt { color: var(--dim); }
  .chart { display: block; inline-size: 100%; block-size: 2.2em; min-inline-size: 7em; overflow: visible; }
  .chart.large { block-size: 8em; }
  .chart path, .chart rect { vector-effect: non-scaling-stroke; }
  .chart .received { fill: var(--line); }
  .chart .synced { fill: none; stroke: var(--good); stroke-width: 1.5; }
  .chart .failed { fill: var(--bad); }
  .chart .ground { stroke: var(--line); stroke-width: 1; fill: none; }
  .legend { display: flex; flex-wrap: wrap; gap: 0.2em 1.2em; }
  .legend li { display: flex; gap: 0.45em; align-items: center; }
  .legend span { inline-size: 1em; block-size: 0.7em; border: 1px solid var(--field); }
  .legend .received { background: var(--line); } .legend .synced { background: var(--good); } .legend .failed { background: var(--bad); }
  @media (forced-colors: active) {
    .chart .received { fill: GrayText; } .chart .synced { stroke: CanvasText; } .chart .failed { fill: Highlight; }
  }
  @container (max-width: 40rem) {
    thead { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
    table, tbody, tr, td { display: block; }
    tbody tr { padding-block: 0.7em; }
    td { padding: 0.15em 0; display: grid; grid-template-columns: 7.5em minmax(0, 1fr); gap: 0.75em; align-items: baseline; }
    td::before { content: attr(data-name); color: var(--dim); font-size: 0.87em; }
    td[data-name=""] { grid-template-columns: minmax(0, 1fr); }
    td[data-name=""]::before { content: none; }
    button, .button, input:not([type="checkbox"]), select, summary { min-block-size: 44px; }
    .button { display: inline-flex; align-items: center; justify-content: center; }
    td a, .touch a, .note a { display: inline-flex; align-items: center; min-block-size: 44px; }
    .filter label.pick { min-block-size: 44px; }
    summary { display: list-item; padding-block: 0.6em; }
    .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
    .facts dd { margin-block-end: 0.6em; }
    .panel { padding: 0.9em; }
  }
`;

/** A long code that may break after its underscores and dots, and nowhere inside a word. */
export function breakable(code: string): View {
  return html`${code.split(/(?<=[_.])/).map((part) => html`${part}<wbr>`)}`;
}

/** A column without a name holds what can be done. */
export function tableView(heading: string, columns: readonly string[], rows: readonly (readonly View[])[], empty: string): View {
  if (rows.length === 0) return html`<p class="dim">${empty}</p>`;
  return html`<table role="table" aria-label=${heading}>
    <thead role="rowgroup"><tr role="row">${columns.map((name) => html`<th role="columnheader" scope="col">${name || html`<span class="sr">${words.ops.action}</span>`}</th>`)}</tr></thead>
    <tbody role="rowgroup">${rows.map((cells) => html`<tr role="row">${cells.map((cell, place) => html`<td role="cell" data-name=${columns[place] ?? ""}><span>${cell}</span></td>`)}</tr>`)}</tbody>
  </table>`;
}

export function factsView(facts: readonly (readonly [string, View])[]): View {
  return html`<dl class="facts">${facts.filter(([, fact]) => fact !== "" && fact !== nothing).map(([name, fact]) => html`<dt>${name}</dt><dd>${fact}</dd>`)}</dl>`;
}

const TONES: Readonly<Record<string, string>> = { paused: "is-wait", well: "is-good", disconnected: "is-calm", budget: "is-wait", doubt: "is-wait", access: "is-wait" };

/** A state with a word and a colour; what is not known as harmless is red. */
export function orgChip(state: string): View {
  return html`<span class="chip ${named(TONES, state, "is-bad")}" data-state=${state}>${named(words.ops.orgStates, state, state)}</span>`;
}

const JOB_TONES: Readonly<Record<string, string>> = { failed: "is-bad", synced: "is-good", skipped: "is-calm" };

export function jobChip(state: string): View {
  return html`<span class="chip ${named(JOB_TONES, state, "is-wait")}" data-state=${state}>${named(words.ops.states, state, state)}</span>`;
}

/** A page that asks every few seconds, and says how old its figures are. `item` is what it is about. */
export abstract class OpsPage<Data> extends EventshipElement {
  static override styles = [look, controls, opsLook];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    item: { attribute: false }, ownHosts: { attribute: false }, data: { state: true }, problem: { state: true }, heardAt: { state: true }, asked: { state: true },
  };

  declare item: string | null;
  /** Hosts whose pages in the console the reader may open. */
  declare ownHosts: ReadonlySet<string>;
  protected declare data: Data | null;
  protected declare problem: ApiProblem | null;
  protected declare heardAt: number | null;
  protected declare asked: Asked | null;
  private live: Live | null = null;
  /** Which question an answer belongs to: one of another page or item is of no interest. */
  private turn = 0;

  constructor() {
    super();
    Object.assign(this, { item: null, ownHosts: new Set(), data: null, problem: null, heardAt: null, asked: null });
  }

  protected abstract read(): Promise<Data>;
  protected abstract get heading(): string;
  protected abstract view(data: Data): View;

  override connectedCallback(): void {
    super.connectedCallback();
    // No stream crosses hosts: these pages ask.
    const open = (): Promise<Response> => Promise.resolve(new Response(null, { status: 404 }));
    this.live = new Live({ poll: () => this.load(), open, take: () => undefined, silent: this.silent, every: EVERY_MS });
    this.live.start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.live?.stop();
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("item") && changed.get("item") !== undefined) void this.restart();
  }

  /** Another thing to show: nothing of the last one stays. */
  protected async restart(): Promise<void> {
    this.data = null;
    await this.load();
  }

  protected reload(): Promise<boolean> {
    return this.load();
  }

  private async load(): Promise<boolean> {
    const turn = (this.turn += 1);
    try {
      const data = await this.read();
      if (turn === this.turn) Object.assign(this, { data, problem: null, heardAt: Date.now() });
      return true;
    } catch (error) {
      if (turn === this.turn) this.problem = this.problemIn(error);
      return false;
    }
  }

  protected ask(asked: Asked): void {
    this.asked = asked;
  }

  private readonly answered = (event: CustomEvent<string | null>): void => {
    this.asked = null;
    if (event.detail === null) return;
    this.announced = event.detail;
    this.renderRoot.querySelector<HTMLElement>("h2")?.focus();
    void this.live?.refresh();
  };

  protected override render() {
    return html`<div class="stack">
      <h2 tabindex="-1">${this.heading}</h2>
      ${this.problem ? problemView(this.problem, { docsBase: DOCUMENTS }) : nothing}
      <p class=${this.announced ? "note" : "sr"} role="status">${this.announced}</p>
      ${failedActionView(this.failedAction, DOCUMENTS)}
      ${this.data ? this.view(this.data) : this.problem ? nothing : loadingView()}
      <ops-age .at=${this.heardAt}></ops-age>
    </div>${this.asked ? html`<ops-ask .asked=${this.asked} .getToken=${this.getToken} @answered=${this.answered}></ops-ask>` : nothing}`;
  }
}
