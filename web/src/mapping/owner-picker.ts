/** A user or a queue of the org, found and shown by name. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { HostApi } from "../api/client";
import type { OwnerFound, OwnersFound } from "../api/schema";
import { t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { controls, look } from "../ui/styles";
import type { View } from "../ui/views";

const PAUSE_MS = 300;

export class OwnerPicker extends EventshipElement {
  static override styles = [look, controls, css`:host { max-inline-size: 28em; }`];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    host: { attribute: false }, value: {}, isDisabled: { attribute: false }, refused: { attribute: false }, found: { state: true }, chosen: { state: true }, hasFailed: { state: true }, q: { state: true },
  };

  declare host: HostApi | null;
  /** The id that is chosen; empty for none. */
  declare value: string;
  declare isDisabled: boolean;
  /** Why the service did not take it. */
  declare refused: string;
  private declare found: OwnersFound | null;
  private declare chosen: OwnerFound | null;
  private declare hasFailed: boolean;
  private declare q: string;
  private timer = 0;

  constructor() {
    super();
    Object.assign(this, { host: null, value: "", isDisabled: false, refused: "", found: null, chosen: null, hasFailed: false, q: "" });
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("value") && this.value !== this.chosen?.id) void this.nameIt(this.value);
  }

  private async nameIt(id: string): Promise<void> {
    const found = await this.ask(id);
    if (id === this.value) this.chosen = id === "" ? null : (found?.items.find((each) => each.id === id) ?? null);
    if (id === "") this.found = found;
  }

  private async ask(q: string): Promise<OwnersFound | null> {
    try {
      const found = (await this.host?.owners(q)) ?? null;
      this.hasFailed = false;
      return found;
    } catch (error) {
      this.problemIn(error);
      this.hasFailed = true;
      return null;
    }
  }

  private readonly search = async (): Promise<void> => {
    const { q } = this;
    const found = await this.ask(q);
    if (q === this.q) this.found = found;
  };

  private readonly pick = async (owner: OwnerFound | null): Promise<void> => {
    this.chosen = owner;
    this.value = owner?.id ?? "";
    this.q = "";
    this.tell("owner-chosen", this.value);
    if (owner === null) await this.search();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("input, button")?.focus();
  };

  protected override render() {
    const { chosen } = this;
    if (chosen) {
      return html`<p class="line"><span>${t.trial.ownerChosen(chosen.name)} <span class="small dim">${kindOf(chosen)}</span></span>
        <button class="quiet" ?disabled=${this.isDisabled} @click=${() => this.pick(null)}>${t.trial.changeOwner}</button></p>${this.refusedView()}`;
    }
    return html`<label class="name" for="owner">${t.trial.ownerSearch}</label>
      <input id="owner" autocomplete="off" maxlength="100" ?disabled=${this.isDisabled} aria-describedby="hint" aria-invalid=${this.refused !== ""} .value=${this.q || this.value} @input=${this.typed}>
      <p id="hint" class="small dim">${this.hasFailed ? t.trial.ownerFailed : t.trial.ownerHint}</p>${this.refusedView()}
      ${this.found === null ? nothing : this.listView(this.found)}`;
  }

  private refusedView(): View {
    return this.refused === "" ? nothing : html`<p class="note bad small" role="alert">${this.refused}</p>`;
  }

  private listView({ items, has_more: hasMore }: OwnersFound): View {
    return html`<div role="status">${items.length === 0 ? html`<p class="small">${t.trial.ownerNone}</p>` : nothing}</div>
      <ul>${items.map((each) => html`<li><button class="plain" ?disabled=${this.isDisabled} @click=${() => this.pick(each)}>${each.name}</button> <span class="small dim">${kindOf(each)}</span></li>`)}</ul>
      ${hasMore ? html`<p class="small dim">${t.trial.ownerMore}</p>` : nothing}`;
  }

  /** What looks like an id is taken as one: names may be out of reach. */
  private readonly typed = (event: Event): void => {
    this.q = (event.target as HTMLInputElement).value;
    const id = this.q.trim();
    if (/^(005|00G)\w{12}(\w{3})?$/.test(id)) this.tell("owner-chosen", id);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.search(), PAUSE_MS);
  };
}

function kindOf(owner: OwnerFound): string {
  return owner.is_queue ? t.trial.queue : (owner.email ?? t.trial.user);
}

define("salesforce-owner-picker", OwnerPicker);
