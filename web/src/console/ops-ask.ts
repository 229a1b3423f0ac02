/** A question before something is done: how much it is about, counted first, and a sample of it. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem } from "../api/client";
import { t, words } from "../texts";
import type { EventshipDialog } from "../ui/dialog";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { controls, look } from "../ui/styles";
import { problemView } from "../ui/views";
import { DOCUMENTS } from "./pages";

/** What an act answers, whatever it acts on. */
export interface Done {
  readonly matched: number;
  readonly queued: number;
  readonly unusable?: number;
  readonly sample: readonly object[];
}

export interface Asked {
  readonly heading: string;
  /** What it means; `done` is what was counted. */
  readonly text: (counted: Done) => string;
  readonly verb: (counted: Done) => string;
  /** Whether there is anything to do; always, where nobody says. */
  readonly isPossible?: (counted: Done) => boolean;
  readonly hasReason?: boolean;
  readonly isGrave?: boolean;
  readonly path: string;
  readonly body: object;
  /** What to say afterwards. */
  readonly said: (done: Done) => string;
}

const IDS = ["host_id", "event_id", "registration_id", "webhook_id", "notification_id"];

/** A sampled thing by its ids. */
export function idsOf(item: object): string {
  const values = item as Readonly<Record<string, unknown>>;
  return IDS.map((name) => values[name]).filter((value) => typeof value === "string").join(" · ");
}

export class OpsAsk extends EventshipElement {
  static override styles = [look, controls, css`
    :host { display: contents; container-type: normal; }
    input { font-weight: 400; margin-block-start: 0.3em; }
    @media (max-width: 640px) { button, input { min-block-size: 44px; } }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties, asked: { attribute: false }, counted: { state: true }, problem: { state: true }, isBusy: { state: true }, reason: { state: true },
  };

  declare asked: Asked;
  private declare counted: Done | null;
  private declare problem: ApiProblem | null;
  private declare isBusy: boolean;
  private declare reason: string;
  private said: string | null = null;

  constructor() {
    super();
    Object.assign(this, { counted: null, problem: null, isBusy: false, reason: "" });
  }

  protected override firstUpdated(): void {
    void this.call(true, (counted) => { this.counted = counted; });
  }

  private async call(isDryRun: boolean, then: (done: Done) => void): Promise<void> {
    this.isBusy = true;
    const { path, body } = this.asked;
    const because = this.reason.trim() ? { reason: this.reason.trim() } : {};
    try {
      then(await this.api.call<Done>("POST", path, { ...body, ...because, dry_run: isDryRun }));
      this.problem = null;
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.isBusy = false;
    }
  }

  private readonly act = (): Promise<void> => this.call(false, (done) => {
    this.said = this.asked.said(done);
    this.close();
  });

  /** The browser's own way gives focus back to the button that asked. */
  private readonly close = (): void => this.renderRoot.querySelector<EventshipDialog>("eventship-dialog")?.close();

  private readonly closed = (): void => {
    this.dispatchEvent(new CustomEvent("answered", { detail: this.said }));
  };

  private readonly write = (event: Event): void => {
    this.reason = (event.target as HTMLInputElement).value;
  };

  protected override render() {
    const { asked, counted } = this;
    const isPossible = counted !== null && (asked.isPossible?.(counted) ?? true);
    return html`<eventship-dialog heading=${asked.heading} @closed=${this.closed}>
      <div class="stack">
        ${this.problem ? problemView(this.problem, { docsBase: DOCUMENTS }) : nothing}
        <p role="status">${counted ? asked.text(counted) : words.ops.counting}</p>
        ${counted?.sample.length ? html`<ul class="small dim">${counted.sample.map((item) => html`<li>${idsOf(item)}</li>`)}</ul>` : nothing}
        ${asked.hasReason ? html`<label class="name">${words.ops.reason}<input maxlength="100" .value=${this.reason} @input=${this.write}></label>` : nothing}
        <p class="line"><button class=${asked.isGrave ? "bad" : ""} ?disabled=${this.isBusy || !isPossible} @click=${this.act}>${counted ? asked.verb(counted) : words.ops.counting}</button>
          <button class="plain" @click=${this.close}>${t.general.cancel}</button></p>
      </div></eventship-dialog>`;
  }
}

define("ops-ask", OpsAsk);
