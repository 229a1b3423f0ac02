/** Whether an event is written, and which kinds: the host's choice, or the event's own over it. */

import { html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem, EventApi } from "../api/client";
import type { EventSettingsShown, EventSettingsToSet, Switch } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { failedActionView, loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { kindName, kindsOf, switchedStyle, switchStyle, switchView } from "./kinds";

const MASTER = "enabled";

export class EventSwitches extends EventshipElement {
  static override styles = [look, controls, switchStyle, switchedStyle];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, mayChange: { attribute: false }, version: { attribute: false },
    settings: { state: true }, problem: { state: true }, busy: { state: true }, turnedOn: { state: true },
  };

  declare eventId: string;
  declare mayChange: boolean;
  /** Rises when the settings may have changed elsewhere: they are asked for again. */
  declare version: number;
  private declare settings: EventSettingsShown | null;
  private declare problem: ApiProblem | null;
  private declare busy: string | null;
  /** The kind that was switched on here last: what was before may be written, too. */
  private declare turnedOn: string | null;

  constructor() {
    super();
    Object.assign(this, { eventId: "", mayChange: false, version: 0, settings: null, problem: null, busy: null, turnedOn: null });
  }

  private get event(): EventApi {
    return this.api.event(this.hostId, this.eventId);
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "eventId", "getToken", "version"].some((name) => changed.has(name))) void this.load();
  }

  private async load(): Promise<void> {
    if (this.getToken === null || this.eventId === "") return;
    try {
      this.settings = await this.event.settings();
      this.problem = null;
    } catch (error) {
      this.problem = this.problemIn(error);
    }
  }

  protected override render() {
    return html`<section class="stack" aria-labelledby="heading">
      <h3 id="heading">${t.writes.heading}</h3>
      ${this.settings ? this.settingsView(this.settings) : this.problem ? nothing : loadingView()}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load() }) : nothing}
      ${failedActionView(this.failedAction, this.docsBase)}
      <p class="small" role="status">${this.announced}</p>
      ${this.turnedOn && this.mayChange ? html`<p class="line small"><span class="dim">${t.writes.earlierText}</span>
        <button class="quiet" ?disabled=${this.busy !== null} @click=${this.writeEarlier}>${t.writes.earlier}</button></p>` : nothing}
    </section>`;
  }

  private settingsView({ enabled, writes }: EventSettingsShown): View {
    const isOn = enabled.value;
    const kinds = kindsOf<Switch>(writes);
    const on = kinds.filter(([, each]) => each.value).map(([kind]) => kindName(kind));
    return html`${switchView({
      id: MASTER, name: t.writes.event, isOn, hint: `${isOn ? t.writes.eventOn : t.writes.eventOff} ${isOn ? t.writes.ifOff : t.writes.ifOn}`, isBusy: this.busy === MASTER,
      mayChange: this.mayChange, turn: () => void this.turn(MASTER, { enabled: !isOn }, isOn ? t.writes.turned.eventOff : t.writes.turned.eventOn),
    })}
    <details><summary>${t.writes.kindsOf(on)}</summary><div class="stack">
      <p class="small dim">${t.writes.kindsHolding}</p>
      <div class="switches">${kinds.map(([kind, each]) => this.kindView(kind, each))}</div></div></details>
    ${this.mayChange ? nothing : html`<p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`}`;
  }

  private kindView(kind: string, { value, from }: Switch): View {
    const name = kindName(kind);
    const said = value ? t.writes.turned.kindOff(name) : t.writes.turned.kindOn(name);
    const release = this.mayChange
      ? html`<button class="plain" aria-label=${t.writes.releaseOf(name)} @click=${() => this.turn(kind, { writes: { [kind]: null } }, null)}><span aria-hidden="true">↺</span> ${t.writes.release}</button>` : nothing;
    return switchView(
      { id: kind, name, hint: t.writes.kindHints[kind], isOn: value, isBusy: this.busy === kind, mayChange: this.mayChange, turn: () => void this.turn(kind, { writes: { [kind]: !value } }, said) },
      from === "event" ? html`<span class="own">${t.writes.own}</span>${release}` : html`<span class="dim">${t.writes.inherited}</span>`,
    );
  }

  /** `said` is null where the host's choice comes back: then what holds now is said. */
  private async turn(what: string, wanted: EventSettingsToSet, said: string | null): Promise<void> {
    if (this.busy !== null) return;
    await this.act(what, t.notDone.change, async () => {
      Object.assign(this, { announced: "", turnedOn: null });
      const before = this.isWritten(what);
      this.settings = await this.event.setSettings(wanted);
      const isOn = this.isWritten(what);
      this.announced = said ?? t.writes.turned.released(kindName(what), isOn);
      if (what !== MASTER && isOn && !before) this.turnedOn = what;
      this.tell("settings-changed", this.settings);
    });
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`#${what}`)?.focus();
  }

  private isWritten(what: string): boolean {
    const { enabled, writes } = this.settings ?? { enabled: { value: false }, writes: {} };
    return what === MASTER ? enabled.value : (kindsOf<Switch>(writes).find(([kind]) => kind === what)?.[1].value ?? false);
  }

  private readonly writeEarlier = (): Promise<void> => this.act("earlier", t.notDone.backfill, async () => {
    const { total } = await this.event.startBackfill("request");
    Object.assign(this, { announced: t.writes.earlierStarted(total), turnedOn: null });
    this.tell("settings-changed", this.settings);
  });

  private async act(what: string, notDone: string, deed: () => Promise<void>): Promise<void> {
    await this.perform(notDone, async () => {
      this.busy = what;
      try {
        await deed();
      } finally {
        this.busy = null;
      }
    });
  }
}

define("salesforce-event-switches", EventSwitches);
