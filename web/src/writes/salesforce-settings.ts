/** `<salesforce-settings host-id>`: what a host has written of every event without a choice of its own. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { Card, SettingsShown, SettingsWanted } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { failedActionView, loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { EVENT_KINDS, eventKindName, kindName, kindsOf, switchedStyle, switchStyle, switchView } from "./kinds";

type Texts = Readonly<Record<string, string>>;

export class SalesforceSettings extends EventshipElement {
  static override styles = [look, controls, switchStyle, switchedStyle, css`
    .fields { display: grid; gap: 0.75em 1em; grid-template-columns: minmax(0, 1fr); align-items: start; }
    @container (min-width: 640px) { .fields { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
    section section { border-block-start: 1px solid var(--line); padding-block-start: 1em; }
    fieldset legend { font-weight: 600; padding: 0; }
    textarea { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--field); border-radius: calc(var(--radius) * 0.7); padding: 0.4em 0.7em; inline-size: 100%; min-block-size: 5em; }
    .said { position: sticky; inset-block-end: 0.75em; background: var(--paper); border: 1px solid var(--line); border-radius: var(--radius); padding: 0.6em 0.9em; box-shadow: 0 4px 18px rgb(10 12 18 / 18%); }
    .said.silent { border: 0; padding: 0; box-shadow: none; }
    textarea:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    settings: { state: true }, card: { state: true }, problem: { state: true }, changedLast: { state: true }, busy: { state: true },
  };

  private declare settings: SettingsShown | null;
  private declare card: Card | null;
  private declare problem: ApiProblem | null;
  /** The name of what was changed last. */
  private declare changedLast: string;
  private declare busy: string | null;

  private saving: Promise<void> = Promise.resolve();

  constructor() {
    super();
    Object.assign(this, { settings: null, card: null, problem: null, changedLast: "", busy: null });
  }

  private get mayChange(): boolean {
    return this.card !== null && this.card.role !== "member";
  }

  protected override updated(changed: PropertyValues): void {
    // What was said and not done of one host is not tried again on another.
    if (changed.has("hostId")) Object.assign(this, { card: null, settings: null, problem: null, failedAction: null, changedLast: "" });
    if (this.hasNewSource(changed) && this.getToken !== null && this.hostId !== "") void this.load();
  }

  private async load(): Promise<void> {
    const { hostId } = this;
    const host = this.api.host(hostId);
    try {
      const [card, settings] = await Promise.all([host.card(), host.settings()]);
      if (hostId === this.hostId) Object.assign(this, { card, settings, problem: null });
    } catch (error) {
      if (hostId === this.hostId) this.problem = this.problemIn(error);
    }
  }

  protected override render() {
    return html`<section class="panel stack" aria-labelledby="heading">
      <h2 id="heading">${t.settings.heading}</h2><p class="dim">${t.settings.intro}</p>
      ${this.card === null || this.mayChange ? nothing : html`<p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load() }) : nothing}
      ${this.settings ? this.settingsView(this.settings) : this.problem ? nothing : loadingView()}
      ${this.saidView()}
    </section>`;
  }

  /** Stays in sight, wherever on the page somebody changes something. */
  private saidView(): View {
    const { failedAction: failed } = this;
    return html`<div class="said ${failed === null && this.announced === "" ? "silent" : ""}">
      ${failed?.problem.body.code === "PayloadInvalid"
        ? html`<div class="note bad" role="alert"><strong>${t.settings.notTaken(this.changedLast)}</strong></div>`
        : failedActionView(failed, this.docsBase)}
      <p role="status">${this.announced}</p></div>`;
  }

  private settingsView(settings: SettingsShown): View {
    return html`${this.sectionView("kinds", t.settings.kindsHeading, html`<div class="switches">${kindsOf<boolean>(settings.writes).map(([kind, isOn]) => this.kindView(kind, isOn))}</div>`)}
      ${this.sectionView("new", t.settings.newEventsHeading, html`<fieldset ?disabled=${!this.mayChange}><legend class="sr">${t.settings.newEventsHeading}</legend>
        ${Object.entries(t.settings.newEvents).map(([value, text]) => html`<label class="pick"><input type="radio" name="new_events" value=${value} .checked=${settings.new_events === value}
          @change=${() => this.save(t.settings.newEventsHeading, { new_events: value as "sync" })}>${text}</label>`)}</fieldset><p class="small dim">${t.settings.newEventsHint}</p>`)}
      ${this.sectionView("task", t.settings.tasksHeading, this.selectView("task-owner", t.settings.owner, t.settings.owners, settings.task.owner, (owner) => ({ task: { owner: owner as "organizer" } })))}
      ${this.calendarView(settings)}
      ${this.caseView(settings)}
      ${this.sectionView("email", t.settings.emailHeading, this.selectView("email-as", t.settings.emailAs, t.settings.emailAsOptions, settings.email.as, (as) => ({ email: { as: as as "auto" } })))}
      ${this.sectionView("links", t.settings.linksHeading, this.selectView("general-links", t.settings.generalLinks, t.settings.generalLinksOptions, settings.general_links,
        (value) => ({ general_links: value as "lead" })))}
      ${this.limitsView(settings)}
      ${this.exclusionsView(settings)}`;
  }

  private sectionView(id: string, heading: string, content: View): View {
    return html`<section class="stack" aria-labelledby="${id}-heading"><h3 id="${id}-heading">${heading}</h3>${content}</section>`;
  }

  private kindView(kind: string, isOn: boolean): View {
    const name = kindName(kind);
    const said = isOn ? t.writes.turned.kindOff(name) : t.writes.turned.kindOn(name);
    return switchView({
      id: `kind-${kind}`, name, hint: t.writes.kindHints[kind], isOn, isBusy: this.busy === name, mayChange: this.mayChange,
      turn: () => this.save(name, { writes: { [kind]: !isOn } }, said),
    });
  }

  private calendarView({ calendar_event: chosen, writes }: SettingsShown): View {
    const set = (wish: SettingsWanted["calendar_event"]): SettingsWanted => ({ calendar_event: wish ?? null });
    return this.sectionView("calendar", t.settings.calendarHeading, html`${offHint(writes.calendar_event)}
      ${this.kindsView("calendar", t.settings.calendarHeading, chosen.kinds, (kinds) => set({ kinds }))}
      <div class="fields">${this.selectView("show-as", t.settings.showAs, t.settings.showAsOptions, chosen.show_as, (value) => set({ show_as: value as "busy" }))}
        ${this.selectView("calendar-owner", t.settings.owner, t.settings.owners, chosen.owner, (owner) => set({ owner: owner as "organizer" }))}
        ${this.inputView("minutes", t.settings.minutes, "number", String(chosen.default_minutes), (text) => set({ default_minutes: Number(text) }), { min: 1, max: 1440 })}</div>`);
  }

  private caseView({ case: chosen, writes }: SettingsShown): View {
    return this.sectionView("case", t.settings.caseHeading, html`${offHint(writes.case)}
      ${this.kindsView("case", t.settings.caseHeading, chosen.kinds, (kinds) => ({ case: { kinds } }))}
      <div class="fields">${this.inputView("origin", t.settings.origin, "text", chosen.origin, (origin) => ({ case: { origin } }), { hint: t.settings.originHint })}</div>
      ${this.tickView(t.settings.close, chosen.close_when_completed, (isTicked) => ({ case: { close_when_completed: isTicked } }))}`);
  }

  private limitsView(settings: SettingsShown): View {
    return this.sectionView("other", t.settings.otherHeading, html`
      <div class="fields">${this.inputView("cap", t.settings.cap, "number", String(settings.cap_percent), (text) => ({ cap_percent: Number(text) }), { min: 1, max: 100 })}
        ${this.inputView("months", t.settings.months, "number", String(settings.personal_data_months), (text) => ({ personal_data_months: Number(text) }), { min: 0, max: 120, hint: t.settings.monthsHint })}</div>
      ${this.tickView(t.settings.automatic, settings.automatic_campaigns, (isTicked) => ({ automatic_campaigns: isTicked }))}`);
  }

  private exclusionsView({ exclusions }: SettingsShown): View {
    const lists = [["domains", t.settings.domains], ["addresses", t.settings.addresses], ["ticket_kinds", t.settings.ticketKinds]] as const;
    return this.sectionView("exclusions", t.settings.exclusionsHeading, html`<div class="fields">${lists.map(([list, name]) => html`<div>
      <label class="name" for=${list}>${name}</label><textarea id=${list} aria-describedby="${list}-hint" spellcheck="false" ?disabled=${!this.mayChange} .value=${exclusions[list].join("\n")}
        @change=${(event: Event) => this.save(name, { exclusions: { ...exclusions, [list]: linesOf((event.target as HTMLTextAreaElement).value) } })}></textarea>
      <p class="small dim" id="${list}-hint">${t.settings.perLine[list]}</p></div>`)}</div>`);
  }

  /** For which kinds of event it is written. A kind that we do not know stays chosen. */
  private kindsView(id: string, heading: string, chosen: readonly string[], wish: (kinds: readonly string[]) => SettingsWanted): View {
    const kinds = [...new Set([...EVENT_KINDS, ...chosen])];
    const turn = (kind: string, isTicked: boolean): void => this.save(heading, wish(kinds.filter((each) => (each === kind ? isTicked : chosen.includes(each)))));
    return html`<fieldset ?disabled=${!this.mayChange} aria-describedby="${id}-kinds"><legend>${t.settings.kinds}</legend><div class="line">
      ${kinds.map((kind) => html`<label class="pick"><input type="checkbox" .checked=${chosen.includes(kind)} @change=${(event: Event) => turn(kind, (event.target as HTMLInputElement).checked)}>
        ${eventKindName(kind)}</label>`)}</div><p class="small dim" id="${id}-kinds">${t.settings.kindsHint}</p></fieldset>`;
  }

  private selectView(id: string, name: string, options: Texts, chosen: string, wish: (value: string) => SettingsWanted): View {
    const values = Object.hasOwn(options, chosen) ? Object.keys(options) : [...Object.keys(options), chosen];
    return html`<div><label class="name" for=${id}>${name}</label><select id=${id} ?disabled=${!this.mayChange} @change=${(event: Event) => this.save(name, wish((event.target as HTMLSelectElement).value))}>
      ${values.map((value) => html`<option value=${value} .selected=${value === chosen}>${options[value] ?? value}</option>`)}</select></div>`;
  }

  private inputView(
    id: string, name: string, type: "text" | "number", value: string, wish: (text: string) => SettingsWanted, how: { min?: number; max?: number; hint?: string } = {},
  ): View {
    return html`<div><label class="name" for=${id}>${name}</label><input id=${id} type=${type} min=${how.min ?? nothing} max=${how.max ?? nothing} aria-describedby="${id}-hint" ?disabled=${!this.mayChange}
      required .value=${value} @change=${(event: Event) => {
        const input = event.target as HTMLInputElement;
        if (input.reportValidity()) this.save(name, wish(input.value));
      }}><p class="small dim" id="${id}-hint">${how.hint ?? nothing}</p></div>`;
  }

  private tickView(name: string, isTicked: boolean, wish: (isTicked: boolean) => SettingsWanted): View {
    return html`<label class="pick"><input type="checkbox" .checked=${isTicked} ?disabled=${!this.mayChange}
      @change=${(event: Event) => this.save(name, wish((event.target as HTMLInputElement).checked))}>${name}</label>`;
  }

  /** One after the other: the answer to a change has all of the settings. */
  private save(name: string, wish: SettingsWanted, said = t.settings.saved(name)): void {
    const { hostId } = this;
    this.saving = this.saving.then(async () => {
      Object.assign(this, { busy: name, changedLast: name, announced: "" });
      await this.perform(t.settings.notSaved(name), async () => {
        const settings = await this.api.host(hostId).setSettings(wish);
        if (hostId === this.hostId) Object.assign(this, { settings, announced: said });
      });
      this.busy = null;
    });
  }
}

function offHint(isOn: boolean): View {
  return isOn ? nothing : html`<p class="small dim">${t.settings.isOffHint}</p>`;
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

define("salesforce-settings", SalesforceSettings);
