/** What draws words: nothing before they are there, and again when the page changes its language. The focus stays. */

import { LitElement, type PropertyDeclarations } from "lit";
import { follow, languageChanged, load, speak, spoken, t } from "../texts";
import { keepFocus, spotIn } from "./focus";

/** Where `lang` may change: the document, and the shadow roots that our elements are in. */
const observer = new MutationObserver(languageChanged);

export abstract class SpeakingElement extends LitElement {
  static override properties: PropertyDeclarations = { language: { state: true } };

  static override get observedAttributes(): string[] {
    return [...super.observedAttributes, "lang"];
  }

  /** The language that this element speaks. */
  protected declare language: string;
  /** What the page says of this very element, if anything: `lang` itself tells what is spoken. */
  private named: string | null = null;
  private isNaming = false;
  private unfollow: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    const root = this.getRootNode();
    observer.observe(root instanceof Document ? root.documentElement : root, { attributes: true, attributeFilter: ["lang"], subtree: true });
    this.unfollow = follow(this.listen);
    this.listen();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.unfollow?.();
  }

  override attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    super.attributeChangedCallback(name, old, value);
    if (name === "lang" && !this.isNaming) this.named = value;
  }

  private readonly listen = (haveTextsChanged = false): void => {
    this.language = spoken(languageAround(this));
    if (haveTextsChanged) this.requestUpdate();
  };

  protected override scheduleUpdate(): void | Promise<unknown> {
    return load(this.language)?.then(() => this.scheduleUpdate()) ?? super.scheduleUpdate();
  }

  protected override performUpdate(): void {
    speak(this.language);
    this.isNaming = true;
    if (this.lang !== t.locale) this.lang = t.locale;
    if (this.dir !== t.dir) this.dir = t.dir;
    this.isNaming = false;
    const spot = this.hasUpdated ? spotIn(this.renderRoot as ShadowRoot) : null;
    super.performUpdate();
    keepFocus(spot);
  }

  /** What the page calls the language of a node; of our elements counts what the page said of them. */
  static tagOf(node: Node): string | null {
    if (node instanceof SpeakingElement) return node.named;
    return node instanceof Element ? node.getAttribute("lang") : null;
  }
}

function languageAround(element: Node): string {
  for (let at: Node | null = element; at !== null; at = at.parentNode ?? (at as Partial<ShadowRoot>).host ?? null) {
    const tag = SpeakingElement.tagOf(at);
    if (tag !== null) return tag;
  }
  return "";
}
