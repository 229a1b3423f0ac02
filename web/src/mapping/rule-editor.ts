/** One field rule in a dialog: which field, where its value comes from, when it is written, and how options translate. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { FieldShown, ObjectFields, SourceShown } from "../api/schema";
import { named, t } from "../texts";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { controls, look } from "../ui/styles";
import type { View } from "../ui/views";
import { blankOptions, isWhole, MODES, newRule, OBJECTS, type Kind, type Mode, type ObjectName, type Rule } from "./draft";

const KINDS: readonly Kind[] = ["from", "constant", "template"];

export class RuleEditor extends EventshipElement {
  static override styles = [look, controls, css`
    form { display: grid; gap: 0.9em; }
    .two { display: grid; gap: 0.75em 1em; grid-template-columns: repeat(auto-fit, minmax(12em, 1fr)); }
    .option { display: grid; gap: 0.5em; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto; align-items: end; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    rule: { attribute: false }, objects: { attribute: false }, sources: { attribute: false }, edited: { state: true },
  };

  /** The rule to begin with. */
  declare rule: Rule;
  /** What is known of the org's objects; a field of any other is typed by its name. */
  declare objects: Readonly<Record<string, ObjectFields>>;
  declare sources: readonly SourceShown[];
  private declare edited: Rule;

  constructor() {
    super();
    Object.assign(this, { objects: {}, sources: [], rule: newRule("Lead"), edited: newRule("Lead") });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.edited = this.rule;
  }

  protected override render() {
    const { edited } = this;
    return html`<eventship-dialog heading=${this.rule.field === "" ? t.mapping.addRule : t.mapping.editRule} @closed=${() => this.tell("rule-closed")}>
      <form @submit=${this.done}>
        <div class="two">
          ${select("object", t.mapping.object, edited.object, OBJECTS.map((each) => [each, named(t.mapping.objects, each, each)]), (value) => this.set({ object: value as ObjectName, field: "" }))}
          ${this.fieldView()}
        </div>
        <fieldset><legend><strong>${t.mapping.filledFrom}</strong></legend>
          ${KINDS.map((kind) => html`<label class="pick"><input type="radio" name="kind" .checked=${edited.kind === kind} @change=${() => this.set({ kind, source: "" })}>${t.mapping.kinds[kind]}</label>`)}
        </fieldset>
        ${this.sourceView()}
        ${select("mode", t.mapping.mode, edited.mode, MODES.map((each) => [each, named(t.mapping.modes, each, each)]), (value) => this.set({ mode: value as Mode }))}
        ${edited.kind === "from" ? this.valuesView() : nothing}
        ${edited.kind === "constant" ? nothing : this.textView("fallback", t.mapping.fallback, t.mapping.fallbackHint)}
        ${edited.kind === "from" && blankOptions(edited).length > 0 ? html`<p class="note wait small" role="status">${t.mapping.optionsBlank(blankOptions(edited))}</p>` : nothing}
        <p class="line"><button ?disabled=${!isWhole(edited)}>${t.mapping.ruleDone}</button>
          <button type="button" class="plain" @click=${() => this.tell("rule-closed")}>${t.general.cancel}</button></p>
      </form></eventship-dialog>`;
  }

  private get known(): FieldShown | null {
    return this.objects[this.edited.object]?.fields.find((each) => each.name === this.edited.field) ?? null;
  }

  private fieldView(): View {
    const fields = this.objects[this.edited.object]?.fields.filter((each) => each.is_mappable);
    if (fields === undefined) return this.textView("field", t.mapping.field, t.mapping.fieldHint);
    const isGone = this.edited.field !== "" && this.known === null;
    const options: ReadonlyArray<readonly [string, string]> = [
      ["", t.mapping.choose], ...(isGone ? [[this.edited.field, this.edited.field] as const] : []),
      ...fields.map((each) => [each.name, fieldText(each)] as const),
    ];
    return select("field", t.mapping.field, this.edited.field, options, (value) => this.set({ field: value }));
  }

  private sourceView(): View {
    const { edited } = this;
    if (edited.kind !== "from") return edited.kind === "constant" ? this.constantView() : this.textView("source", t.mapping.template, t.mapping.templateHint);
    const isOther = edited.source !== "" && !this.sources.some((each) => each.path === edited.source);
    const group = (isAnswer: boolean): View => html`${this.sources.filter((each) => each.is_answer === isAnswer).map((each) => html`<option value=${each.path} .selected=${each.path === edited.source}>${each.label}</option>`)}`;
    return html`<div><label class="name" for="source">${t.mapping.source}</label>
      <select id="source" required @change=${(event: Event) => this.set({ source: valueOf(event), values: [] })}>
        <option value="" .selected=${edited.source === ""}>${t.mapping.choose}</option>
        ${isOther ? html`<option value=${edited.source} .selected=${true}>${edited.source}</option>` : nothing}
        <optgroup label=${t.mapping.answers}>${group(true)}</optgroup><optgroup label=${t.mapping.always}>${group(false)}</optgroup>
      </select></div>`;
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
    if (isWhole(this.edited)) this.tell("rule-done", this.edited);
  };
}

/** Label, type and whether it must be filled, as a picker shows a field. */
export function fieldText(field: FieldShown): string {
  return `${field.label} (${field.name}) · ${named(t.mapping.types, field.type, field.type)}${field.is_required ? ` · ${t.mapping.required}` : ""}`;
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
