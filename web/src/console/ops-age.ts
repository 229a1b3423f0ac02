/** How old the figures on a page are; a warning once nothing was heard for longer than three questions take. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import { clock, words } from "../texts";
import { define } from "../ui/element";
import { SpeakingElement } from "../ui/speaking";
import { look } from "../ui/styles";

export const OLD_SECONDS = 15;

export class OpsAge extends SpeakingElement {
  static override styles = [look, css`p { font-variant-numeric: tabular-nums; }`];
  static override properties: PropertyDeclarations = { at: { attribute: false }, now: { state: true } };

  declare at: number | null;
  private declare now: number;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.at = null;
    this.now = Date.now();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = setInterval(() => { this.now = Date.now(); }, 1_000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  protected override render() {
    if (this.at === null) return nothing;
    const seconds = Math.max(0, Math.round((this.now - this.at) / 1_000));
    const isOld = seconds > OLD_SECONDS;
    // Said once, and not every second.
    return html`<p class=${isOld ? "note bad" : "small dim"} data-age=${isOld ? "old" : "fresh"}>${words.ops.asOf(clock(this.at), seconds)}</p>
      <p class="sr" role="status">${isOld ? words.ops.old(OLD_SECONDS) : ""}</p>`;
  }
}

define("ops-age", OpsAge);
