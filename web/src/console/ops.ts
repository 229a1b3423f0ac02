/** Operations across hosts: its pages, and the way between them. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { GetToken } from "../api/client";
import { words } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { controls, look } from "../ui/styles";
import type { View } from "../ui/views";
import "./ops-host";
import "./ops-list";
import "./ops-orgs";
import "./ops-overview";
import { opsAddress } from "./ops-place";

interface About {
  readonly item: string | null;
  readonly ownHosts: ReadonlySet<string>;
  readonly getToken: GetToken | null;
}

/** The pages, each with the entry of the navigation that it belongs to. */
const PAGES: Readonly<Record<string, { readonly under: string; readonly view: (about: About) => View }>> = {
  "": { under: "", view: (at) => html`<ops-overview .getToken=${at.getToken}></ops-overview>` },
  orgs: { under: "orgs", view: (at) => html`<ops-orgs .item=${at.item} .getToken=${at.getToken}></ops-orgs>` },
  org: { under: "orgs", view: (at) => html`<ops-org .item=${at.item} .getToken=${at.getToken}></ops-org>` },
  host: { under: "orgs", view: (at) => html`<ops-host .item=${at.item} .ownHosts=${at.ownHosts} .getToken=${at.getToken}></ops-host>` },
  rows: { under: "rows", view: (at) => html`<ops-rows .item=${at.item} .getToken=${at.getToken}></ops-rows>` },
  row: { under: "rows", view: (at) => html`<ops-row .item=${at.item} .ownHosts=${at.ownHosts} .getToken=${at.getToken}></ops-row>` },
  webhooks: { under: "webhooks", view: (at) => html`<ops-webhooks .item=${at.item} .getToken=${at.getToken}></ops-webhooks>` },
  notifications: { under: "notifications", view: (at) => html`<ops-notifications .item=${at.item} .getToken=${at.getToken}></ops-notifications>` },
  leases: { under: "leases", view: (at) => html`<ops-leases .item=${at.item} .getToken=${at.getToken}></ops-leases>` },
  log: { under: "log", view: (at) => html`<ops-log .item=${at.item} .getToken=${at.getToken}></ops-log>` },
};

export class Operations extends EventshipElement {
  static override styles = [look, controls, css`
    :host { display: grid; gap: 1em; grid-template-columns: minmax(0, 1fr); }
    nav ul { display: flex; flex-wrap: wrap; gap: 0.25em; }
    nav a { display: inline-flex; align-items: center; padding: 0.35em 0.8em; border-radius: 7px; text-decoration: none; overflow-wrap: normal; }
    nav a[aria-current] { background: var(--paper); box-shadow: inset 0 0 0 1px var(--line); font-weight: 600; }
    @media (max-width: 640px) { nav a { min-block-size: 44px; } }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties, page: { attribute: false }, item: { attribute: false }, ownHosts: { attribute: false },
  };

  declare page: string | null;
  declare item: string | null;
  declare ownHosts: ReadonlySet<string>;

  constructor() {
    super();
    Object.assign(this, { page: null, item: null, ownHosts: new Set() });
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has("page") || changed.get("page") === undefined) return;
    window.scrollTo({ top: 0 });
    void this.toHeading();
  }

  /** A reader who came from another page begins at the heading of this one. */
  private async toHeading(): Promise<void> {
    const page = this.renderRoot.querySelector<EventshipElement>("[data-page] > *");
    await page?.updateComplete;
    page?.renderRoot.querySelector<HTMLElement>("h2")?.focus();
  }

  protected override render() {
    const { ops } = words;
    const page = PAGES[this.page ?? ""] ?? PAGES[""];
    return html`<nav aria-label=${ops.navigation}><ul>${Object.entries(ops.pages).map(([name, text]) => html`<li><a href=${opsAddress(name)} aria-current=${page?.under === name ? "page" : nothing}>${text}</a></li>`)}</ul></nav>
      <div data-page=${this.page ?? ""}>${page?.view(this)}</div>`;
  }
}

define("eventship-operations", Operations);
