/** Bring your own app: paste Consumer Key and Secret, or go back to the shared app. Neither is ever shown again. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem } from "../api/client";
import type { Card, Credentials, OwnCredentials } from "../api/schema";
import { moment, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { outward, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";

export class OwnApp extends EventshipElement {
  static override styles = [look, controls, css`
    form { display: grid; gap: 0.5em; }
    ol { padding-inline-start: 1.3em; }
    .uri { user-select: all; font-size: 0.87em; background: var(--soft); border-radius: 6px; padding: 0.4em 0.6em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    card: { attribute: false }, isOpen: { attribute: false }, problem: { state: true }, isBusy: { state: true }, isForgetting: { state: true },
  };

  declare card: Card;
  declare isOpen: boolean;
  private declare isForgetting: boolean;
  private declare problem: ApiProblem | null;
  private declare isBusy: boolean;

  constructor() {
    super();
    Object.assign(this, { isOpen: false, problem: null, isBusy: false, isForgetting: false });
  }

  protected override render() {
    const { mode, credentials } = this.card.app;
    const isOwn = mode === "own";
    return html`<details ?open=${this.isOpen}><summary>${isOwn && credentials ? t.ownApp.summaryOwn(credentials.consumer_key_last4) : t.ownApp.summary}</summary><div class="stack">
      ${credentials ? this.savedView(credentials) : html`<p class="small">${t.ownApp.intro}</p>`}
      <details ?open=${credentials === null}><summary>${t.ownApp.guide}</summary><div class="stack small">
        <ol>${t.ownApp.steps(this.card.app.scopes.join(", ")).map((step) => html`<li>${step}</li>`)}</ol>
        <p>${t.ownApp.minutes}</p><p>${t.ownApp.onlyLightning}</p>
        ${this.docsBase ? html`<p>${outward(`${this.docsBase}/docs/connecting#own_app`, t.general.learnMore, t.ownApp.summary)}</p>` : nothing}</div></details>
      <p class="small dim">${t.ownApp.redirect}</p>
      <div class="line"><p class="uri">${this.card.app.redirect_uri}</p><button class="quiet" type="button" @click=${this.copy}>${t.ownApp.copy}</button></div>
      ${this.formView()}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}
      ${isOwn ? this.forgetView(credentials) : nothing}
      <p class="small" role="status">${this.announced}</p>
    </div></details>`;
  }

  private savedView({ consumer_key_last4: key, consumer_secret_last4: secret, saved_at: at, fingerprint, is_in_use: isInUse }: Credentials): View {
    return html`<p class="small">${t.ownApp.saved(key, secret, moment(at))} ${isInUse ? t.ownApp.inUse : t.ownApp.notInUse}</p>
      <p class="small dim">${t.ownApp.fingerprint} ${fingerprint}</p><p class="small">${t.ownApp.rotate}</p>`;
  }

  /** What it means is said before it is done. */
  private forgetView(credentials: Credentials | null): View {
    const goBack = (): Promise<void> => this.goBack();
    if (!this.isForgetting) {
      const ask = (): void => { if (credentials) this.isForgetting = true; else void goBack(); };
      return html`<p><button class="plain" type="button" ?disabled=${this.isBusy} @click=${ask}>${t.ownApp.useShared}</button></p>`;
    }
    const isInUse = credentials?.is_in_use ?? false;
    return html`<div class="note ${isInUse ? "bad" : "wait"} stack" role="alert"><p><strong>${t.ownApp.forgetQuestion}</strong></p>
      <p>${isInUse ? t.ownApp.forgetInUse : t.ownApp.forgetIdle}</p>
      <p class="line"><button class="bad" type="button" ?disabled=${this.isBusy} @click=${goBack}>${t.ownApp.forget}</button>
        <button class="plain" type="button" @click=${() => { this.isForgetting = false; }}>${t.general.cancel}</button></p></div>`;
  }

  private formView(): View {
    return html`<form autocomplete="off" @submit=${this.save}>
      <label class="name" for="key">${t.ownApp.key}</label>
      <input id="key" name="key" required minlength="8" autocomplete="off" autocapitalize="none" spellcheck="false">
      <label class="name" for="secret">${t.ownApp.secret}</label>
      <input id="secret" name="secret" type="password" required minlength="8" autocomplete="new-password">
      <p><button class="quiet" ?disabled=${this.isBusy}>${t.ownApp.save}</button></p></form>`;
  }

  private readonly save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const given = new FormData(form);
    const pair = { consumer_key: String(given.get("key")).trim(), consumer_secret: String(given.get("secret")).trim() };
    if (await this.send({ mode: "own", ...pair })) {
      form.reset();
      this.announced = t.ownApp.savedNow;
      this.tell("app-saved");
    }
  };

  private async goBack(): Promise<void> {
    if (!(await this.send({ mode: "shared", confirm: this.isForgetting }))) return;
    this.isForgetting = false;
    this.announced = t.ownApp.sharedNow;
  }

  private readonly copy = async (): Promise<void> => {
    this.announced = "";
    try {
      await navigator.clipboard.writeText(this.card.app.redirect_uri);
      this.announced = t.ownApp.copied;
    } catch {
      const place = this.renderRoot.querySelector(".uri");
      if (place) getSelection()?.selectAllChildren(place);
      this.announced = t.links.copyByHand;
    }
  };

  private async send(credentials: OwnCredentials): Promise<boolean> {
    Object.assign(this, { isBusy: true, problem: null, announced: "" });
    try {
      this.tell("card-changed", await this.api.host(this.hostId).setApp(credentials));
      return true;
    } catch (error) {
      this.problem = this.problemIn(error);
      return false;
    } finally {
      this.isBusy = false;
    }
  }
}

define("salesforce-own-app", OwnApp);
