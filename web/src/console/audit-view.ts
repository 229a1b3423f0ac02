/** `<eventship-audit host-id>`: who did what about a host's Salesforce, in words, newest first. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import { ApiProblem } from "../api/client";
import type { AuditPage, AuditShown } from "../api/schema";
import { moment, words } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";

/** What the filter tells apart; an action is named by what comes after its first dot. */
const AREAS: Readonly<Record<string, readonly string[]>> = {
  connection: ["connected", "connect_failed", "disconnected", "connection_ended", "connection_reopened", "restored", "user_connected", "user_connect_failed", "user_disconnected"],
  app: ["byo_credentials_set", "byo_credentials_cleared", "app_mode_set"],
  campaigns: ["campaign_linked", "campaign_unlinked", "campaign_statuses_changed", "campaign_asked_for", "campaign_created", "links_exported"],
  writing: ["paused", "resumed", "event_paused", "event_resumed", "settings_changed", "event_settings_changed", "events_settings_changed", "mapping_changed"],
  registrations: ["retry", "repair", "backfill_started", "backfill_cancelled", "verification_started", "registration_excluded", "registration_included", "rows_exported"],
  privacy: ["attendee_erased", "personal_data_removed"],
};

export class Audit extends EventshipElement {
  static override styles = [look, controls, css`
    li { padding-block: 0.6em; }
    li + li { border-block-start: 1px solid var(--line); }
    .fields { display: grid; gap: 0.75em 1em; grid-template-columns: repeat(auto-fit, minmax(14em, 1fr)); }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    items: { state: true }, cursor: { state: true }, area: { state: true }, actor: { state: true }, problem: { state: true }, isBusy: { state: true },
  };

  private declare items: readonly AuditShown[] | null;
  private declare cursor: string | null;
  private declare area: string;
  private declare actor: string;
  private declare problem: ApiProblem | null;
  private declare isBusy: boolean;
  private latest = 0;

  constructor() {
    super();
    Object.assign(this, { items: null, cursor: null, area: "", actor: "", problem: null, isBusy: false });
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "apiBase", "getToken"].some((name) => changed.has(name)) && this.getToken !== null && this.hostId !== "") void this.load(null);
  }

  protected override render() {
    const { audit } = words;
    return html`<section class="panel stack" aria-labelledby="heading"><h2 id="heading" tabindex="-1">${audit.heading}</h2><p class="dim">${audit.intro}</p>
      <div class="fields"><div><label class="name" for="area">${audit.area}</label><select id="area" @change=${this.chooseArea}>
          <option value="">${audit.everything}</option>${Object.keys(AREAS).map((area) => html`<option value=${area} .selected=${this.area === area}>${audit.areas[area]}</option>`)}</select></div>
        <div><label class="name" for="actor">${audit.actor}</label><input id="actor" autocomplete="off" spellcheck="false" .value=${this.actor} @change=${this.chooseActor}></div></div>
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load(null) }) : nothing}
      ${this.items === null ? (this.problem ? nothing : loadingView()) : this.itemsView(this.items)}
      <p class="sr" role="status">${this.announced}</p></section>`;
  }

  private itemsView(items: readonly AuditShown[]): View {
    if (items.length === 0) return html`<p class="dim">${words.audit.none}</p>`;
    return html`<ul>${items.map((item) => itemView(item))}</ul>
      ${this.cursor ? html`<p><button class="quiet" ?disabled=${this.isBusy} @click=${this.more}>${words.audit.more}</button></p>` : nothing}`;
  }

  private readonly chooseArea = (event: Event): void => {
    this.area = (event.target as HTMLSelectElement).value;
    void this.load(null);
  };

  private readonly chooseActor = (event: Event): void => {
    this.actor = (event.target as HTMLInputElement).value.trim();
    void this.load(null);
  };

  private readonly more = async (): Promise<void> => {
    const before = this.items?.length ?? 0;
    await this.load(this.cursor);
    await this.updateComplete;
    this.renderRoot.querySelectorAll<HTMLElement>("li")[before]?.focus();
  };

  private async load(cursor: string | null): Promise<void> {
    const number = (this.latest += 1);
    const search = new URLSearchParams({ limit: "25", ...(cursor === null ? {} : { cursor }), ...(this.actor ? { actor: this.actor } : {}) });
    for (const name of AREAS[this.area] ?? []) search.append("action", `salesforce.${name}`);
    this.isBusy = true;
    try {
      const page = await this.api.call<AuditPage>("GET", `/v1/hosts/${encodeURIComponent(this.hostId)}/salesforce/audit?${search}`);
      if (number !== this.latest) return;
      const items = cursor === null ? page.items : [...(this.items ?? []), ...page.items];
      Object.assign(this, { items, cursor: page.next_cursor, problem: null, announced: words.audit.count(items.length) });
    } catch (error) {
      if (number === this.latest) this.problem = this.problemIn(error);
    } finally {
      this.isBusy = false;
    }
  }
}

function itemView({ at, actor, action, details }: AuditShown): View {
  const { audit } = words;
  const name = action.slice(action.indexOf(".") + 1);
  const facts = Object.entries(details).flatMap(([key, value]) => {
    const label = audit.facts[key];
    return label && ["string", "number"].includes(typeof value) ? [`${label} ${String(value)}`] : [];
  });
  return html`<li tabindex="-1" data-action=${action}><p><strong>${audit.actions[name] ?? action}</strong></p>
    <p class="small dim">${moment(at)} · ${audit.actors[actor] ?? actor}${action.startsWith("ops.") ? ` · ${audit.byOperations}` : ""}</p>
    ${facts.length === 0 ? nothing : html`<p class="small">${facts.join(" · ")}</p>`}</li>`;
}

define("eventship-audit", Audit);
