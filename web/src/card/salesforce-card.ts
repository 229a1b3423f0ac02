/** `<salesforce-card host-id>`: the Salesforce card of the Integrations tab. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem } from "../api/client";
import type { StreamEvent } from "../api/events";
import { Live, type HasTold } from "../api/live";
import type { Action, Attempt, Card, ConnectionView } from "../api/schema";
import { moment, named, t } from "../texts";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { adviceView, loadingView, mailed, outward, problemView, silenceView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import "./connect-dialog";
import type { Purpose } from "./connect-dialog";
import "./missing";
import "./own-app";
import "./preflight";
import { USER_CONNECTED } from "./salesforce-user";
import { troublesView } from "./troubles";
import { forgetReturned, whatReturned, type Returned } from "./returned";

const TONES: Readonly<Record<string, string>> = {
  connected: "is-good", needs_reconnect: "is-bad", disconnected: "is-calm", not_connected: "is-calm", not_configured: "is-calm",
};

export class SalesforceCard extends EventshipElement {
  static override styles = [look, controls, css`
    dl { display: grid; gap: 0.6em 1.5em; grid-template-columns: repeat(auto-fit, minmax(13em, 1fr)); }
    dt { font-size: 0.87em; color: var(--dim); }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    display: {}, returnTo: { attribute: "return-to" }, hostName: { attribute: "host-name" }, returned: { state: true }, strange: { state: true },
    card: { state: true }, problem: { state: true }, refusal: { state: true }, dialog: { state: true },
    isBusy: { state: true }, lastAttempt: { state: true },
  };

  /** `popup` or `redirect`. */
  declare display: "popup" | "redirect";
  /** Where the browser comes back to: a path on the page's own origin. Without it the service's own choice. */
  declare returnTo: string;
  /** What the host is called when people are asked; its id by default. */
  declare hostName: string;
  private declare returned: Returned | null;
  /** What came back and is not of this host, as long as no other card has dealt with it. */
  private declare strange: Returned | null;
  private declare card: Card | null;
  private declare problem: ApiProblem | null;
  private declare refusal: ApiProblem | null;
  private declare dialog: "connect" | "disconnect" | null;
  /** What the connect dialog is for: what came back may be somebody's own sign-in. */
  private declare purpose: Purpose;
  private declare isBusy: boolean;
  private declare lastAttempt: Attempt | null;
  private live: Live | null = null;

  constructor() {
    super();
    Object.assign(this, { display: "popup", returnTo: "", hostName: "", returned: null, strange: null, card: null, problem: null, refusal: null });
    Object.assign(this, { dialog: null, purpose: "host", isBusy: false, lastAttempt: null });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.live?.stop();
    this.live = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.restart();
  }

  protected override updated(changed: PropertyValues): void {
    // What was asked of one host is not asked of another.
    if (changed.has("hostId")) Object.assign(this, { dialog: null, purpose: "host", returned: null, refusal: null, lastAttempt: null });
    if (this.hasNewSource(changed)) this.restart();
  }

  private restart(): void {
    this.live?.stop();
    this.card = null;
    this.problem = null;
    this.strange = null;
    if (this.getToken === null || this.hostId === "") return;
    const host = this.api.host(this.hostId);
    this.live = new Live({ poll: (hasTold) => this.load(hasTold), open: host.stream, take: (event) => this.take(event), silent: this.silent });
    this.live.start();
  }

  private async load(hasTold: HasTold): Promise<boolean> {
    const { live } = this;
    try {
      const card = await this.api.host(this.hostId).card();
      if (this.live !== live) return false;
      if (!hasTold("card")) this.card = card;
      this.problem = null;
      if (this.refusal?.isUnreachable) this.refusal = null;
      void this.showReturned();
      return true;
    } catch (error) {
      if (this.live === live) this.problem = this.problemIn(error);
      return false;
    }
  }

  private take(event: StreamEvent): void {
    if (this.problem?.isUnreachable) this.problem = null;
    if (this.refusal?.isUnreachable) this.refusal = null;
    if (event.type === "card") this.card = JSON.parse(event.data) as Card;
  }

  /** The browser came back from Salesforce: this card says why it failed, or goes on to connect its own host. */
  private async showReturned(): Promise<void> {
    const returned = whatReturned();
    if (returned === null || returned.attemptId === null || returned === this.strange) return;
    let attempt: Attempt;
    try {
      attempt = await this.api.host(this.hostId).attempt(returned.attemptId);
    } catch (error) {
      if (this.problemIn(error).body.status === 404) await this.turnAway(returned, returned.attemptId);
      return;
    }
    if (whatReturned() !== returned) return;
    forgetReturned();
    if (returned.code === null) this.lastAttempt = attempt;
    else Object.assign(this, { returned, dialog: "connect", purpose: attempt.purpose });
  }

  /** Not of this host. The service ends it where somebody else began it: they or this person were led astray. */
  private async turnAway(returned: Returned, attemptId: string): Promise<void> {
    if (returned.code !== null) await this.api.host(this.hostId).complete(attemptId, returned.code, false).catch(() => null);
    if (whatReturned() === returned) this.strange = returned;
  }

  protected override render() {
    const { card } = this;
    return html`<section class="panel stack" aria-labelledby="heading">
      <header class="line apart">
        <h2 id="heading">${t.card.heading}</h2>
        ${card ? html`<span class="chip ${TONES[card.state] ?? "is-calm"}" data-state=${card.state}>${named(t.card.states, card.state, t.card.states.other)}</span>` : nothing}
      </header>
      <p class="dim">${t.card.purpose}</p>
      ${silenceView(this.silentSince)}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.live?.refresh() }) : nothing}
      ${card ? this.cardView(card) : this.problem ? nothing : loadingView()}
      <p class="sr" role="status">${this.announced}</p>
    </section>
    ${card ? this.dialogView(card) : nothing}`;
  }

  private cardView(card: Card): View {
    const tone = card.state === "needs_reconnect" ? "bad" : "calm";
    return html`
      ${card.reason ? adviceView(card.reason, { tone, docsBase: this.docsBase }) : nothing}
      ${this.lastAttempt?.problem ? html`<h3>${t.card.lastAttempt}</h3>${adviceView(this.lastAttempt.problem, { docsBase: this.docsBase, said: this.lastAttempt.salesforce })}` : nothing}
      ${this.strange !== null && whatReturned() === this.strange
        ? html`<div class="note bad stack" role="alert" data-strange><p><strong>${t.card.strangeTitle}</strong></p><p>${t.card.strangeText}</p></div>` : nothing}
      ${troublesView(card, this.docsBase)}
      ${card.pause.is_paused ? html`<p class="note wait">${t.card.paused(card.pause.paused_at ? moment(card.pause.paused_at) : "")}</p>` : nothing}
      ${card.budget.is_stopped ? html`<p class="note wait">${t.card.budgetStopped}</p>` : nothing}
      ${card.connection ? this.connectionView(card, card.connection) : nothing}
      ${this.beforeView(card)}
      ${this.preflightView(card)}
      ${this.refusal ? problemView(this.refusal, { docsBase: this.docsBase, isAction: true }) : nothing}
      ${this.actionsView(card)}
      ${card.connection ? this.missingView(card) : nothing}
      ${this.appView(card)}
      <p class="small dim">${t.card.questions} ${mailed(card.support_email)}</p>`;
  }

  private connectionView(card: Card, connection: ConnectionView): View {
    const { org, user, approvals } = connection;
    const kind = [org.edition, named(t.card.environment, connection.environment, t.card.environment.other)].filter(Boolean).join(" · ");
    return html`<dl>
      <div><dt>${card.state === "disconnected" ? t.card.lastOrg : t.card.org}</dt>
        <dd>${outward(org.lightning_url, org.name ?? org.id)}<br><span class="small dim">${kind}</span></dd></div>
      ${user ? html`<div><dt>${t.card.user}</dt><dd>${user.name ?? user.id}<br><span class="small dim">${user.username ?? ""}</span></dd></div>` : nothing}
      <div><dt>${t.card.lastWritten}</dt><dd>${connection.last_written_at ? moment(connection.last_written_at) : t.card.never}<br>
        <span class="small dim">${t.card.connectedSince} ${moment(connection.connected_at)}</span></dd></div>
      <div><dt>${t.card.work}</dt><dd>${this.workView(card)}</dd></div>
      ${user ? html`<div><dt>${t.card.app}</dt><dd>${appText(card)}</dd></div>` : nothing}
      ${card.state === "connected" ? html`<div><dt>${t.card.budget}</dt><dd>${budgetText(card)}</dd></div>` : nothing}
    </dl>
    ${approvals.is_warning && user ? html`<p class="note wait">${t.card.approvals(approvals.count, approvals.limit)}</p>` : nothing}
    ${connection.other_hosts_on_org ? html`<p class="small dim">${t.card.otherHosts}</p>` : nothing}`;
  }

  private beforeView(card: Card): View {
    const { registrations, events, estimated_api_calls: calls } = card.before_connection;
    if (registrations === 0) return nothing;
    const isConnected = card.state === "connected";
    return html`<div class="note wait stack" data-before><p><strong>${t.card.beforeTitle(registrations, events)}</strong></p>
      <p>${isConnected ? t.card.beforeText(calls) : t.card.beforeLater}</p>
      ${isConnected && card.role !== "member"
        ? html`<p><button class="quiet" ?disabled=${this.isBusy} @click=${this.writeBefore}>${t.card.beforeWrite(registrations)}</button></p>` : nothing}</div>`;
  }

  private workView({ work, before_connection: before, problems, fault }: Card): View {
    const lines = [
      work.waiting > 0 ? t.card.waiting(work.waiting) : "",
      work.pending > work.waiting ? t.card.pending(work.pending - work.waiting) : "",
      work.failed > 0 ? t.card.failed(work.failed) : "",
    ].filter(Boolean);
    const isWhole = before.registrations === 0 && problems.length === 0 && fault === null;
    return lines.length === 0 ? (isWhole ? t.card.idle : t.card.quiet) : html`${lines.map((line) => html`<div>${line}</div>`)}`;
  }

  private preflightView(card: Card): View {
    if (card.state !== "connected") return nothing;
    return html`<salesforce-preflight .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .summary=${card.preflight} .needsPackage=${card.app.is_package_required} .mayRun=${card.role !== "member"} @preflight-changed=${() => void this.live?.refresh()}></salesforce-preflight>`;
  }

  private missingView(card: Card): View {
    return html`<salesforce-missing .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .mayChange=${card.role !== "member"} @connect-wanted=${() => { this.dialog = "connect"; }} @rows-changed=${() => void this.live?.refresh()}></salesforce-missing>`;
  }

  /** An own app can be looked at, rotated and cleared whenever somebody may; before a connection the dialog has it. */
  private appView(card: Card): View {
    const isShown = card.actions.edit_credentials.is_allowed && card.connection !== null && this.dialog !== "connect";
    return isShown ? html`<salesforce-own-app .card=${card} .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      @card-changed=${this.cardChanged}></salesforce-own-app>` : nothing;
  }

  private readonly cardChanged = (event: CustomEvent<Card>): void => {
    this.showDone(event.detail);
  };

  /** The answer to an action, and what is so by now: the stream may have told newer things before it came. */
  private showDone(card: Card): void {
    this.card = card;
    void this.live?.refresh();
  }

  private actionsView(card: Card): View {
    const isLiving = card.state === "connected" || card.state === "needs_reconnect";
    const { connect, disconnect, pause } = card.actions;
    const shown: readonly Action[] = card.state === "not_configured" ? [] : isLiving ? [disconnect, pause] : [connect];
    const why = new Set(shown.flatMap((action) => (action.why_not ? [named(t.card.whyNot, action.why_not, t.card.whyNot.other)] : [])));
    const pauseText = card.pause.is_paused ? t.card.resume : t.card.pause;
    return html`<div class="line">
        ${card.state === "connected" || card.state === "not_configured" ? nothing : html`<button ?disabled=${!connect.is_allowed && connect.why_not !== "CredentialsMissing"} @click=${() => { this.dialog = "connect"; }}>
          ${card.state === "needs_reconnect" ? t.card.reconnect : t.card.connect}</button>`}
        ${card.state === "connected" && connect.is_allowed ? html`<button class="quiet" @click=${() => { this.dialog = "connect"; }}>${t.card.otherUser}</button>` : nothing}
        ${isLiving ? html`<button class="quiet" ?disabled=${!pause.is_allowed || this.isBusy} @click=${() => this.setPause(!card.pause.is_paused)}>${pauseText}</button>
          <button class="quiet" ?disabled=${!disconnect.is_allowed} @click=${() => { this.dialog = "disconnect"; }}>${t.card.disconnect}</button>` : nothing}
      </div>
      ${[...why].map((text) => html`<p class="small dim">${text}</p>`)}`;
  }

  private dialogView(card: Card): View {
    if (this.dialog === "connect") {
      return html`<salesforce-connect-dialog .purpose=${this.purpose} .card=${card} .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
        .display=${this.display} .returnTo=${this.returnTo} .hostName=${this.hostName} .returned=${this.returned} @connect-closed=${this.closeDialog} @connect-done=${this.connected}
        @card-changed=${this.cardChanged}></salesforce-connect-dialog>`;
    }
    if (this.dialog !== "disconnect") return nothing;
    return html`<eventship-dialog heading=${t.card.disconnectHeading} @closed=${this.closeDialog}>
      <div class="stack"><p>${t.card.disconnectText}</p><p>${t.card.disconnectKeeps}</p>
        ${card.app.credentials ? html`<div><label class="pick"><input type="checkbox" id="forget">${t.card.disconnectOwnApp}</label>
          <p class="small dim">${t.card.disconnectOwnAppKept}</p></div>` : nothing}
        ${this.refusal ? problemView(this.refusal, { docsBase: this.docsBase, isAction: true }) : nothing}
        <p class="line"><button class="bad" ?disabled=${this.isBusy} @click=${this.disconnect}>${t.card.disconnectConfirm}</button>
          <button class="plain" @click=${this.closeDialog}>${t.general.cancel}</button></p></div>
    </eventship-dialog>`;
  }

  private readonly closeDialog = (): void => {
    Object.assign(this, { dialog: null, purpose: "host", returned: null, refusal: null });
    void this.live?.refresh();
  };

  private readonly connected = (): void => {
    const { purpose } = this;
    this.lastAttempt = null;
    this.closeDialog();
    if (purpose === "user") {
      this.tell(USER_CONNECTED, { hostId: this.hostId });
      return;
    }
    this.announced = t.card.connectedNow;
    this.tell("salesforce-connected", { hostId: this.hostId });
  };

  private readonly disconnect = async (): Promise<void> => {
    const host = this.api.host(this.hostId);
    const isAppForgotten = this.renderRoot.querySelector<HTMLInputElement>("#forget")?.checked ?? false;
    if (!(await this.act(() => host.disconnect()))) return;
    this.dialog = null;
    this.announced = t.card.disconnectedNow;
    this.tell("salesforce-disconnected", { hostId: this.hostId });
    // The connection has ended, whatever becomes of the app: the card says what it refuses.
    if (isAppForgotten) await this.act(() => host.forgetApp());
  };

  private readonly writeBefore = async (): Promise<void> => {
    const host = this.api.host(this.hostId);
    await this.act(async () => {
      const { registrations, events } = await host.writeBefore();
      this.announced = t.card.beforeStarted(registrations, events);
      return host.card();
    });
  };

  private async setPause(isPaused: boolean): Promise<void> {
    await this.act(() => this.api.host(this.hostId).setPause(isPaused));
  }

  private async act(deed: () => Promise<Card>): Promise<boolean> {
    const { live } = this;
    this.isBusy = true;
    this.refusal = null;
    try {
      const card = await deed();
      if (this.live === live) this.showDone(card);
      return true;
    } catch (error) {
      if (this.live === live) this.refusal = this.problemIn(error);
      return false;
    } finally {
      this.isBusy = false;
    }
  }
}

function appText({ app }: Card): View {
  const { mode, credentials } = app;
  if (mode !== "own" || credentials === null) return t.card.appShared;
  return html`${t.card.appOwn(credentials.consumer_key_last4)}<br><span class="small dim">${t.ownApp.fingerprint} ${credentials.fingerprint}${credentials.is_in_use ? nothing : html`<br>${t.ownApp.notInUse}`}</span>`;
}

function budgetText({ budget }: Card): string {
  const { org_used: used, org_limit: limit, stop_at: stop } = budget;
  if (used === null || limit === null || stop === null) return t.card.budgetUnknown;
  return t.card.budgetUse(t.number(used), t.number(limit), t.number(stop));
}

define("salesforce-card", SalesforceCard);
