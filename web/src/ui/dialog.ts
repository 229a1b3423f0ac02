/** A modal dialog with a heading: the browser's own, so that focus stays inside and Escape closes it. */

import { css, html, type PropertyDeclarations } from "lit";
import { t } from "../texts";
import { define } from "./element";
import { restore, spotIn, type Spot } from "./focus";
import { SpeakingElement } from "./speaking";
import { controls, look } from "./styles";

export class EventshipDialog extends SpeakingElement {
  static override styles = [look, controls, css`
    :host { display: contents; container-type: normal; }
    dialog { color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: var(--radius); padding: 1.4em;
      inline-size: min(34rem, calc(100vw - 1.5rem)); max-block-size: calc(100dvh - 2rem); overflow: auto; font: var(--eventship-font, 15px/1.5 system-ui, sans-serif); }
    dialog::backdrop { background: rgb(10 12 18 / 55%); }
    header { display: flex; justify-content: space-between; gap: 1em; align-items: start; margin-block-end: 1em; }
    header button { padding: 0.1em 0.6em; min-block-size: 2em; font-size: 1.1em; }
  `];
  static override properties: PropertyDeclarations = { heading: {} };

  declare heading: string;
  /** What had the focus before; it gets it back. */
  private opener: Spot | null = null;

  constructor() {
    super();
    this.heading = "";
  }

  protected override firstUpdated(): void {
    this.opener = spotIn(document);
    this.dialog?.showModal();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.opener) restore(this.opener);
  }

  close(): void {
    this.dialog?.close();
  }

  private get dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector("dialog");
  }

  private readonly closed = (): void => {
    this.dispatchEvent(new Event("closed"));
  };

  protected override render() {
    return html`<dialog aria-labelledby="heading" @close=${this.closed}>
      <header><h2 id="heading" tabindex="-1" autofocus>${this.heading}</h2>
        <button class="plain" aria-label=${t.general.close} @click=${this.close}>✕</button></header>
      <slot></slot>
    </dialog>`;
  }
}

define("eventship-dialog", EventshipDialog);
