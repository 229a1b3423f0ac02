/** `<salesforce-mapping host-id>`: who is created in Salesforce, and what is written into which field. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem, HostApi } from "../api/client";
import type { MappingShown, ObjectFields, RequiredField, SourceShown } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { draftOf, givenOf, newRule, OBJECTS, refusals, withoutRule, withRule, type Draft, type ObjectName, type Rule } from "./draft";
import { peopleView } from "./people-view";
import "./rule-editor";
import { notesView, rulesStyle, rulesView } from "./rules-view";

export class SalesforceMapping extends EventshipElement {
  static override styles = [look, controls, rulesStyle, css`
    .fields { display: grid; gap: 0.75em 1em; grid-template-columns: repeat(auto-fit, minmax(14em, 1fr)); margin-block: 0.4em; }
    .narrow { max-inline-size: 28em; margin-block: 0.4em; }
    legend { padding: 0; margin-block-end: 0.3em; }
    label.pick { align-items: start; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    shown: { state: true }, draft: { state: true }, sources: { state: true }, objects: { state: true }, mayChange: { state: true },
    edited: { state: true }, problem: { state: true }, refusal: { state: true }, busy: { state: true }, isAsking: { state: true },
  };

  private declare shown: MappingShown | null;
  private declare draft: Draft | null;
  private declare sources: readonly SourceShown[];
  private declare objects: Readonly<Record<string, ObjectFields>>;
  private declare mayChange: boolean;
  private declare edited: Rule | null;
  /** What kept the mapping from being read, and what kept it from being saved. */
  private declare problem: ApiProblem | null;
  private declare refusal: ApiProblem | null;
  private declare busy: "check" | "save" | null;
  /** The check found something that will go wrong: save all the same? */
  private declare isAsking: boolean;
  private hasOrg = false;

  constructor() {
    super();
    Object.assign(this, { shown: null, draft: null, sources: [], objects: {}, mayChange: false, edited: null });
    Object.assign(this, { problem: null, refusal: null, busy: null, isAsking: false });
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "apiBase", "getToken"].some((name) => changed.has(name))) void this.load();
  }

  private get host(): HostApi {
    return this.api.host(this.hostId);
  }

  private readonly load = async (): Promise<void> => {
    Object.assign(this, { shown: null, draft: null, objects: {}, problem: null, refusal: null, isAsking: false });
    if (this.getToken === null || this.hostId === "") return;
    try {
      const [shown, sources, card] = await Promise.all([this.host.mapping(), this.host.sources(), this.host.card()]);
      this.take(shown);
      this.sources = sources.items;
      this.mayChange = card.role !== "member";
      this.hasOrg = card.state === "connected";
      await this.loadObjects();
    } catch (error) {
      this.problem = this.problemIn(error);
    }
  };

  /**
   * One after another: a host may ask Salesforce a few things at once only. An object that cannot be looked at is
   * left out: its fields are typed by their names then.
   */
  private async loadObjects(): Promise<void> {
    if (!this.hasOrg) return;
    const objects: Record<string, ObjectFields> = {};
    for (const each of OBJECTS) {
      const found = await this.host.objectFields(each).catch(() => null);
      if (found) objects[each] = found;
    }
    this.objects = objects;
  }

  private take(shown: MappingShown): void {
    this.shown = shown;
    this.draft = draftOf(shown);
  }

  protected override render() {
    const { shown, draft } = this;
    return html`<section class="panel stack" aria-labelledby="heading">
      <div><h2 id="heading">${t.mapping.heading}</h2><p class="dim">${t.mapping.intro}</p></div>
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load() }) : nothing}
      ${shown && draft ? this.formView(shown, draft) : this.problem ? nothing : loadingView()}
      <p role="status" class="small">${this.announced}</p>
    </section>
    ${this.edited ? html`<salesforce-rule-editor .rule=${this.edited} .objects=${this.objects} .sources=${this.sources}
      @rule-done=${this.ruleDone} @rule-closed=${() => { this.edited = null; }}></salesforce-rule-editor>` : nothing}`;
  }

  private formView(shown: MappingShown, draft: Draft): View {
    const { mayChange, objects, sources } = this;
    const acts = { mayChange, objects, sources, edit: this.edit, remove: this.removeRule, switchOff: this.switchOff };
    return html`${shown.is_checked ? nothing : html`<p class="note wait">${t.mapping.unchecked}</p>`}
      ${mayChange ? nothing : html`<p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`}
      ${peopleView(draft, { mayChange, objects, sources, change: this.change })}
      <section class="stack" aria-labelledby="rules"><div><h3 id="rules">${t.mapping.rulesHeading}</h3><p class="small dim">${t.mapping.rulesIntro}</p></div>
        ${rulesView(draft, shown.findings, acts)}
        ${mayChange ? html`<p><button class="quiet" @click=${() => { this.edited = newRule(draft.people.create === "lead" ? "Lead" : "Contact"); }}>${t.mapping.addRule}</button></p>` : nothing}</section>
      ${notesView(shown.findings, shown.required_without_value, mayChange ? this.mapRequired : null)}
      ${this.refusal ? problemView(this.refusal, { docsBase: this.docsBase }) : nothing}
      ${mayChange ? this.saveView() : nothing}`;
  }

  private saveView(): View {
    if (this.isAsking) {
      return html`<div class="note bad stack" role="alert"><p>${t.mapping.ask}</p><p class="line">
        <button ?disabled=${this.busy !== null} @click=${this.save}>${t.mapping.saveAnyway}</button>
        <button class="plain" @click=${() => { this.isAsking = false; }}>${t.mapping.goOn}</button></p></div>`;
    }
    return html`<p class="line"><button ?disabled=${this.busy !== null} @click=${this.checkAndSave}>${this.busy === "save" ? t.mapping.saving : t.mapping.save}</button>
      <button class="quiet" ?disabled=${this.busy !== null} @click=${this.check}>${this.busy === "check" ? t.mapping.checking : t.mapping.check}</button></p>`;
  }

  private readonly change = (changes: Partial<Draft>): void => {
    if (this.draft) this.draft = { ...this.draft, ...changes };
    Object.assign(this, { announced: "", isAsking: false });
  };

  private readonly edit = (rule: Rule): void => {
    this.edited = rule;
  };

  private readonly removeRule = (rule: Rule): void => {
    if (this.draft) this.change(withoutRule(this.draft, rule));
  };

  private readonly switchOff = (rule: Rule): void => {
    if (this.draft) this.change(withRule(this.draft, { ...rule, mode: "off" }));
  };

  private readonly mapRequired = (field: RequiredField): void => {
    this.edited = newRule(field.object as ObjectName, field.field);
  };

  private readonly ruleDone = async (event: CustomEvent<Rule>): Promise<void> => {
    if (this.draft) this.change(withRule(this.draft, event.detail, this.edited));
    this.edited = null;
    await this.check();
  };

  /** Judges the draft: the findings shown are the draft's from then on. */
  private readonly check = (): Promise<void> => this.act("check", async (draft) => {
    this.judged(await this.host.validateMapping(givenOf(draft)));
    await this.loadObjects();
    const open = this.shown?.required_without_value.filter((each) => !each.is_filled).length ?? 0;
    this.announced = t.mapping.checked((this.shown?.findings.length ?? 0) + open);
  });

  private readonly checkAndSave = async (): Promise<void> => {
    await this.check();
    if (this.refusal !== null || this.shown === null) return;
    if (refusals(this.shown) > 0) this.isAsking = true;
    else await this.save();
  };

  private readonly save = (): Promise<void> => this.act("save", async (draft) => {
    const saved = await this.host.saveMapping({ ...givenOf(draft), version: this.shown?.version ?? null });
    this.isAsking = false;
    this.take(saved);
    this.announced = t.mapping.saved(saved.retried);
    this.tell("salesforce-mapping-saved", { hostId: this.hostId, retried: saved.retried });
  });

  private judged({ findings, required_without_value, is_checked }: MappingShown): void {
    if (this.shown) this.shown = { ...this.shown, findings, required_without_value, is_checked };
  }

  private async act(what: "check" | "save", deed: (draft: Draft) => Promise<void>): Promise<void> {
    if (this.draft === null) return;
    Object.assign(this, { busy: what, refusal: null, announced: "" });
    try {
      await deed(this.draft);
    } catch (error) {
      this.refusal = this.problemIn(error);
    } finally {
      this.busy = null;
    }
  }
}

define("salesforce-mapping", SalesforceMapping);
