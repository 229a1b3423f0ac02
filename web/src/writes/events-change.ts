/** A change of many events: what to change, a try that changes nothing, then the change itself. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem } from "../api/client";
import type { EventRow, EventsChanged, EventsToSet, Switch } from "../api/schema";
import { t } from "../texts";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { MASTER } from "./events-grid";
import { kindName, kindsOf } from "./kinds";

/** Which events: their ids, a filter, or all. */
export type Which = Pick<EventsToSet, "event_ids" | "filter" | "all">;
type Wish = ReadonlyMap<string, boolean | null>;

const CHOICES: Readonly<Record<string, boolean | null>> = { on: true, off: false, host: null };

export class EventsChange extends EventshipElement {
  static override styles = [look, controls, css`
    .fields { display: grid; gap: 0.6em 1em; grid-template-columns: repeat(auto-fit, minmax(11em, 1fr)); }
    li + li { border-block-start: 1px solid var(--line); }
    li { padding-block: 0.35em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    which: { attribute: false }, kinds: { attribute: false },
    wish: { state: true }, tried: { state: true }, problem: { state: true }, busy: { state: true },
  };

  declare which: Which;
  declare kinds: readonly string[];
  private declare wish: Wish;
  private declare tried: EventsChanged | null;
  private declare problem: ApiProblem | null;
  private declare busy: "try" | "apply" | null;

  constructor() {
    super();
    Object.assign(this, { which: {}, kinds: [], wish: new Map(), tried: null, problem: null, busy: null });
  }

  protected override render() {
    const count = this.which.event_ids?.length ?? null;
    return html`<eventship-dialog heading=${t.matrix.changeHeading(count)} @closed=${() => this.tell("change-closed")}><div class="stack">
      <p class="small dim">${t.matrix.changeIntro}</p>
      <div class="fields">${[MASTER, ...this.kinds].map((what) => this.fieldView(what))}</div>
      <p class="line"><button class="quiet" ?disabled=${this.wish.size === 0 || this.busy !== null} @click=${() => this.send(true)}>${this.busy === "try" ? t.matrix.trying : t.matrix.tryOut}</button>
        ${this.tried && this.tried.changed > 0
          ? html`<button ?disabled=${this.busy !== null} @click=${() => this.send(false)}>${this.busy === "apply" ? t.matrix.applying : t.matrix.apply(this.tried.changed)}</button>` : nothing}</p>
      <div class="stack" role="status">${this.tried ? this.triedView(this.tried) : nothing}</div>
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}
    </div></eventship-dialog>`;
  }

  private fieldView(what: string): View {
    const chosen = this.wish.has(what) ? this.wish.get(what) : undefined;
    const options = what === MASTER ? (["on", "off"] as const) : (["on", "off", "host"] as const);
    return html`<div><label class="name" for=${what}>${nameOf(what)}</label><select id=${what} @change=${(event: Event) => this.choose(what, (event.target as HTMLSelectElement).value)}>
      <option value="" .selected=${chosen === undefined}>${t.matrix.leave}</option>
      ${options.map((option) => html`<option value=${option} .selected=${chosen === CHOICES[option]}>${t.matrix[option]}</option>`)}</select></div>`;
  }

  private triedView({ matched, changed, unchanged, unknown, sample }: EventsChanged): View {
    return html`<p><strong>${t.matrix.wouldChange(changed, matched)}</strong> ${t.matrix.unchanged(unchanged)} ${t.matrix.unknown(unknown)}</p>
      ${sample.length === 0 ? nothing : html`<details><summary>${t.matrix.sample}</summary><ul>${sample.map((row) => html`<li><strong>${row.event.title}</strong>
        <div class="small dim">${this.statesOf(row)}</div></li>`)}</ul></details>`}`;
  }

  /** What would hold for the event, of what is to be changed. */
  private statesOf(row: EventRow): string {
    const shown = new Map<string, Switch>([[MASTER, row.enabled], ...kindsOf<Switch>(row.writes)]);
    return [...this.wish.keys()].map((what) => `${nameOf(what)}: ${shown.get(what)?.value ? t.writes.isOn : t.writes.isOff}`).join(", ");
  }

  private choose(what: string, option: string): void {
    const wish = new Map(this.wish);
    if (option === "") wish.delete(what);
    else wish.set(what, CHOICES[option] ?? null);
    Object.assign(this, { wish, tried: null, problem: null });
  }

  private async send(isTry: boolean): Promise<void> {
    Object.assign(this, { busy: isTry ? "try" : "apply", problem: null });
    const { [MASTER]: enabled, ...writes } = Object.fromEntries(this.wish);
    const set = { ...(enabled === undefined ? {} : { enabled }), ...(Object.keys(writes).length === 0 ? {} : { writes }) };
    try {
      const outcome = await this.api.host(this.hostId).changeEvents({ ...this.which, set, dry_run: isTry });
      if (isTry) this.tried = outcome;
      else this.tell("events-changed", outcome);
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.busy = null;
    }
  }
}

function nameOf(what: string): string {
  return what === MASTER ? t.matrix.enabled : kindName(what);
}

define("salesforce-events-change", EventsChange);
