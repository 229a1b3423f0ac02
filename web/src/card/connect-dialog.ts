/** The install modal and the way to Salesforce and back, in two steps. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
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
    h3:focus { outline: none; }
    .choices { display: grid; gap: 0.1em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    purpose: {}, card: { attribute: false }, display: {}, returnTo: { attribute: "return-to" }, hostName: { attribute: "host-name" },
    returned: { attribute: false }, code: { state: true },
    stage: { state: true }, environment: { state: true }, myDomain: { state: true }, started: { state: true },
    attempt: { state: true }, problem: { state: true }, isBlocked: { state: true }, isClosed: { state: true }, isDomainMissing: { state: true }, copied: { state: true },
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
  private declare isClosed: boolean;
  private declare isDomainMissing: boolean;
  private declare copied: "no" | "yes" | "by hand";
  private waiting = new AbortController();

  constructor() {
    super();
    Object.assign(this, { purpose: "host", stage: "install", environment: "production", myDomain: "", display: "popup", returnTo: "", hostName: "", returned: null, code: null });
    Object.assign(this, { started: null, attempt: null, problem: null, isBlocked: false, isClosed: false, isDomainMissing: false, copied: "no" });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const before = this.card.connection;
    if (before !== null) Object.assign(this, signInBefore(before));
    const { app, state } = this.card;
    const isInstalled = !app.is_package_required || state !== "not_connected" || app.package_in.length > 0;
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

  /** Each step begins at its heading; what was announced of the one before is over. */
  protected override updated(changed: PropertyValues): void {
    const before = changed.get("stage") as Stage | undefined;
    if (before === undefined && changed.get("isClosed") === undefined) return;
    if (before === "waiting" && this.announced === t.connect.waitingTitle) this.announced = "";
    if (this.stage !== "starting" && this.stage !== "completing") this.renderRoot.querySelector<HTMLElement>("h3")?.focus();
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
      <h3 tabindex="-1">${t.connect.installTitle}</h3>
      <p>${t.connect.installText}</p>
      ${this.knownView()}
      ${this.environmentView(["production", "sandbox"])}
      ${url === null ? html`<p class="note">${t.connect.noLink(support_email)}</p>` : html`<p class="small dim">${t.connect.installHow}</p><p class="small dim">${t.connect.installNeeds}</p>
        <p class="line">
          <a class="button" href=${url} target="_blank" rel="noopener noreferrer">${t.connect.openInstall}<span class="sr"> (${t.general.newTab})</span></a>
          <button class="quiet" @click=${() => this.copy(url)}>${t.connect.copyLink}</button>
          <a class="button quiet" href="mailto:?${letterOf(url)}">${t.connect.sendMail}</a>
        </p><p class="small dim">${t.connect.installAfter}</p>`}
      ${this.copied === "yes" ? html`<p class="small is-good">${t.connect.copied}</p>` : nothing}
      ${this.copied === "by hand" ? html`<p class="small">${t.connect.copyByHand}</p><p class="link">${url}</p>` : nothing}
      ${rightsView(this.docsBase)}
      ${packageView(this.card.preflight?.package)}
      <p><button class="quiet" @click=${() => this.go("connect")}>${t.connect.alreadyInstalled}</button></p>
      ${editionsView()}
      ${this.ownAppView()}`;
  }

  /** Orgs that have the package by another host of the reader. */
  private knownView(): View {
    const { package_in: orgs } = this.card.app;
    return orgs.length === 0 ? nothing : html`<p class="note good">${t.connect.hasPackage(orgs.join(", "))}</p>`;
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
      <h3 tabindex="-1">${t.connect.connectTitle}</h3>
      <p>${t.connect.connectText}</p>
      ${this.card.state === "connected" ? html`<p class="note">${t.card.otherUserText}</p>` : this.knownView()}
      ${this.environmentView(["production", "sandbox", "my_domain"])}
      ${this.environment === "my_domain" ? this.myDomainView() : nothing}
      ${this.problem === null || this.isOfDomain ? nothing : problemView(this.problem, { docsBase: this.docsBase })}
      <p class="line">
        <button ?disabled=${isBusy} @click=${this.connect}>${this.stage === "starting" ? t.connect.starting : t.connect.connectNow}</button>
        ${this.card.app.is_package_required ? html`<button class="plain" @click=${() => this.go("install")}>${t.general.back}</button>` : nothing}
      </p>
      ${why ? html`<p class="small dim">${named(t.card.whyNot, why, t.card.whyNot.other)}</p>` : nothing}
      ${editionsView()}
      ${this.card.app.mode === "own" ? this.ownAppView() : nothing}`;
  }

  private ownAppView(): View {
    if (!this.card.actions.edit_credentials.is_allowed) return nothing;
    return html`<salesforce-own-app .card=${this.card} .getToken=${this.getToken} .hostId=${this.hostId} .apiBase=${this.apiBase} .docsBase=${this.docsBase}
      .isOpen=${this.card.app.mode === "own" && this.card.app.credentials === null} @app-saved=${this.appSaved}></salesforce-own-app>`;
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
      <input id="my-domain" inputmode="url" autocapitalize="none" spellcheck="false" aria-describedby="my-domain-hint my-domain-wrong"
        aria-invalid=${this.domainError ? "true" : "false"} .value=${this.myDomain}
        @input=${(event: Event) => { this.myDomain = (event.target as HTMLInputElement).value; }}>
      <p id="my-domain-wrong" class="small is-bad" role="alert">${this.domainError}</p>
      <p id="my-domain-hint" class="small dim">${t.connect.myDomainHint}</p></div>`;
  }

  private get isOfDomain(): boolean {
    return this.problem?.body.errors?.some(({ path }) => path === "body.my_domain") ?? false;
  }

  /** What is wrong with the My Domain, in one sentence at its field. */
  private get domainError(): string {
    if (this.isDomainMissing) return t.connect.myDomainEmpty;
    const advice = this.isOfDomain ? this.problem?.body.advice : null;
    return advice ? [advice.title, ...advice.steps].join(". ").replace(/\.\. /g, ". ") : "";
  }

  private waitingView(): View {
    const url = this.started?.start_url ?? "";
    if (this.isClosed) return this.closedView();
    return html`<h3 tabindex="-1">${t.connect.waitingTitle}</h3>
      <p>${this.isBlocked ? t.connect.blockedText : t.connect.waitingText}</p>
      ${this.isBlocked ? html`<p><a class="button" href=${url} target="_blank" rel="opener">${t.connect.continueLink}</a></p>` : html`<div class="busy"><span></span></div>`}
      ${this.started?.warnings.map((each) => adviceView(each, { tone: "wait", docsBase: this.docsBase }))}
      <p><button class="quiet" @click=${() => this.go("connect")}>${t.connect.startAgain}</button></p>
      ${this.attempt?.hints.length ? this.hintsView(this.attempt) : nothing}`;
  }

  private closedView(): View {
    return html`<h3 tabindex="-1">${t.connect.closedTitle}</h3><p>${t.connect.closedText}</p>
      <p><button @click=${() => this.go("connect")}>${t.connect.startAgain}</button></p>
      ${this.attempt?.hints.length ? this.hintsView(this.attempt, true) : nothing}`;
  }

  private hintsView(attempt: Attempt, isOpen = false): View {
    return html`<details ?open=${isOpen}><summary>${t.connect.sawError}</summary>
      <div class="stack">${attempt.hints.map((each) => adviceView(each, { tone: "calm", docsBase: this.docsBase }))}</div></details>`;
  }

  private confirmView(): View {
    const { attempt } = this;
    const org = attempt?.org?.name ?? attempt?.org?.id ?? "";
    const user = attempt?.user?.username ?? attempt?.user?.id ?? "";
    const isBusy = this.stage === "completing";
    const isUser = this.purpose === "user";
    return html`<h3 tabindex="-1">${isUser ? t.ownUser.confirmTitle(user) : t.connect.confirmTitle(org, user, this.hostName || this.hostId)}</h3>
      <p>${isUser ? t.ownUser.confirmText : t.connect.confirmText}</p>
      ${attempt?.warnings.map((each) => adviceView(each, { tone: "wait", docsBase: this.docsBase }))}
      ${this.problem === null ? nothing : problemView(this.problem, { docsBase: this.docsBase })}
      <p class="line"><button ?disabled=${isBusy} @click=${() => this.complete(true)}>${isBusy ? t.connect.completing : attempt?.warnings.length ? t.connect.connectAnyway : t.connect.confirm}</button>
        <button class="plain" @click=${this.close}>${t.general.cancel}</button></p>`;
  }

  private failedView(): View {
    const { attempt } = this;
    return html`<h3 tabindex="-1">${t.connect.failedTitle}</h3>
      ${this.problem === null ? nothing : problemView(this.problem, { docsBase: this.docsBase })}
      ${attempt?.problem ? html`<div role="alert">${adviceView(attempt.problem, { docsBase: this.docsBase, said: attempt.salesforce })}</div>` : nothing}
      ${attempt?.hints.length ? this.hintsView(attempt) : nothing}
      <p class="line"><button @click=${() => this.go("connect")}>${t.connect.tryAgain}</button>
        ${this.purpose === "host" && this.card.app.is_package_required ? html`<button class="plain" @click=${() => this.go("install")}>${t.connect.toInstall}</button>` : nothing}</p>`;
  }

  private go(stage: Stage): void {
    this.waiting.abort();
    Object.assign(this, { problem: null, isClosed: false, isDomainMissing: false, stage });
  }

  private readonly appSaved = (): void => {
    this.go("connect");
    this.announced = t.ownApp.savedNow;
  };

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
    this.isDomainMissing = this.purpose === "host" && this.environment === "my_domain" && this.myDomain.trim() === "";
    if (this.isDomainMissing) return this.toDomain();
    const popup = this.display === "popup" ? openWindow() : null;
    this.isBlocked = this.display === "popup" && popup === null;
    this.stage = "starting";
    this.problem = null;
    try {
      this.started = await startIn(popup, () => this.begin());
    } catch (error) {
      this.stage = "connect";
      this.problem = this.problemIn(error);
      if (this.isOfDomain) await this.toDomain();
      return;
    }
    noteBegun(this.started.attempt_id, this.hostId);
    if (this.display === "redirect") location.assign(this.started.start_url);
    else await this.waitFor(this.started, popup);
  };

  private async toDomain(): Promise<void> {
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#my-domain")?.focus();
  }

  private begin(): Promise<StartAttempt> {
    const host = this.api.host(this.hostId);
    const way = { display: this.display, return_to: this.returnTo || null };
    if (this.purpose === "user") return host.connectMe(way);
    return host.connect({ ...way, environment: this.environment, my_domain: this.environment === "my_domain" ? this.myDomain.trim() : null });
  }

  private async waitFor(started: StartAttempt, popup: Window | null): Promise<void> {
    this.stage = "waiting";
    Object.assign(this, { announced: t.connect.waitingTitle, isClosed: false });
    this.waiting = new AbortController();
    const { signal } = this.waiting;
    const api = this.api.host(this.hostId);
    this.attempt = await api.attempt(started.attempt_id).catch(() => null);
    try {
      const { attempt, code } = await outcomeOf(started, api, signal, { popup, closed: this.popupClosed });
      Object.assign(this, { attempt, code });
    } catch {
      return; // closed, or started again
    }
    await this.settle();
  }

  private readonly popupClosed = (): void => {
    Object.assign(this, { isClosed: true, announced: t.connect.closedTitle });
  };

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

/** A letter to the admin who installs the package: the link, and what they need and look at. */
function letterOf(url: string): string {
  return `subject=${encodeURIComponent(t.connect.mailSubject)}&body=${encodeURIComponent(t.connect.mailText(url))}`;
}

/** Which editions have the API, before anybody signs in. */
function editionsView(): View {
  return html`<details><summary>${t.editions.summary}</summary><div class="stack small"><p>${t.editions.where}</p>
    <ul>${t.editions.rows.map((row) => html`<li>${row}</li>`)}</ul></div></details>`;
}

define("salesforce-connect-dialog", ConnectDialog);
