/** Another event's or host's mapping, looked at and then taken in the place of this one. */

import { html, nothing, type PropertyDeclarations } from "lit";
import type { Api, ApiProblem } from "../api/client";
import type { EventList, HostList, MappingGiven, MappingShown } from "../api/schema";
import { named, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { problemView, type View } from "../ui/views";
import { countOwn, grouped, ruleOf } from "./draft";

/** An id, and what it is called. */
type Place = readonly [string, string];

export class MappingCopyPanel extends EventshipElement {
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: { attribute: false }, client: { attribute: false }, places: { state: true }, from: { state: true }, seen: { state: true }, problem: { state: true }, isBusy: { state: true },
  };

  declare eventId: string;
  declare client: Api | null;
  private declare places: readonly Place[] | null;
  private declare from: string;
  private declare seen: MappingShown | null;
  private declare problem: ApiProblem | null;
  private declare isBusy: boolean;

  constructor() {
    super();
    Object.assign(this, { eventId: "", client: null, places: null, from: "", seen: null, problem: null, isBusy: false });
  }

  protected override render() {
    return html`<details @toggle=${this.open}><summary>${t.trial.copyHeading}</summary>
      <div class="stack">${this.places === null ? nothing : this.chooseView(this.places)}
        ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}
        ${this.seen ? this.seenView(this.seen) : nothing}</div></details>`;
  }

  private chooseView(places: readonly Place[]): View {
    return html`<div class="line"><div><label class="name" for="from">${t.trial.copyFrom[this.eventId === "" ? "host" : "event"]}</label>
      <select id="from" @change=${(event: Event) => Object.assign(this, { from: (event.target as HTMLSelectElement).value, seen: null })}>
        <option value="">${t.mapping.choose}</option>${places.map(([id, name]) => html`<option value=${id} .selected=${id === this.from}>${name}</option>`)}</select></div>
      <button class="quiet" ?disabled=${this.from === "" || this.isBusy} @click=${this.look}>${t.trial.look}</button></div>`;
  }

  private seenView(seen: MappingShown): View {
    const given = seen.chosen as MappingGiven;
    if (countOwn(given) === 0) return html`<p role="status">${t.trial.copyNothing}</p>`;
    const rules = grouped((given.fields ?? []).map(ruleOf));
    const { create } = given.people ?? {};
    return html`<div class="note stack"><p role="status"><strong>${t.trial.copyRules(rules.length)}</strong>${create ? html` · ${t.mapping.create[create as keyof typeof t.mapping.create] ?? create}` : nothing}</p>
      <ul>${rules.map((group) => html`<li>${group[0]!.field} <span class="small dim">${group.map((each) => named(t.mapping.objects, each.object, each.object)).join(", ")} · ${group[0]!.mode === "off" ? t.mapping.modesShort["off"] : group[0]!.source}</span></li>`)}</ul>
      <p class="small dim">${t.trial.copyReplaces}</p><p><button ?disabled=${this.isBusy} @click=${this.copy}>${t.trial.copy}</button></p></div>`;
  }

  private readonly open = (event: Event): Promise<void> => this.act(async (client) => {
    if (!(event.target as HTMLDetailsElement).open || this.places !== null) return;
    if (this.eventId === "") {
      const { items } = await client.call<HostList>("GET", "/v1/hosts");
      this.places = items.filter((each) => each.id !== this.hostId).map((each) => [each.id, each.name ?? each.id]);
    } else {
      const { items } = await client.call<EventList>("GET", `/v1/hosts/${encodeURIComponent(this.hostId)}/events?limit=100`);
      this.places = items.filter((each) => each.id !== this.eventId).map((each) => [each.id, each.title]);
    }
  });

  private readonly look = (): Promise<void> => this.act(async (client) => {
    this.seen = await (this.eventId === "" ? client.mapping(this.from) : client.mapping(this.hostId, this.from)).read();
  });

  private readonly copy = (): Promise<void> => this.act(async (client) => {
    const from = this.eventId === "" ? { from_host_id: this.from } : { from_event_id: this.from };
    const copied = await client.mapping(this.hostId, this.eventId).copy(from);
    this.seen = null;
    this.tell("mapping-copied", copied);
  });

  private async act(deed: (client: Api) => Promise<void>): Promise<void> {
    if (this.client === null) return;
    Object.assign(this, { isBusy: true, problem: null });
    try {
      await deed(this.client);
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.isBusy = false;
    }
  }
}

define("salesforce-mapping-copy", MappingCopyPanel);
