/** `<salesforce-user host-id>`: who the person at the page is in Salesforce; for owners and admins, everybody. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { Card, ConnectedUsers, OwnUser, OwnUserView } from "../api/schema";
import { moment, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { loadingView, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import "./connect-dialog";

/** Told when somebody has connected their own user, from whichever element. */
export const USER_CONNECTED = "salesforce-user-connected";

export class SalesforceUser extends EventshipElement {
  static override styles = [look, controls, css`
    li + li { border-block-start: 1px solid var(--line); }
    li { padding-block: 0.5em; display: grid; gap: 0.1em 1em; grid-template-columns: repeat(auto-fit, minmax(14em, 1fr)); }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    display: {}, returnTo: { attribute: "return-to" },
    me: { state: true }, card: { state: true }, users: { state: true }, problem: { state: true }, isConnecting: { state: true }, isBusy: { state: true },
  };

  /** `popup` or `redirect`. */
  declare display: "popup" | "redirect";
  /** Where the browser comes back to: a page with a `<salesforce-card>`, which goes on with what came back. */
  declare returnTo: string;
  private declare me: OwnUserView | null;
  private declare card: Card | null;
  private declare users: ConnectedUsers | null;
  private declare problem: ApiProblem | null;
  private declare isConnecting: boolean;
  private declare isBusy: boolean;

  constructor() {
    super();
    Object.assign(this, { display: "popup", returnTo: "", me: null, card: null, users: null, problem: null, isConnecting: false, isBusy: false });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener(USER_CONNECTED, this.connected);
    document.addEventListener("salesforce-connected", this.reload);
    document.addEventListener("salesforce-disconnected", this.reload);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener(USER_CONNECTED, this.connected);
    document.removeEventListener("salesforce-connected", this.reload);
    document.removeEventListener("salesforce-disconnected", this.reload);
  }

  protected override updated(changed: PropertyValues): void {
    if (!this.hasNewSource(changed) || this.getToken === null || this.hostId === "") return;
    Object.assign(this, { me: null, card: null, users: null, announced: "" });
    this.reload();
  }

  private readonly reload = (): void => {
    void this.act(async () => {
      const { hostId } = this;
      const host = this.api.host(hostId);
      const [card, me] = await Promise.all([host.card(), host.me()]);
      if (hostId === this.hostId) Object.assign(this, { card, me });
    });
  };

  protected override render() {
    return html`<section class="panel stack" aria-labelledby="heading">
      <h2 id="heading">${t.ownUser.heading}</h2><p class="dim">${t.ownUser.purpose}</p>
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: this.reload }) : nothing}
      ${this.me && this.card ? this.meView(this.me, this.card) : this.problem ? nothing : loadingView()}
      <p class="small" role="status">${this.announced}</p>
      ${this.card && this.card.role !== "member" ? this.everybodyView() : nothing}
    </section>
    ${this.isConnecting && this.card ? this.dialogView(this.card) : nothing}`;
  }

  private meView({ user, is_same_org: isSameOrg, connected_at: since }: OwnUserView, card: Card): View {
    const isConnected = card.state === "connected";
    return html`${user === null ? html`<p>${t.ownUser.none}</p>` : html`<p data-me>${userView(user)}${since ? html`<br><span class="small dim">${t.ownUser.since(moment(since))}</span>` : nothing}</p>`}
      ${user !== null && !isSameOrg ? html`<p class="note wait">${t.ownUser.otherOrg}</p>` : nothing}
      <p class="line"><button class=${user === null ? "" : "quiet"} ?disabled=${!isConnected || this.isBusy} @click=${() => { this.isConnecting = true; }}>${user === null ? t.ownUser.connect : t.ownUser.connectOther}</button>
        ${user === null ? nothing : html`<button class="quiet" ?disabled=${this.isBusy} @click=${this.forget}>${t.ownUser.disconnect}</button>`}</p>
      ${isConnected ? nothing : html`<p class="small dim">${t.ownUser.notConnected}</p>`}`;
  }

  private everybodyView(): View {
    const { users } = this;
    return html`<details @toggle=${this.opened}><summary>${t.ownUser.list}</summary>
      ${users === null ? loadingView() : users.items.length === 0 ? html`<p class="dim">${t.ownUser.listNone}</p>` : html`<ul>${users.items.map((each) => html`<li>
        <span>${each.email ?? each.user_id}${each.email ? html`<br><span class="small dim">${each.user_id}</span>` : nothing}</span>
        <span>${each.user ? userView(each.user) : nothing}${each.is_same_org ? nothing : html`<br><span class="small dim">${t.ownUser.otherOrg}</span>`}</span></li>`)}</ul>`}
      ${users?.next_cursor ? html`<p><button class="quiet" ?disabled=${this.isBusy} @click=${() => this.loadUsers(users)}>${t.ownUser.more}</button></p>` : nothing}</details>`;
  }

  private dialogView(card: Card): View {
    return html`<salesforce-connect-dialog .purpose=${"user"} .card=${card} .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .display=${this.display} .returnTo=${this.returnTo} @connect-closed=${() => { this.isConnecting = false; }} @connect-done=${() => this.tell(USER_CONNECTED, { hostId: this.hostId })}></salesforce-connect-dialog>`;
  }

  private readonly opened = (event: Event): void => {
    if ((event.target as HTMLDetailsElement).open && this.users === null) void this.loadUsers(null);
  };

  private async loadUsers(before: ConnectedUsers | null): Promise<void> {
    await this.act(async () => {
      const page = await this.api.host(this.hostId).users(before?.next_cursor ?? null);
      this.users = { ...page, items: [...(before?.items ?? []), ...page.items] };
    });
  }

  private readonly connected = (event: Event): void => {
    if ((event as CustomEvent<{ hostId: string }>).detail.hostId !== this.hostId) return;
    this.isConnecting = false;
    void this.act(async () => {
      this.me = await this.api.host(this.hostId).me();
      const { user } = this.me;
      this.announced = user === null ? "" : t.ownUser.connectedNow(user.name ?? user.username ?? user.id);
      if (this.users !== null) await this.loadUsers(null);
    });
  };

  private readonly forget = async (): Promise<void> => {
    await this.act(async () => {
      this.me = await this.api.host(this.hostId).forgetMe();
      this.announced = t.ownUser.disconnectedNow;
      if (this.users !== null) await this.loadUsers(null);
    });
  };

  private async act(deed: () => Promise<void>): Promise<void> {
    Object.assign(this, { isBusy: true, problem: null });
    try {
      await deed();
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.isBusy = false;
    }
  }
}

function userView({ id, name, username, email }: OwnUser): View {
  return html`<strong>${name ?? username ?? id}</strong><br><span class="small dim">${[username, email === username ? null : email].filter(Boolean).join(" · ")}</span>`;
}

define("salesforce-user", SalesforceUser);
