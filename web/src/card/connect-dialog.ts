/** The install modal and the way to Salesforce and back, in two steps. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem } from "../api/client";
import type { Attempt, Card, ConnectionView, StartAttempt } from "../api/schema";
import { named, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import "../ui/dialog";
import { adviceView, problemView, safeUrl, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import "./own-app";
import { packageView, rightsView } from "./package";
import { openWindow, outcomeOf, startIn } from "./attempt";
import { forgetBegun, hasBegun, noteBegun, type Returned } from "./returned";

type Environment = "production" | "sandbox" | "my_domain";
export type Purpose = "host" | "user";
type Stage = "install" | "connect" | "starting" | "waiting" | "confirm" | "completing" | "failed";

const NEEDS_CONFIRMATION = "ApprovalNeedsConfirmation";

export class ConnectDialog extends EventshipElement {
  static override styles = [look, controls, css`
    :host { container-type: normal; }
    .link { user-select: all; padding: 0.5em 0.7em; background: var(--soft); border-radius: 6px; font-size: 0.87em; }
    .choices { display: grid; gap: 0.1em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    purpose: {}, card: { attribute: false }, display: {}, returnTo: { attribute: "return-to" }, hostName: { attribute: "host-name" },
    returned: { attribute: false }, code: { state: true },
    stage: { state: true }, environment: { state: true }, myDomain: { state: true }, started: { state: true },
    attempt: { state: true }, problem: { state: true }, isBlocked: { state: true }, copied: { state: true },
  };

  /** To connect the host, or to learn who the person is in Salesforce. */
  declare purpose: Purpose;
  declare card: Card;
  declare display: "popup" | "redirect";
  declare returnTo: string;
  declare hostName: string;
  /** What the browser brought back, when the page was opened for that. */
  declare returned: Returned | null;
  private declare code: string | null;
  private declare stage: Stage;
  private declare environment: Environment;
  private declare myDomain: string;
  private declare started: StartAttempt | null;
  private declare attempt: Attempt | null;
  private declare problem: ApiProblem | null;
  private declare isBlocked: boolean;
  private declare copied: "no" | "yes" | "by hand";
  private waiting = new AbortController();

  constructor() {
    super();
    Object.assign(this, { purpose: "host", stage: "install", environment: "production", myDomain: "", display: "popup", returnTo: "", hostName: "", returned: null, code: null });
    Object.assign(this, { started: null, attempt: null, problem: null, isBlocked: false, copied: "no" });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const before = this.card.connection;
    if (before !== null) Object.assign(this, signInBefore(before));
    const isInstalled = !this.card.app.is_package_required || this.card.state === "needs_reconnect" || this.card.state === "disconnected";
    if (isInstalled || this.purpose === "user") this.stage = "connect";
    if (this.returned?.attemptId && this.returned.code) void this.goOn(this.returned.attemptId, this.returned.code);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.waiting.abort();
  }

  protected override render() {
    const heading = this.purpose === "user" ? t.ownUser.connect : this.card.state === "needs_reconnect" ? t.connect.reconnectHeading : t.connect.heading;
    return html`<eventship-dialog heading=${heading} @closed=${this.close}>
      <div class="stack">${this.stageView()}<p class="sr" role="status">${this.announced}</p></div>
    </eventship-dialog>`;
  }

  private stageView(): View {
    switch (this.stage) {
      case "install": return this.installView();
      case "waiting": return this.waitingView();
      case "confirm":
      case "completing": return this.confirmView();
      case "failed": return this.failedView();
      default: return this.connectView();
    }
  }

  private installView(): View {
    const { app, support_email } = this.card;
    const url = safeUrl(this.environment === "sandbox" ? app.package_install_url_sandbox : app.package_install_url);
    return html`<p class="small dim">${t.connect.stepOf(1)}</p>
      <h3>${t.connect.installTitle}</h3>
      <p>${t.connect.installText}</p>
      ${this.environmentView(["production", "sandbox"])}
      ${url === null ? html`<p class="note">${t.connect.noLink(support_email)}</p>` : html`<p class="small dim">${t.connect.installHow}</p>
        <p class="line">
          <a class="button" href=${url} target="_blank" rel="noopener noreferrer">${t.connect.openInstall}<span class="sr"> (${t.general.newTab})</span></a>
          <button class="quiet" @click=${() => this.copy(url)}>${t.connect.copyLink}</button>
        </p>`}
      ${this.copied === "yes" ? html`<p class="small is-good">${t.connect.copied}</p>` : nothing}
      ${this.copied === "by hand" ? html`<p class="small">${t.connect.copyByHand}</p><p class="link">${url}</p>` : nothing}
      ${rightsView(this.docsBase)}
      ${packageView(this.card.preflight?.package)}
      <p><button class="quiet" @click=${() => this.go("connect")}>${t.connect.alreadyInstalled}</button></p>
      ${this.ownAppView()}`;
  }

  private connectView(): View {
    return this.purpose === "user" ? this.userView() : this.hostView();
  }

  private userView(): View {
    return html`<p>${t.ownUser.text}</p>
      ${this.problem === null ? nothing : problemView(this.problem, { docsBase: this.docsBase })}
      <p><button ?disabled=${this.stage === "starting"} @click=${this.connect}>${this.stage === "starting" ? t.connect.starting : t.ownUser.signIn}</button></p>`;
  }

  private hostView(): View {
    const isBusy = this.stage === "starting" || !this.card.actions.connect.is_allowed;
    const why = this.card.actions.connect.why_not;
    return html`${this.card.app.is_package_required ? html`<p class="small dim">${t.connect.stepOf(2)}</p>` : nothing}
      <h3>${t.connect.connectTitle}</h3>
      <p>${t.connect.connectText}</p>
      ${this.environmentView(["production", "sandbox", "my_domain"])}
      ${this.environment === "my_domain" ? this.myDomainView() : nothing}
      ${this.problem === null ? nothing : problemView(this.problem, { docsBase: this.docsBase })}
      <p class="line">
        <button ?disabled=${isBusy} @click=${this.connect}>${this.stage === "starting" ? t.connect.starting : t.connect.connectNow}</button>
        ${this.card.app.is_package_required ? html`<button class="plain" @click=${() => this.go("install")}>${t.general.back}</button>` : nothing}
      </p>
      ${why ? html`<p class="small dim">${named(t.card.whyNot, why, t.card.whyNot.other)}</p>` : nothing}
      ${this.card.app.mode === "own" ? this.ownAppView() : nothing}`;
  }

  private ownAppView(): View {
    if (!this.card.actions.edit_credentials.is_allowed) return nothing;
    return html`<salesforce-own-app .card=${this.card} .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}></salesforce-own-app>`;
  }

  private environmentView(choices: readonly Environment[]): View {
    const names = { production: t.connect.production, sandbox: t.connect.sandbox, my_domain: t.connect.myDomain };
    return html`<fieldset class="choices"><legend class="small dim">${t.connect.where}</legend>
      ${choices.map((each) => html`<label class="pick"><input type="radio" name="environment" value=${each}
        .checked=${this.environment === each} @change=${() => { this.environment = each; }}>${names[each]}</label>`)}
    </fieldset>`;
  }

  private myDomainView(): View {
    return html`<div><label class="name" for="my-domain">${t.connect.myDomainLabel}</label>
      <input id="my-domain" inputmode="url" autocapitalize="none" spellcheck="false" aria-describedby="my-domain-hint" .value=${this.myDomain}
        @input=${(event: Event) => { this.myDomain = (event.target as HTMLInputElement).value; }}>
      <p id="my-domain-hint" class="small dim">${t.connect.myDomainHint}</p></div>`;
  }

  private waitingView(): View {
    const url = this.started?.start_url ?? "";
    return html`<h3>${t.connect.waitingTitle}</h3>
      <p>${this.isBlocked ? t.connect.blockedText : t.connect.waitingText}</p>
      ${this.isBlocked ? html`<p><a class="button" href=${url} target="_blank" rel="opener">${t.connect.continueLink}</a></p>` : html`<div class="busy"><span></span></div>`}
      ${this.started?.warnings.map((each) => adviceView(each, { tone: "wait", docsBase: this.docsBase }))}
      ${this.attempt?.hints.length ? this.hintsView(this.attempt) : nothing}
      <p><button class="plain" @click=${() => this.go("connect")}>${t.connect.startAgain}</button></p>`;
  }

  private hintsView(attempt: Attempt): View {
    return html`<details><summary>${t.connect.sawError}</summary>
      <div class="stack">${attempt.hints.map((each) => adviceView(each, { tone: "calm", docsBase: this.docsBase }))}</div></details>`;
  }

  private confirmView(): View {
    const { attempt } = this;
    const org = attempt?.org?.name ?? attempt?.org?.id ?? "";
    const user = attempt?.user?.username ?? attempt?.user?.id ?? "";
    const isBusy = this.stage === "completing";
    const isUser = this.purpose === "user";
    return html`<h3>${isUser ? t.ownUser.confirmTitle(user) : t.connect.confirmTitle(org, user, this.hostName || this.hostId)}</h3>
      <p>${isUser ? t.ownUser.confirmText : t.connect.confirmText}</p>
      ${attempt?.warnings.map((each) => adviceView(each, { tone: "wait", docsBase: this.docsBase }))}
      ${this.problem === null ? nothing : problemView(this.problem, { docsBase: this.docsBase })}
      <p class="line"><button ?disabled=${isBusy} @click=${() => this.complete(true)}>${isBusy ? t.connect.completing : attempt?.warnings.length ? t.connect.connectAnyway : t.connect.confirm}</button>
        <button class="plain" @click=${this.close}>${t.general.cancel}</button></p>`;
  }

  private failedView(): View {
    const { attempt } = this;
    return html`<h3>${t.connect.failedTitle}</h3>
      ${this.problem === null ? nothing : problemView(this.problem, { docsBase: this.docsBase })}
      ${attempt?.problem ? html`<div role="alert">${adviceView(attempt.problem, { docsBase: this.docsBase, said: attempt.salesforce })}</div>` : nothing}
      ${attempt?.hints.length ? this.hintsView(attempt) : nothing}
      <p class="line"><button @click=${() => this.go("connect")}>${t.connect.tryAgain}</button>
        ${this.purpose === "host" && this.card.app.is_package_required ? html`<button class="plain" @click=${() => this.go("install")}>${t.connect.toInstall}</button>` : nothing}</p>`;
  }

  private go(stage: Stage): void {
    this.waiting.abort();
    this.problem = null;
    this.stage = stage;
  }

  private readonly close = (): void => {
    this.waiting.abort();
    this.tell("connect-closed");
  };

  private async copy(url: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(url);
      this.copied = "yes";
      this.announced = t.connect.copied;
    } catch {
      this.copied = "by hand";
    }
  }

  private readonly connect = async (): Promise<void> => {
    const popup = this.display === "popup" ? openWindow() : null;
    this.isBlocked = this.display === "popup" && popup === null;
    this.stage = "starting";
    this.problem = null;
    try {
      this.started = await startIn(popup, () => this.begin());
    } catch (error) {
      this.stage = "connect";
      this.problem = this.problemIn(error);
      return;
    }
    noteBegun(this.started.attempt_id, this.hostId);
    if (this.display === "redirect") location.assign(this.started.start_url);
    else await this.waitFor(this.started);
  };

  private begin(): Promise<StartAttempt> {
    const host = this.api.host(this.hostId);
    const way = { display: this.display, return_to: this.returnTo || null };
    if (this.purpose === "user") return host.connectMe(way);
    return host.connect({ ...way, environment: this.environment, my_domain: this.environment === "my_domain" ? this.myDomain.trim() : null });
  }

  private async waitFor(started: StartAttempt): Promise<void> {
    this.stage = "waiting";
    this.announced = t.connect.waitingTitle;
    this.waiting = new AbortController();
    const { signal } = this.waiting;
    const api = this.api.host(this.hostId);
    this.attempt = await api.attempt(started.attempt_id).catch(() => null);
    try {
      const { attempt, code } = await outcomeOf(started, api, signal);
      Object.assign(this, { attempt, code });
    } catch {
      return; // closed, or started again
    }
    await this.settle();
  }

  /** The page was opened to confirm an attempt. By itself it does so only for one that this tab began. */
  private async goOn(attemptId: string, code: string): Promise<void> {
    Object.assign(this, { stage: "waiting", code });
    try {
      this.attempt = await this.api.host(this.hostId).attempt(attemptId);
    } catch (error) {
      Object.assign(this, { stage: "failed", problem: this.problemIn(error) });
      return;
    }
    await this.settle();
  }

  private async settle(): Promise<void> {
    const { attempt } = this;
    if (attempt?.state === "connected") this.finish();
    else if (attempt?.state !== "confirming") this.stage = "failed";
    else if (hasBegun(attempt.attempt_id, this.hostId)) await this.complete(false);
    else this.stage = "confirm";
  }

  private finish(): void {
    forgetBegun();
    this.tell("connect-done");
  }

  private async complete(isConfirmed: boolean): Promise<void> {
    const { attempt, code } = this;
    if (attempt === null || code === null) return;
    Object.assign(this, { stage: isConfirmed ? "completing" : "waiting", problem: null });
    const api = this.api.host(this.hostId);
    try {
      await api.complete(attempt.attempt_id, code, isConfirmed);
      this.finish();
    } catch (error) {
      const problem = this.problemIn(error);
      const isAsked = problem.body.code === NEEDS_CONFIRMATION && !isConfirmed;
      const stage = isAsked || problem.isUnreachable ? "confirm" : "failed";
      this.attempt = await api.attempt(attempt.attempt_id).catch(() => attempt);
      Object.assign(this, { stage, problem: isAsked || this.attempt.problem ? null : problem });
    }
  }
}

/** Where people signed in before, to begin with; the My Domain is at hand in any case. */
export function signInBefore({ environment, login_host, org }: Pick<ConnectionView, "environment" | "login_host" | "org">): { environment: Environment; myDomain: string } {
  const known = (["sandbox", "my_domain"] as const).find((each) => each === environment);
  return { environment: known ?? "production", myDomain: environment === "my_domain" ? login_host : new URL(org.instance_url).host };
}

define("salesforce-connect-dialog", ConnectDialog);
