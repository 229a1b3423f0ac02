/** What all our elements have in common: whose data, where the API is, and a token for each request. */

import type { CSSResultGroup, PropertyDeclarations, PropertyValues } from "lit";
import { Api, ApiProblem, type GetToken } from "../api/client";
import type { FailedAction } from "./views";
import { SpeakingElement } from "./speaking";
import { controls, look } from "./styles";

/** Registers an element once, also when a page loads the file twice. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}

export abstract class EventshipElement extends SpeakingElement {
  static override styles: CSSResultGroup = [look, controls];
  static override properties: PropertyDeclarations = {
    hostId: { attribute: "host-id" },
    apiBase: { attribute: "api-base" },
    docsBase: { attribute: "docs-base" },
    getToken: { attribute: false },
    announced: { state: true },
    silentSince: { state: true },
    failedAction: { state: true },
  };

  declare hostId: string;
  declare apiBase: string;
  declare docsBase: string;
  /** Gives a bearer token of the platform; asked before every request, so it may renew itself. */
  declare getToken: GetToken | null;
  /** What a screen reader is told. */
  protected declare announced: string;
  /** Since when nothing is heard of the service, for elements that follow it. */
  protected declare silentSince: number | null;
  /** The reader's last action, where it did not succeed: `failedActionView` says so. */
  protected declare failedAction: FailedAction | null;

  constructor() {
    super();
    this.hostId = "";
    this.apiBase = "";
    this.docsBase = "";
    this.getToken = null;
    this.announced = "";
    this.silentSince = null;
    this.failedAction = null;
  }

  protected readonly silent = (since: number | null): void => {
    this.silentSince = since;
    if (since === null) this.reached();
  };

  /** An action that did not reach the service is no news any more once the service is reached again. */
  private readonly reached = (): void => {
    if (this.failedAction?.problem.isUnreachable) this.failedAction = null;
  };

  protected get api(): Api {
    return new Api(this.apiBase, () => this.getToken?.() ?? "", this.language, this.reached);
  }

  /** An action of the reader's; `notDone` says what is so if it fails, such as "Not paused." Whether it succeeded. */
  protected async perform(notDone: string, deed: () => Promise<void>): Promise<boolean> {
    this.failedAction = null;
    try {
      await deed();
      return true;
    } catch (error) {
      this.failedAction = { notDone, problem: this.problemIn(error), again: () => void this.perform(notDone, deed) };
      return false;
    }
  }

  /** Whether what is loaded is of another host or service, or in another language. */
  protected hasNewSource(changed: PropertyValues): boolean {
    return ["hostId", "apiBase", "getToken", "language"].some((name) => changed.has(name));
  }

  /** The problem in what was thrown; tells the page when its token is not taken any more. */
  protected problemIn(error: unknown): ApiProblem {
    if (!(error instanceof ApiProblem)) throw error;
    if (error.body.status === 401) this.tell("eventship-token-refused");
    return error;
  }

  protected tell(type: string, detail: unknown = null): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}
