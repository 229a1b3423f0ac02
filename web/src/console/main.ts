/** The console page: hosts and their events around the three elements, and the operations' view. */

import "../index";
import "../pages";
import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { EventListed, HostList, HostListed } from "../api/schema";
import { LANGUAGES, momentNamed, named, words } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { listEvents, listHosts } from "./directory";
import { chooseLanguage, languageName, takeLanguage } from "./language";
import "./ops";
import { backAddress, DOCUMENTS, EVENT_PAGES, HOST_PAGES, type Page } from "./pages";
import { eventAddress, hostAddress, type Place, placeOf } from "./place";
import { dropToken, takeToken } from "./token";

class Console extends EventshipElement {
  static override styles = [look, controls, css`
    :host { min-block-size: 100dvh; }
    .top { background: var(--paper); border-block-end: 1px solid var(--line); padding: 0.8em 1.25em; }
    .top div { max-inline-size: 62rem; margin-inline: auto; }
    main { max-inline-size: calc(62rem + 2.5em); margin-inline: auto; }
    main.wide { max-inline-size: 90rem; }
    main { padding: 1.25em; display: grid; gap: 1.25em; grid-template-columns: minmax(0, 1fr); }
    .top .line { row-gap: 0.25em; }
    .skip { position: absolute; inset-inline-start: 1em; inset-block-start: 0.5em; z-index: 1; background: var(--paper); padding: 0.5em 1em; border-radius: 7px; }
    .skip:not(:focus) { clip-path: inset(50%); block-size: 1px; overflow: hidden; }
    .brand { font-weight: 600; }
    .top select { inline-size: auto; min-block-size: 2em; padding-block: 0.1em; }
    nav ul { display: flex; flex-wrap: wrap; gap: 0.25em; }
    nav a { display: inline-block; padding: 0.3em 0.75em; border-radius: 7px; text-decoration: none; }
    nav a[aria-current] { background: var(--soft); font-weight: 600; }
    h1 { margin: 0; font-size: 1.4em; line-height: 1.3; justify-self: start; }
    h1 + p { margin-block-start: -1em; }
    .events li + li { border-block-start: 1px solid var(--line); }
    .events a { display: block; padding: 0.7em 0; text-decoration: none; }
    .events a:hover strong { text-decoration: underline; }
    code { font: 0.95em ui-monospace, monospace; background: var(--soft); padding: 0.4em 0.7em; border-radius: 6px; display: inline-block; }
  `];
  static override properties: PropertyDeclarations = {
    token: { state: true }, hosts: { state: true }, events: { state: true }, cursor: { state: true }, place: { state: true }, problem: { state: true },
  };

  private declare token: string | null;
  private declare hosts: HostList | null;
  private declare events: readonly EventListed[] | null;
  private declare cursor: string | null;
  private declare place: Place;
  private declare problem: ApiProblem | null;
  /** The reader went somewhere else: the focus goes to its heading once that is drawn. */
  private hasMoved = false;

  constructor() {
    super();
    Object.assign(this, { token: takeToken(), hosts: null, events: null, cursor: null, problem: null, place: placeOf(location.hash, location.search) });
    this.getToken = () => this.token ?? "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("hashchange", this.moved);
    this.addEventListener("eventship-token-refused", this.refused);
    if (this.token !== null) void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("hashchange", this.moved);
  }

  private async load(): Promise<void> {
    await this.attempt(async () => {
      const { token } = this;
      const hosts = await listHosts(this.api);
      if (token !== this.token) return;
      this.hosts = hosts;
      const first = this.hosts.items[0];
      if (this.place.hostId === null && !this.place.isOperations && first) this.place = { ...this.place, hostId: first.id };
      await this.loadEvents();
    });
  }

  private async loadEvents(): Promise<void> {
    const { hostId } = this.place;
    if (hostId === null) return;
    const page = await listEvents(this.api, hostId, null);
    if (hostId !== this.place.hostId) return;
    Object.assign(this, { events: page.items, cursor: page.next_cursor });
  }

  private readonly loadMore = (): Promise<void> => this.attempt(async () => {
    const { place: { hostId }, cursor } = this;
    const page = await listEvents(this.api, hostId ?? "", cursor);
    if (hostId !== this.place.hostId || cursor !== this.cursor) return;
    Object.assign(this, { events: [...(this.events ?? []), ...page.items], cursor: page.next_cursor });
  });

  private readonly moved = (): void => {
    const given = location.hash.startsWith("#token=") ? takeToken() : null;
    // Nothing that somebody else was shown stays.
    if (given !== null) Object.assign(this, { token: given, hosts: null, events: null, cursor: null, problem: null });
    const place = placeOf(location.hash, location.search);
    if (place.hostId !== this.place.hostId) Object.assign(this, { events: null, cursor: null });
    this.place = place;
    this.hasMoved = true;
    void (this.hosts === null || given !== null || (place.hostId === null && !place.isOperations) ? this.load() : this.attempt(() => this.loadEvents()));
  };

  private readonly refused = (): void => {
    dropToken();
    this.token = null;
    this.hosts = null;
  };

  private async attempt(deed: () => Promise<void>): Promise<void> {
    try {
      await deed();
      this.problem = null;
    } catch (error) {
      this.problem = this.problemIn(error);
    }
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    document.title = [...this.path, words.title].join(" — ");
    const heading = this.renderRoot.querySelector("h1");
    if (!this.hasMoved || heading === null) return;
    this.hasMoved = false;
    heading.focus();
    window.scrollTo(0, 0);
  }

  /** Where the reader is, from the inside out. */
  private get path(): readonly string[] {
    const { hostId, eventId, page, isOperations } = this.place;
    if (isOperations) return [page === null ? "" : named(words.ops.pages, page, ""), words.operations].filter(Boolean);
    const event = eventId === null ? "" : (this.events?.find((each) => each.id === eventId)?.title ?? words.event);
    return [this.page?.title() ?? "", event, this.hostName(hostId) ?? ""].filter(Boolean);
  }

  private hostName(hostId: string | null): string | null {
    return this.hosts?.items.find((host) => host.id === hostId)?.name ?? hostId;
  }

  private readonly skip = (event: Event): void => {
    event.preventDefault();
    this.renderRoot.querySelector("h1")?.focus();
  };

  protected override render() {
    return html`<a class="skip" href="#" @click=${this.skip}>${words.skip}</a>
      <header class="top"><div class="line apart"><span class="brand">${words.title}</span>${this.hosts ? this.navigation(this.hosts) : nothing}${this.languageView()}</div></header>
      <main class=${this.page?.isWide || this.place.isOperations ? "wide" : ""}>${this.headingView()}${this.token === null ? tokenView() : this.problem ? problemView(this.problem, { again: () => void this.load() }) : this.hosts ? this.placeView(this.hosts) : loadingView()}</main>`;
  }

  /** The host is seen; who hears the page is told all of where they are. */
  private headingView(): View {
    const { hostId, isOperations } = this.place;
    const seen = isOperations ? null : this.hostName(hostId);
    const path = this.path.filter((name) => name !== seen).join(" — ");
    if (this.token === null || this.hosts === null || this.path.length === 0) return html`<h1 class="sr" tabindex="-1">${words.title}</h1>`;
    return html`<h1 class=${seen === null ? "sr" : nothing} tabindex="-1">${seen}${seen && path ? html`<span class="sr"> — </span>` : nothing}<span class="sr">${path}</span></h1>`;
  }

  private languageView(): View {
    return html`<select aria-label=${words.language} @change=${(event: Event) => chooseLanguage((event.target as HTMLSelectElement).value)}>
      ${Object.keys(LANGUAGES).map((each) => html`<option value=${each} lang=${each} .selected=${each === this.language}>${languageName(each)}</option>`)}</select>`;
  }

  private navigation({ items, is_operations: isOperations }: HostList): View {
    const { place } = this;
    return html`<nav aria-label=${words.navigation}><ul>
      ${items.map((host) => html`<li><a href=${hostAddress(host.id)} aria-current=${place.hostId === host.id ? "page" : nothing}>${host.name ?? host.id}</a></li>`)}
      ${isOperations ? html`<li><a href="#/operations" aria-current=${place.isOperations ? "page" : nothing}>${words.operations}</a></li>` : nothing}
    </ul></nav>`;
  }

  /** The page beside the host's own; an unknown name shows the host. */
  private get page(): Page | null {
    const { eventId, page } = this.place;
    if (eventId !== null) return EVENT_PAGES[page ?? ""] ?? null;
    return page === null ? null : (HOST_PAGES[page] ?? null);
  }

  private placeView({ items }: HostList): View {
    const { hostId, eventId, page, itemId, isOperations } = this.place;
    if (isOperations) return html`<eventship-operations .page=${page} .item=${itemId} .ownHosts=${new Set(items.map((host) => host.id))} .getToken=${this.getToken}></eventship-operations>`;
    if (hostId === null) return html`<p class="panel">${words.noHosts}</p>`;
    const found = this.page;
    if (found === null) return this.hostView(items.find((host) => host.id === hostId) ?? null, hostId);
    const back = eventId !== null && page !== null ? words.backToEvent : words.allEvents;
    const own = eventId !== null && page === null ? html`<a href=${eventAddress(hostId, eventId, "mapping")}>${words.eventMapping}<span aria-hidden="true"> ›</span></a>` : nothing;
    return html`<p class="line apart"><a href=${backAddress(hostId, eventId, page)}><span aria-hidden="true">‹ </span>${back}</a>${own}</p>${found.view({ hostId, eventId: eventId ?? "", itemId, getToken: this.getToken })}`;
  }

  private hostView(host: HostListed | null, hostId: string): View {
    return html`<p class="small dim">${hostId}${host ? ` · ${named(words.roles, host.role, host.role)}` : nothing}</p>
      <salesforce-card host-id=${hostId} .getToken=${this.getToken} docs-base=${DOCUMENTS} host-name=${host?.name ?? hostId} return-to="/console/?host=${encodeURIComponent(hostId)}"></salesforce-card>
      <p class="line"><a href=${hostAddress(hostId, "mapping")}>${words.mapping}<span aria-hidden="true"> ›</span></a><a href=${hostAddress(hostId, "settings")}>${words.settings}<span aria-hidden="true"> ›</span></a><a href=${hostAddress(hostId, "matrix")}>${words.matrix}<span aria-hidden="true"> ›</span></a><a href=${hostAddress(hostId, "audit")}>${words.audit.heading}<span aria-hidden="true"> ›</span></a></p>
      <salesforce-user host-id=${hostId} .getToken=${this.getToken} docs-base=${DOCUMENTS} return-to="/console/?host=${encodeURIComponent(hostId)}"></salesforce-user>
      <section class="panel stack" aria-labelledby="events"><h2 id="events">${words.events}</h2>
        ${this.events === null ? loadingView() : this.events.length === 0 ? html`<p class="dim">${words.noEvents}</p>` : html`<ul class="events">${this.events.map((event) => this.eventLine(hostId, event))}</ul>`}
        ${this.cursor ? html`<p><button class="quiet" @click=${this.loadMore}>${words.moreEvents}</button></p>` : nothing}</section>`;
  }

  private eventLine(hostId: string, event: EventListed): View {
    const facts = [
      event.starts_at ? momentNamed(event.starts_at, event.timezone) : words.noDate, event.campaign_name ? words.campaign(event.campaign_name) : words.noCampaign,
      event.is_cancelled ? words.cancelled : "", event.is_paused ? words.paused : "",
    ].filter(Boolean);
    return html`<li><a href=${eventAddress(hostId, event.id)}><strong>${event.title}</strong><br><span class="small dim">${facts.join(" · ")}</span></a></li>`;
  }
}

function tokenView(): View {
  return html`<section class="panel stack"><h2>${words.noTokenTitle}</h2><p>${words.noTokenText}</p><p><code>${words.noTokenCommand}</code></p></section>`;
}

takeLanguage();
define("eventship-console", Console);
