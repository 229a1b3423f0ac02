/** A field rule in a dialog, for one object or for several of a person at once: which field, where its value comes from, when it is written, how options translate. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { FieldShown, MappingExample, ObjectFields, SourceShown } from "../api/schema";
import { named, t } from "../texts";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { controls, look } from "../ui/styles";
import type { View } from "../ui/views";
import { blankOptions, isWhole, MODES, newRule, OBJECTS, PERSONAL, type Kind, type Mode, type ObjectName, type Rule } from "./draft";
import { nameOf, textOf } from "./example-panel";
import { completions, inserted, isRefused, openBrace, templateTrouble } from "./template";

const KINDS: readonly Kind[] = ["from", "constant", "template"];
const PAUSE_MS = 400;
/** Beyond so many letters an example is no help in a list. */
const EXAMPLE_LENGTH = 40;

export class RuleEditor extends EventshipElement {
  static override styles = [look, controls, css`
    form { display: grid; gap: 0.9em; }
    .two { display: grid; gap: 0.75em 1em; grid-template-columns: repeat(auto-fit, minmax(12em, 1fr)); }
    .option { display: grid; gap: 0.5em; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto; align-items: end; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    rules: { attribute: false }, objects: { attribute: false }, sources: { attribute: false }, tryOut: { attribute: false },
    edited: { state: true }, targets: { state: true }, fieldText: { state: true }, caret: { state: true }, example: { state: true },
  };

  /** The rule to begin with, once for each object that it is written to. */
  declare rules: readonly Rule[];
  /** What is known of the org's objects; a field of any other is typed by its name. */
  declare objects: Readonly<Record<string, ObjectFields>>;
  declare sources: readonly SourceShown[];
  /** What becomes of a person with these rules; null where it cannot be said. */
  declare tryOut: (rules: readonly Rule[]) => Promise<MappingExample | null>;
  private declare edited: Rule;
  /** The objects that are written to, the first of them being the edited rule's. */
  private declare targets: readonly ObjectName[];
  /** The field as it is typed. */
  private declare fieldText: string;
  private declare caret: number;
  private declare example: MappingExample | null;
  private timer = 0;
  private turn = 0;

  constructor() {
    super();
    Object.assign(this, { objects: {}, sources: [], rules: [newRule("Lead")], tryOut: async () => null, caret: 0, example: null });
    Object.assign(this, { edited: newRule("Lead"), targets: ["Lead"], fieldText: "" });
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("rules")) this.begin();
  }

  private begin(): void {
    this.edited = this.rules[0]!;
    this.targets = this.rules.map((each) => each.object);
    this.fieldText = this.known ? fieldName(this.known) : this.edited.field;
    if (this.edited.field !== "" && this.edited.source === "") this.targets = this.fitting;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has("edited") && !changed.has("targets")) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.show(), PAUSE_MS);
  }

  private readonly show = async (): Promise<void> => {
    const turn = ++this.turn;
    const example = this.isReady ? await this.tryOut(this.outcome) : null;
    if (turn === this.turn) this.example = example;
  };

  /** The rule once for each object. */
  private get outcome(): readonly Rule[] {
    return this.targets.map((object) => ({ ...this.edited, object }));
  }

  private get isReady(): boolean {
    return isWhole(this.edited) && (this.fields === undefined || this.known !== null || this.edited.field === this.rules[0]!.field)
      && !(this.edited.kind === "template" && isRefused(templateTrouble(this.edited.source, this.sources)));
  }

  protected override render() {
    const { edited } = this;
    return html`<eventship-dialog heading=${this.rules[0]!.field === "" ? t.mapping.addRule : t.mapping.editRule} @closed=${() => this.tell("rule-closed")}>
      <form @submit=${this.done}>
        <div class="two">
          ${select("object", t.mapping.object, edited.object, OBJECTS.map((each) => [each, named(t.mapping.objects, each, each)]), (value) => this.setObject(value as ObjectName))}
          ${this.fieldView()}
        </div>
        ${this.targetsView()}
        <fieldset><legend><strong>${t.mapping.filledFrom}</strong></legend>
          ${KINDS.map((kind) => html`<label class="pick"><input type="radio" name="kind" .checked=${edited.kind === kind} @change=${() => this.set({ kind, source: "" })}>${t.mapping.kinds[kind]}</label>`)}
        </fieldset>
        ${this.sourceView()}
        ${select("mode", t.mapping.mode, edited.mode, MODES.map((each) => [each, named(t.mapping.modes, each, each)]), (value) => this.set({ mode: value as Mode }))}
        ${edited.kind === "from" ? this.valuesView() : nothing}
        ${edited.kind === "constant" ? nothing : this.textView("fallback", t.mapping.fallback, t.mapping.fallbackHint)}
        ${edited.kind === "from" && blankOptions(edited).length > 0 ? html`<p class="note wait small" role="status">${t.mapping.optionsBlank(blankOptions(edited))}</p>` : nothing}
        ${this.exampleView()}
        <p class="line"><button ?disabled=${!this.isReady}>${t.mapping.ruleDone}</button>
          <button type="button" class="plain" @click=${() => this.tell("rule-closed")}>${t.general.cancel}</button></p>
      </form></eventship-dialog>`;
  }

  private get known(): FieldShown | null {
    return this.objects[this.edited.object]?.fields.find((each) => each.name === this.edited.field) ?? null;
  }

  private get fields(): readonly FieldShown[] | undefined {
    return this.objects[this.edited.object]?.fields.filter((each) => each.is_mappable);
  }

  /** One field of hundreds: found by a part of its name. */
  private fieldView(): View {
    const { fields } = this;
    if (fields === undefined) return this.textView("field", t.mapping.field, t.mapping.fieldHint);
    const isUnknown = this.fieldText !== "" && this.known === null && this.fieldText !== this.rules[0]!.field;
    const more = this.known ? detailsOf(this.known) : t.trial.fieldSearch;
    return html`<div><label class="name" for="field">${t.mapping.field}</label>
      <input id="field" list="fields" autocomplete="off" maxlength="255" required aria-describedby="field-hint" aria-invalid=${isUnknown} .value=${this.fieldText} @input=${(event: Event) => this.setField(valueOf(event))}>
      <datalist id="fields">${fields.map((each) => html`<option value=${fieldName(each)}>${detailsOf(each)}</option>`)}</datalist>
      <p id="field-hint" class="small ${isUnknown ? "note bad" : "dim"}">${isUnknown ? t.trial.fieldUnknown : more}</p></div>`;
  }

  private setField(typed: string): void {
    const plain = typed.trim().toLowerCase();
    const of = (...texts: readonly string[]): boolean => texts.some((each) => each.toLowerCase() === plain);
    const found = this.fields?.find((each) => of(each.name, fieldName(each))) ?? this.fields?.find((each) => of(each.label));
    this.fieldText = typed;
    this.set({ field: found?.name ?? "" });
    if (this.rules[0]!.source === "") this.targets = this.fitting;
  }

  private setObject(object: ObjectName): void {
    this.fieldText = "";
    this.targets = [object];
    this.set({ object, field: "" });
  }

  /** The edited rule's object, and others of a person that have the field, too. */
  private get fitting(): readonly ObjectName[] {
    const { object, field } = this.edited;
    if (!PERSONAL.includes(object) || field === "") return [object];
    const has = (each: ObjectName): boolean => this.objects[each]?.fields.some((known) => known.name === field && known.is_mappable) ?? false;
    return [object, ...PERSONAL.filter((each) => each !== object && (this.targets.includes(each) || has(each)))];
  }

  private targetsView(): View {
    const { fitting } = this;
    if (fitting.length < 2) return nothing;
    const toggle = (each: ObjectName, isOn: boolean): void => {
      this.targets = fitting.filter((other) => (other === each ? isOn : this.targets.includes(other)));
    };
    return html`<fieldset><legend><strong>${t.trial.also}</strong></legend><div class="line">${fitting.map((each, index) => html`<label class="pick">
      <input type="checkbox" id="target-${each}" ?disabled=${index === 0} .checked=${this.targets.includes(each)} @change=${(event: Event) => toggle(each, (event.target as HTMLInputElement).checked)}>${named(t.mapping.objects, each, each)}</label>`)}</div></fieldset>`;
  }

  /** What the rule makes of the person of the example. */
  private exampleView(): View {
    const { example } = this;
    if (!example?.registration) return nothing;
    const lines = this.targets.flatMap((object) => {
      const field = example.records.find((each) => each.object === object)?.fields.find((each) => each.field === this.edited.field);
      return field ? [html`<li>${named(t.mapping.objects, object, object)}: <strong>${textOf(field.then)}</strong>${field.trouble ? html` — ${named(t.trial.severity, field.trouble.severity, field.trouble.severity)}: ${field.trouble.text}` : nothing}</li>`] : [];
    });
    return html`<div class="note small" role="status" data-seen><p>${t.trial.seenOn(nameOf(example))}</p>${lines.length === 0 ? html`<p>${t.trial.nothing}</p>` : html`<ul>${lines}</ul>`}</div>`;
  }

  private sourceView(): View {
    const { edited } = this;
    if (edited.kind !== "from") return edited.kind === "constant" ? this.constantView() : this.templateView();
    const isOther = edited.source !== "" && !this.sources.some((each) => each.path === edited.source);
    const group = (isAnswer: boolean): View => html`${this.sources.filter((each) => each.is_answer === isAnswer).map((each) => html`<option value=${each.path} .selected=${each.path === edited.source}>${sourceName(each)}</option>`)}`;
    return html`<div><label class="name" for="source">${t.mapping.source}</label>
      <select id="source" required @change=${(event: Event) => this.set({ source: valueOf(event), values: [] })}>
        <option value="" .selected=${edited.source === ""}>${t.mapping.choose}</option>
        ${isOther ? html`<option value=${edited.source} .selected=${true}>${edited.source}</option>` : nothing}
        <optgroup label=${t.mapping.answers}>${group(true)}</optgroup><optgroup label=${t.mapping.always}>${group(false)}</optgroup>
      </select></div>`;
  }

  private templateView(): View {
    const { source } = this.edited;
    const trouble = templateTrouble(source, this.sources);
    const open = openBrace(source, this.caret);
    const said = trouble === null || open !== null ? "" : trouble.kind === "brace" ? t.trial.templateBrace
      : trouble.kind === "unknown" ? t.trial.templateUnknown(trouble.name, trouble.near) : t.trial.templateUnasked(trouble.name, trouble.near);
    const { near, name } = trouble ?? { near: null, name: "" };
    return html`<div class="stack"><div><label class="name" for="source">${t.mapping.template}</label>
        <input id="source" autocomplete="off" maxlength="2000" aria-describedby="source-hint source-said" aria-invalid=${said !== "" && isRefused(trouble)} .value=${source} @input=${this.typed} @keyup=${this.moved} @click=${this.moved}>
        <p id="source-hint" class="small dim">${t.mapping.templateHint}</p>
        <p id="source-said" role="status" class="small ${said === "" ? "" : `note ${isRefused(trouble) ? "bad" : "wait"}`}">${said}</p></div>
      ${near === null || said === "" ? nothing : html`<p><button type="button" class="quiet" @click=${() => this.set({ source: source.replaceAll(name, near) })}>${t.trial.useNear(near)}</button></p>`}
      <div role="group" aria-label=${t.trial.insert}><p class="small dim">${t.trial.insert}</p><p class="line">${completions(open?.typed ?? "", this.sources).map((each) => html`
        <button type="button" class="quiet" data-insert=${each.path} @click=${() => this.insert(each.path)}>${sourceName(each)}</button>`)}</p></div></div>`;
  }

  private readonly typed = (event: Event): void => {
    this.set({ source: valueOf(event) });
    this.moved(event);
  };

  private readonly moved = (event: Event): void => {
    this.caret = (event.target as HTMLInputElement).selectionStart ?? 0;
  };

  private async insert(path: string): Promise<void> {
    const [source, caret] = inserted(this.edited.source, this.caret, path);
    this.set({ source });
    this.caret = caret;
    await this.updateComplete;
    const input = this.renderRoot.querySelector<HTMLInputElement>("#source");
    input?.focus();
    input?.setSelectionRange(caret, caret);
  }

  private constantView(): View {
    const values = this.known?.values ?? [];
    if (values.length === 0) return this.textView("source", t.mapping.constant, "");
    return select("source", t.mapping.constant, this.edited.source, [["", t.mapping.choose], ...withOwn(values, this.edited.source)], (value) => this.set({ source: value }));
  }

  private valuesView(): View {
    const { values } = this.edited;
    const known = this.known?.values ?? [];
    return html`<details ?open=${values.length > 0 || known.length > 0}><summary>${t.mapping.values}</summary><div class="stack">
      <p class="small dim">${t.mapping.valuesHint}</p>
      ${values.map(([option, value], index) => html`<div class="option">
        ${this.inputView(`option-${index}`, t.mapping.theirOption, option, (text) => this.setValue(index, [text, value]), "theirs")}
        ${known.length === 0 ? this.inputView(`value-${index}`, t.mapping.ourValue, value, (text) => this.setValue(index, [option, text]))
          : select(`value-${index}`, t.mapping.ourValue, value, [["", t.mapping.choose], ...withOwn(known, value)], (text) => this.setValue(index, [option, text]))}
        <button type="button" class="quiet" @click=${() => this.set({ values: values.filter((_, each) => each !== index) })}>${t.mapping.remove}<span class="sr"> ${option}</span></button></div>`)}
      <datalist id="theirs">${this.options.map((each) => html`<option value=${each}></option>`)}</datalist>
      <p class="line"><button type="button" class="quiet" @click=${() => this.set({ values: [...values, ["", ""]] })}>${t.mapping.addOption}</button>
        ${this.missing.length > 0 ? html`<button type="button" class="quiet" @click=${this.addAll}>${t.mapping.addAll(this.missing.length)}</button>` : nothing}</p>
      ${known.length === 0 ? this.textView("otherwise", t.mapping.otherwise, t.mapping.otherwiseHint)
        : select("otherwise", t.mapping.otherwise, this.edited.otherwise, [["", t.mapping.noOther], ...withOwn(known, this.edited.otherwise)], (value) => this.set({ otherwise: value }))}
    </div></details>`;
  }

  /** The options that attendees took lately. */
  private get options(): readonly string[] {
    return this.sources.find((each) => each.path === this.edited.source)?.options ?? [];
  }

  private get missing(): readonly string[] {
    return this.options.filter((each) => !this.edited.values.some(([option]) => option === each));
  }

  private readonly addAll = (): void => {
    const known = this.known?.values ?? [];
    const alike = (option: string): string => known.find((each) => each.value.toLowerCase() === option.toLowerCase())?.value ?? "";
    this.set({ values: [...this.edited.values, ...this.missing.map((option) => [option, alike(option)] as const)] });
  };

  private textView(name: "field" | "source" | "fallback" | "otherwise", label: string, hint: string): View {
    return html`<div>${this.inputView(name, label, this.edited[name], (text) => this.set({ [name]: text }), "", `${name}-hint`)}
      <p id="${name}-hint" class="small dim">${hint}</p></div>`;
  }

  private inputView(id: string, label: string, value: string, set: (text: string) => void, list = "", hint = ""): View {
    return html`<div><label class="name" for=${id}>${label}</label>
      <input id=${id} autocomplete="off" maxlength=${id === "source" ? 2000 : 255} list=${list || nothing} aria-describedby=${hint || nothing} .value=${value} @input=${(event: Event) => set(valueOf(event))}></div>`;
  }

  private set(changes: Partial<Rule>): void {
    this.edited = { ...this.edited, ...changes };
  }

  private setValue(index: number, pair: readonly [string, string]): void {
    this.set({ values: this.edited.values.map((each, place) => (place === index ? pair : each)) });
  }

  private readonly done = (event: Event): void => {
    event.preventDefault();
    if (this.isReady) this.tell("rule-done", this.outcome);
  };
}

/** As a picker shows a field. */
function fieldName(field: FieldShown): string {
  return `${field.label} (${field.name})`;
}

/** Its type, and whether it must be filled. */
function detailsOf(field: FieldShown): string {
  return `${named(t.mapping.types, field.type, field.type)}${field.is_required ? ` · ${t.mapping.required}` : ""}`;
}

/** With what somebody gave there. */
function sourceName({ label, example }: SourceShown): string {
  return example ? `${label} — ${example.slice(0, EXAMPLE_LENGTH)}` : label;
}

function withOwn(known: FieldShown["values"], value: string): ReadonlyArray<readonly [string, string]> {
  const listed = known.map((each) => [each.value, each.label] as const);
  return value === "" || known.some((each) => each.value === value) ? listed : [...listed, [value, value] as const];
}

function select(id: string, label: string, chosen: string, options: ReadonlyArray<readonly [string, string]>, choose: (value: string) => void): View {
  return html`<div><label class="name" for=${id}>${label}</label>
    <select id=${id} @change=${(event: Event) => choose(valueOf(event))}>
      ${options.map(([value, text]) => html`<option value=${value} .selected=${value === chosen}>${text}</option>`)}</select></div>`;
}

function valueOf(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

define("salesforce-rule-editor", RuleEditor);
