/** One registration beside its future records, by rules that are not saved. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem, MappingApi } from "../api/client";
import type { FieldExample, MappingExample, MappingGiven, RecordExample, Registrants, ValueGiven } from "../api/schema";
import { day, named, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { controls, look } from "../ui/styles";
import { loadingView, type View } from "../ui/views";

const PAUSE_MS = 400;
/** So many of an attendee's other values stand open. */
const SHOWN = 6;

/** An example, and the mapping that it was made of; null where none could be made of it. */
export interface ExampleMade {
  readonly example: MappingExample | null;
  readonly given: MappingGiven;
}

export class MappingExamplePanel extends EventshipElement {
  static override styles = [look, controls, css`
    .sides { display: grid; gap: 1em; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); align-items: start; }
    @container (max-width: 40rem) { .sides { grid-template-columns: minmax(0, 1fr); } }
    dl { display: grid; gap: 0.5em; }
    dd { margin: 0; }
    .record { border: 1px solid var(--line); border-radius: var(--radius); padding: 0.8em 1em; }
    .record dl > div[data-change]:not([data-change="same"]) { border-inline-start: 4px solid var(--accent); padding-inline-start: 0.6em; }
    s { color: var(--dim); }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    mapping: { attribute: false }, given: { attribute: false },
    example: { state: true }, problem: { state: true }, isBusy: { state: true }, people: { state: true }, q: { state: true },
  };

  declare mapping: MappingApi | null;
  /** What would be saved now. */
  declare given: MappingGiven | null;
  private declare example: MappingExample | null;
  private declare problem: ApiProblem | null;
  private declare isBusy: boolean;
  /** The people to choose from; null while nobody chooses. */
  private declare people: Registrants | null;
  private declare q: string;
  private chosen: string | null = null;
  private timer = 0;
  /** Which question an answer belongs to: a late one is of no interest. */
  private turn = 0;

  constructor() {
    super();
    Object.assign(this, { mapping: null, given: null, example: null, problem: null, isBusy: false, people: null, q: "" });
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("given")) this.later(this.example === null ? 0 : PAUSE_MS, this.read);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  private later(ms: number, deed: () => Promise<void>): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void deed(), ms);
  }

  private readonly read = async (): Promise<void> => {
    if (this.mapping === null || this.given === null) return;
    const turn = ++this.turn;
    const { given } = this;
    this.isBusy = true;
    try {
      const example = await this.mapping.preview({ mapping: given, registration_id: this.chosen });
      if (turn !== this.turn) return;
      Object.assign(this, { example, problem: null });
      this.chosen = example.registration?.registration_id ?? null;
      this.tell("example-made", { example, given } satisfies ExampleMade);
    } catch (error) {
      if (turn !== this.turn) return;
      this.problem = this.problemIn(error);
      this.tell("example-made", { example: null, given } satisfies ExampleMade);
    } finally {
      if (turn === this.turn) this.isBusy = false;
    }
  };

  private readonly find = async (): Promise<void> => {
    const { q } = this;
    try {
      const found = (await this.mapping?.registrants(q)) ?? null;
      if (q === this.q) this.people = found;
    } catch (error) {
      this.problem = this.problemIn(error);
    }
  };

  private readonly open = async (): Promise<void> => {
    this.q = "";
    await this.find();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#q")?.focus();
  };

  private readonly pick = async (id: string): Promise<void> => {
    this.chosen = id;
    this.people = null;
    await this.read();
    this.announced = t.trial.now(nameOf(this.example));
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#choose")?.focus();
  };

  protected override render() {
    const { example } = this;
    return html`<section class="stack" aria-labelledby="example" aria-busy=${this.isBusy}><div><h3 id="example">${t.trial.heading}</h3><p class="small dim">${t.trial.intro}</p></div>
      ${this.problem && this.problem.body.status !== 422 ? html`<p class="note wait small">${t.trial.failed}</p>` : nothing}
      ${example === null ? (this.problem ? nothing : loadingView()) : this.exampleView(example)}
      <p role="status" class="sr">${this.announced}</p></section>`;
  }

  private exampleView(example: MappingExample): View {
    const { registration, given, records } = example;
    if (registration === null) return html`<p class="dim">${t.trial.nobody}</p>`;
    const answers = given.filter((each) => each.is_answer);
    const others = given.filter((each) => !each.is_answer);
    return html`<div class="line apart"><p><strong>${nameOf(example)}</strong> <span class="small dim">${t.trial.registered(registration.event_title, day(registration.registered_at.slice(0, 10)))}</span></p>
        <button id="choose" class="quiet" aria-expanded=${this.people !== null} @click=${this.people === null ? this.open : () => { this.people = null; }}>${t.trial.choose}</button></div>
      ${this.people === null ? nothing : this.peopleView(this.people)}
      ${example.is_checked ? nothing : html`<p class="note wait small">${t.trial.unchecked}</p>`}
      <div class="sides"><div class="stack"><h4>${t.trial.given}</h4>
          ${answers.length === 0 ? html`<p class="small dim">${t.trial.noAnswers}</p>` : givenView(answers)}
          ${givenView(others.slice(0, SHOWN))}
          ${others.length > SHOWN ? html`<details><summary>${t.trial.more(others.length - SHOWN)}</summary>${givenView(others.slice(SHOWN))}</details>` : nothing}</div>
        <div class="stack"><h4>${t.trial.future}</h4>${records.length === 0 ? html`<p class="dim">${t.trial.nothing}</p>` : records.map(recordView)}</div></div>`;
  }

  private peopleView({ items, searched_at_most: most }: Registrants): View {
    return html`<div class="note stack"><div><label class="name" for="q">${t.trial.search}</label>
        <input id="q" type="search" autocomplete="off" maxlength="200" aria-describedby="q-hint" .value=${this.q} @input=${(event: Event) => {
          this.q = (event.target as HTMLInputElement).value;
          this.later(PAUSE_MS, this.find);
        }}><p id="q-hint" class="small dim">${t.trial.latest(most)}</p></div>
      ${items.length === 0 ? html`<p role="status">${t.trial.noneFound}</p>` : html`<ul>${items.map((each) => html`<li>
        <button class="plain" data-registrant=${each.registration_id} @click=${() => this.pick(each.registration_id)}>${each.name ?? each.email ?? t.general.unknownPerson}</button>
        <span class="small dim">${t.trial.registered(each.event_title, day(each.registered_at.slice(0, 10)))}</span></li>`)}</ul>`}</div>`;
  }
}

export function nameOf(example: MappingExample | null): string {
  const who = example?.registration;
  return who?.name ?? who?.email ?? t.general.unknownPerson;
}

function givenView(values: readonly ValueGiven[]): View {
  return html`<dl>${values.map((each) => html`<div data-given=${each.path}><dt class="small dim">${each.label}</dt><dd>${each.value}</dd></div>`)}</dl>`;
}

function recordView(record: RecordExample): View {
  const word = record.change === "gone" ? t.trial.recordChange["gone"] : named(t.trial.written, record.written, record.written);
  return html`<div class="record stack" data-record=${record.object}><p class="line apart"><strong>${named(t.mapping.objects, record.object, record.object)}</strong>
      <span class="small dim">${word}${record.change === "gone" || record.change === "same" ? nothing : html` · ${named(t.trial.recordChange, record.change, record.change)}`}</span></p>
    ${record.change === "gone" ? nothing : html`<dl>${record.fields.map(fieldView)}</dl>`}</div>`;
}

function fieldView(field: FieldExample): View {
  const { change, trouble } = field;
  return html`<div data-field=${field.field} data-change=${change}><dt class="small dim">${field.label}${change === "same" ? nothing : html` · <strong>${named(t.trial.fieldChange, change, change)}</strong>`}</dt>
    <dd>${change === "gone" ? html`<s>${textOf(field.now)}</s>` : textOf(field.then)}${change === "changed" ? html` <span class="small dim">(${t.trial.before(textOf(field.now))})</span>` : nothing}
      ${trouble ? html`<p class="note small ${trouble.severity === "refused" ? "bad" : "wait"}" data-trouble=${trouble.severity}><strong>${named(t.trial.severity, trouble.severity, trouble.severity)}:</strong> ${trouble.text}</p>` : nothing}</dd></div>`;
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined || value === "") return t.trial.empty;
  return value === true ? t.trial.yes : value === false ? t.trial.no : String(value);
}

define("salesforce-mapping-example", MappingExamplePanel);
