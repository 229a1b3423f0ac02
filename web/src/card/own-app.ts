/** Bring your own app: paste Consumer Key and Secret, or go back to the shared app. Neither is ever shown again. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem } from "../api/client";
import type { Card, OwnCredentials } from "../api/schema";
import { moment, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";

export class OwnApp extends EventshipElement {
  static override styles = [look, controls, css`
    form { display: grid; gap: 0.5em; }
    .uri { user-select: all; font-size: 0.87em; background: var(--soft); border-radius: 6px; padding: 0.4em 0.6em; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    card: { attribute: false }, problem: { state: true }, isBusy: { state: true },
  };

  declare card: Card;
  private declare problem: ApiProblem | null;
  private declare isBusy: boolean;

  constructor() {
    super();
    Object.assign(this, { problem: null, isBusy: false });
  }

  protected override render() {
    const { mode, credentials } = this.card.app;
    return html`<details ?open=${mode === "own"}><summary>${t.ownApp.summary}</summary><div class="stack">
      <p class="small">${t.ownApp.intro}</p>
      <p class="small dim">${t.ownApp.redirect}</p><p class="uri">${this.card.app.redirect_uri}</p>
      ${credentials ? html`<p class="small">${t.ownApp.saved(credentials.consumer_key_last4, credentials.consumer_secret_last4, moment(credentials.saved_at))}</p>
        <p class="small dim">${t.ownApp.fingerprint} ${credentials.fingerprint}</p>` : nothing}
      ${this.formView()}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}
      ${mode === "own" ? html`<p><button class="plain" type="button" ?disabled=${this.isBusy} @click=${this.goBack}>${t.ownApp.useShared}</button></p>` : nothing}
      <p class="small" role="status">${this.announced}</p>
    </div></details>`;
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
    }
  };

  private readonly goBack = async (): Promise<void> => {
    const isInUse = this.card.app.credentials?.is_in_use ?? false;
    if (await this.send({ mode: "shared", confirm: isInUse })) this.announced = t.ownApp.sharedNow;
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
