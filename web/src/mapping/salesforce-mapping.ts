/** `<salesforce-mapping host-id>`: who is created in Salesforce, and what is written into which field; with `event-id` what one event has of its own. */

import { html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem, HostApi, MappingApi } from "../api/client";
import type { MappingExample, MappingReach, MappingShown, ObjectFields, RequiredField, SourceShown } from "../api/schema";
import { t } from "../texts";
import type { EventshipDialog } from "../ui/dialog";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { untilLoaded } from "../ui/load";
import { loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import type { ExampleMade } from "./example-panel";
import { countOwn, draftOf, givenOf, isSame, newRule, OBJECTS, refusals, withoutRule, withRule, withRules, type Draft, type ObjectName, type Rule } from "./draft";
import { drop, keep, takeKept, userOf } from "./kept-draft";
import { peopleView } from "./people-view";
import { notesView, rulesStyle, rulesView } from "./rules-view";
import { refusedAt, refusedOwner, refusedRules } from "./refused";
import { formStyle, leaveView, namedSources, ownView, questionView, reachView, suggestionsView } from "./form-views";
import { suggestions, type Suggestion } from "./suggest";

const REFUSED = 422;
export class SalesforceMapping extends EventshipElement {
  static override styles = [look, controls, rulesStyle, formStyle];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: { attribute: "event-id" },
    shown: { state: true }, draft: { state: true }, sources: { state: true }, objects: { state: true }, mayChange: { state: true }, example: { state: true }, reach: { state: true },
    edited: { state: true }, problem: { state: true }, refusal: { state: true }, busy: { state: true }, asking: { state: true }, isBack: { state: true }, wayOut: { state: true },
  };

  /** The event whose own choices these are; empty for the host's. */
  declare eventId: string;
  private declare shown: MappingShown | null;
  private declare draft: Draft | null;
  private declare sources: readonly SourceShown[];
  private declare objects: Readonly<Record<string, ObjectFields>>;
  private declare mayChange: boolean;
  private declare example: MappingExample | null;
  /** Whom a mapping changes, and which. */
  private declare reach: readonly [ReturnType<typeof givenOf> | null, MappingReach | null];
  /** The rules that the dialog is about. */
  private declare edited: readonly Rule[] | null;
  /** What kept the mapping from being read, and what kept it from being saved. */
  private declare problem: ApiProblem | null;
  private declare refusal: ApiProblem | null;
  private declare busy: "check" | "save" | null;
  /** The check found something that will go wrong: save all the same? Or: take all of the event's own choices back? */
  private declare asking: "save" | "reset" | null;
  /** Whether changes from before a reload are here again. */
  private declare isBack: boolean;
  /** Where the reader was about to go with changes that are not saved. */
  private declare wayOut: HTMLAnchorElement | null;
  private hasOrg = false;
  /** What the host has, for an event; null for the host itself. */
  private hosts: Draft | null = null;
  private user: string | null = null;
  /** Rises with each loading: what was asked for before is not of what is shown now. */
  private turn = 0;
  /** What was sent last, as text: anything else is not saved. */
  private saved = "";

  constructor() {
    super();
    Object.assign(this, { eventId: "", shown: null, draft: null, sources: [], objects: {}, mayChange: false, example: null, reach: [null, null], edited: null });
    Object.assign(this, { problem: null, refusal: null, busy: null, asking: null, isBack: false, wayOut: null });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("beforeunload", this.unloading);
    document.addEventListener("click", this.leaving, true);
    void untilLoaded(() => import("./mapping-tools"));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("beforeunload", this.unloading);
    document.removeEventListener("click", this.leaving, true);
  }

  protected override updated(changed: PropertyValues): void {
    const isOther = ["hostId", "eventId", "apiBase", "getToken"].some((name) => changed.has(name));
    if (isOther || changed.has("language")) void this.load(isOther ? null : this.unsaved);
  }

  private get host(): HostApi {
    return this.api.host(this.hostId);
  }

  private get mapping(): MappingApi {
    return this.api.mapping(this.hostId, this.eventId);
  }

  /** Where a draft of this mapping is kept. */
  private get place(): string {
    return [this.apiBase, this.hostId, this.eventId].join(" ");
  }

  /** `unsaved` is what the same reader changed and sees on, where only the language is another one. */
  private readonly load = async (unsaved: { version: number; draft: Draft } | null = null): Promise<void> => {
    Object.assign(this, { shown: null, draft: null, objects: {}, problem: null, refusal: null, asking: null, isBack: false, announced: "" });
    const turn = (this.turn += 1);
    if (this.getToken === null || this.hostId === "") return;
    try {
      const ofHost = this.eventId === "" ? null : this.api.mapping(this.hostId);
      const [shown, sources, card, hosts, asked] = await Promise.all([this.mapping.read(), this.mapping.sources(), this.host.card(), ofHost?.read(), ofHost?.sources()]);
      const user = userOf(await this.getToken());
      if (turn !== this.turn) return;
      this.hosts = hosts ? draftOf(hosts) : null;
      this.user = user;
      this.mayChange = card.role !== "member";
      // The host's questions, too: nobody may have registered for the event yet.
      const known = new Set(sources.items.map((each) => each.path));
      this.sources = [...sources.items, ...(asked?.items ?? []).filter((each) => !known.has(each.path))];
      this.show(shown);
      const kept = this.mayChange ? takeKept(this.place, this.user, shown.version) ?? (unsaved?.version === shown.version ? unsaved.draft : null) : null;
      if (kept) Object.assign(this, { draft: kept, isBack: true });
      this.hasOrg = card.state === "connected";
      await this.loadObjects();
    } catch (error) {
      if (turn === this.turn) this.problem = this.problemIn(error);
    }
  };

  /**
   * One after another: a host may ask Salesforce a few things at once only. An object that cannot be looked at is
   * left out: its fields are typed by their names then.
   */
  private async loadObjects(): Promise<void> {
    if (!this.hasOrg) return;
    const { host, turn } = this;
    const objects: Record<string, ObjectFields> = {};
    for (const each of OBJECTS) {
      const found = await host.objectFields(each).catch(() => null);
      if (turn !== this.turn) return;
      if (found) objects[each] = found;
    }
    this.objects = objects;
  }

  private show(shown: MappingShown): void {
    this.shown = shown;
    this.draft = draftOf(shown);
    this.saved = this.sent;
    this.isBack = false;
  }

  /** What is saved now takes the place of every draft. */
  private take(shown: MappingShown): void {
    this.show(shown);
    drop(this.place);
  }

  /** What would be sent, as text. */
  private get sent(): string {
    return this.draft ? JSON.stringify(givenOf(this.draft, this.hosts)) : "";
  }

  private get isUnsaved(): boolean {
    return this.draft !== null && this.sent !== this.saved;
  }

  private get unsaved(): { version: number; draft: Draft } | null {
    return this.isUnsaved && this.draft && this.shown ? { version: this.shown.version, draft: this.draft } : null;
  }

  protected override render() {
    const { shown, draft, wayOut } = this;
    const [heading, intro] = this.eventId === "" ? [t.mapping.heading, t.mapping.intro] : [t.trial.eventHeading, t.trial.eventIntro];
    return html`<section class="panel stack" aria-labelledby="heading">
      <div><h2 id="heading" tabindex="-1">${heading}</h2><p class="dim">${intro}</p></div>
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load() }) : nothing}
      ${shown && draft ? this.formView(shown, draft) : this.problem ? nothing : loadingView()}
      <p role="status" class="small">${this.announced}</p>
    </section>
    ${this.edited ? html`<salesforce-rule-editor .rules=${this.edited} .objects=${this.objects} .sources=${namedSources(this.sources, this.example)} .tryOut=${this.tryOut}
      @rule-done=${this.ruleDone} @rule-closed=${() => { this.edited = null; }}></salesforce-rule-editor>` : nothing}
    ${wayOut ? leaveView({ stay: this.stay, leave: () => this.leave(wayOut), closed: () => { this.wayOut = null; } }) : nothing}`;
  }

  private formView(shown: MappingShown, draft: Draft): View {
    const { mayChange, objects, sources, host } = this;
    const inherited = (rule: Rule): string => (this.hosts?.rules.some((each) => isSame(each, rule)) ? t.trial.ofHost : t.mapping.isDefault);
    const acts = { mayChange, objects, sources, inherited, refused: refusedRules(this.refusal), edit: this.edit, remove: this.removeRules, switchOff: this.switchOff };
    return html`${shown.is_checked ? nothing : html`<p class="note wait">${t.mapping.unchecked}</p>`}
      ${mayChange ? nothing : html`<p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`}
      ${this.isBack ? html`<div class="note wait line apart" role="status"><span>${t.trial.back}</span><button class="quiet" @click=${this.discard}>${t.trial.discard}</button></div>` : nothing}
      ${this.eventId === "" ? nothing : this.ownView(draft)}
      <section class="stack" aria-labelledby="rules"><div><h3 id="rules">${t.mapping.rulesHeading}</h3><p class="small dim">${t.mapping.rulesIntro}</p></div>
        ${mayChange ? suggestionsView(suggestions(draft, this.sources, this.objects), (each) => this.accept(each)) : nothing}
        ${rulesView(draft, shown.findings, acts)}
        ${mayChange ? html`<p><button class="quiet" id="add-rule" @click=${() => this.edit([newRule(draft.people.create === "lead" ? "Lead" : "Contact")])}>${t.mapping.addRule}</button></p>` : nothing}</section>
      ${notesView(shown.findings, shown.required_without_value, mayChange ? this.mapRequired : null)}
      ${mayChange ? html`<salesforce-mapping-example .mapping=${this.mapping} .given=${this.given} @example-made=${this.exampleMade}></salesforce-mapping-example>` : nothing}
      ${peopleView(draft, { mayChange, objects, sources, host, ownerRefused: refusedOwner(this.refusal, draft), change: this.change })}
      ${this.footView()}
      ${mayChange ? this.saveView() : nothing}
      ${mayChange ? html`<salesforce-mapping-copy host-id=${this.hostId} .eventId=${this.eventId} .client=${this.api} docs-base=${this.docsBase} @mapping-copied=${this.copied}></salesforce-mapping-copy>` : nothing}`;
  }

  /** The same object as long as nothing changed: the example is made anew with each. */
  private get given(): ReturnType<typeof givenOf> | null {
    const { sent } = this;
    if (sent !== this.lastGiven[0]) this.lastGiven = [sent, this.draft ? givenOf(this.draft, this.hosts) : null];
    return this.lastGiven[1];
  }
  private lastGiven: [string, ReturnType<typeof givenOf> | null] = ["", null];

  private ownView(draft: Draft): View {
    const own = countOwn(givenOf(draft, this.hosts));
    if (this.asking === "reset") {
      return questionView({ tone: "wait", text: t.trial.resetAsk, yes: t.trial.resetYes, isBusy: this.busy !== null, act: this.reset, goOn: this.goOn });
    }
    return ownView(own, this.mayChange ? () => this.ask("reset") : null);
  }

  /** What is wrong with no rule and no owner in particular. */
  private footView(): View {
    const { refusal } = this;
    if (refusal === null) return nothing;
    const isElsewhere = refusedRules(this.refusal).size > 0 || refusedAt(this.refusal, "owner") !== "";
    return refusal.body.status === REFUSED && isElsewhere ? nothing : problemView(refusal, { docsBase: this.docsBase, isAction: true });
  }

  private saveView(): View {
    const [counted, count] = this.reach;
    const reach = !this.isUnsaved ? nothing : counted !== this.given ? html`<p class="note small" role="status">${t.trial.reading}</p>` : count ? reachView(count) : nothing;
    if (this.asking === "save") {
      return questionView({ tone: "bad", text: t.mapping.ask, yes: t.mapping.saveAnyway, isBusy: this.busy !== null, act: this.save, goOn: this.goOn });
    }
    return html`${reach}<p class="line"><button id="save" ?disabled=${this.busy !== null} @click=${this.checkAndSave}>${this.busy === "save" ? t.mapping.saving : t.mapping.save}</button>
      <button class="quiet" ?disabled=${this.busy !== null} @click=${this.check}>${this.busy === "check" ? t.mapping.checking : t.mapping.check}</button>
      ${this.isUnsaved ? html`<span class="small dim">${t.trial.unsaved}</span>` : nothing}</p>`;
  }

  private ask(what: "save" | "reset"): void {
    this.asking = what;
    this.focusOn("#asked");
  }

  private readonly goOn = (): void => {
    const back = this.asking === "reset" ? "[data-own] button" : "#save";
    this.asking = null;
    this.focusOn(back);
  };

  private readonly unloading = (event: BeforeUnloadEvent): void => {
    if (this.isUnsaved) event.preventDefault();
  };

  /** A link of the page that leads away from changes that are not saved. */
  private readonly leaving = (event: MouseEvent): void => {
    const anchor = event.composedPath().find((each): each is HTMLAnchorElement => each instanceof HTMLAnchorElement && each.hasAttribute("href"));
    if (anchor === undefined || anchor.target === "_blank" || event.ctrlKey || event.metaKey || event.shiftKey || !this.isUnsaved) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.wayOut = anchor;
  };

  private readonly stay = (): void => this.renderRoot.querySelector<EventshipDialog>("eventship-dialog")?.close();

  private leave(anchor: HTMLAnchorElement): void {
    this.discard();
    this.wayOut = null;
    anchor.click();
  }

  private readonly discard = (): void => {
    if (this.shown) this.take(this.shown);
    Object.assign(this, { refusal: null, asking: null, announced: t.trial.discarded });
    this.focusOn("#heading");
  };

  private readonly change = (changes: Partial<Draft>): void => {
    if (this.draft && this.shown) {
      this.draft = { ...this.draft, ...changes };
      if (this.isUnsaved) keep(this.place, this.user, this.shown.version, this.draft);
      else drop(this.place);
    }
    Object.assign(this, { announced: "", asking: null, refusal: null, isBack: false });
  };

  private readonly edit = (rules: readonly Rule[]): void => {
    this.edited = rules;
  };

  private readonly removeRules = (rules: readonly Rule[]): void => {
    if (this.draft) this.change(rules.reduce((draft, rule) => withoutRule(draft, rule, this.hosts), this.draft));
    this.focusOn("#add-rule");
  };

  private readonly switchOff = (rules: readonly Rule[]): void => {
    if (this.draft) this.change(withRules(this.draft, rules.map((each) => ({ ...each, mode: "off" as const }))));
    this.focusOn("#add-rule");
  };

  /** The first of these that is there once the page shows what was done: what had focus may be gone. */
  private focusOn(...selectors: readonly string[]): void {
    void this.updateComplete.then(() => selectors.map((each) => this.renderRoot.querySelector<HTMLElement>(each)).find(Boolean)?.focus());
  }

  private readonly mapRequired = (field: RequiredField): void => {
    this.edit([newRule(field.object as ObjectName, field.field)]);
  };

  private accept({ rule, objects, field }: Suggestion): void {
    if (this.draft) this.change(withRules(this.draft, objects.map((object) => ({ ...rule, object }))));
    this.announced = t.trial.accepted(field);
    this.focusOn("#suggested button", "#add-rule");
  }

  private readonly ruleDone = async (event: CustomEvent<readonly Rule[]>): Promise<void> => {
    if (this.draft) this.change(withRules(this.draft, event.detail, this.edited ?? []));
    this.edited = null;
    await this.check();
  };

  private readonly exampleMade = (event: CustomEvent<ExampleMade>): void => {
    const { example, given } = event.detail;
    this.example = example ?? this.example;
    this.reach = [given, example?.reach ?? null];
  };

  /** What becomes of the example's person with these rules over the draft. */
  private readonly tryOut = async (rules: readonly Rule[]): Promise<MappingExample | null> => {
    if (this.draft === null) return null;
    const draft = rules.reduce((before, rule) => withRule(before, rule), this.draft);
    const person = this.example?.registration?.registration_id ?? null;
    return this.mapping.preview({ mapping: givenOf(draft, this.hosts), registration_id: person, count: false }).catch(() => null);
  };

  private readonly copied = (event: CustomEvent<MappingShown>): void => {
    this.take(event.detail);
    this.focusOn("#heading");
    this.announced = t.trial.copied(event.detail.retried);
    this.tell("salesforce-mapping-saved", { hostId: this.hostId, retried: event.detail.retried });
  };

  private readonly reset = (): Promise<void> => this.act("save", async () => {
    const { turn } = this;
    const shown = await this.mapping.reset();
    if (turn !== this.turn) return;
    this.take(shown);
    this.asking = null;
    this.announced = t.trial.wasReset;
    this.focusOn("#heading");
  });

  /** Judges the draft: the findings shown are the draft's from then on. */
  private readonly check = (): Promise<void> => this.act("check", async (draft) => {
    const { turn } = this;
    const judged = await this.mapping.validate(givenOf(draft, this.hosts));
    if (turn !== this.turn) return;
    this.judged(judged);
    await this.loadObjects();
    const open = this.shown?.required_without_value.filter((each) => !each.is_filled).length ?? 0;
    this.announced = t.mapping.checked((this.shown?.findings.length ?? 0) + open);
  });

  private readonly checkAndSave = async (): Promise<void> => {
    const { turn } = this;
    await this.check();
    if (turn !== this.turn || this.refusal !== null || this.shown === null) return;
    if (refusals(this.shown) > 0) this.ask("save");
    else await this.save();
  };

  private readonly save = (): Promise<void> => this.act("save", async (draft) => {
    const { turn } = this;
    const saved = await this.mapping.save({ ...givenOf(draft, this.hosts), version: this.shown?.version ?? null });
    if (turn !== this.turn) return;
    this.asking = null;
    const since = this.draft;
    this.take(saved);
    // What was changed while it was being saved is not saved yet.
    if (since !== null && since !== draft) this.change(since);
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
