/** Keeps the keyboard's place. Where what had the focus is gone, something near takes it, never the whole page. */

/** What had the focus, and all around it, from the inside out and across shadow roots. */
export interface Spot {
  readonly chain: readonly HTMLElement[];
  /** Then it is scrolled to; who points with a mouse sees the page stay as it is. */
  readonly isByKeyboard: boolean;
}

const NAMES_A_PART = "h1, h2, h3, h4, h5, h6, summary";
/** A button that is disabled while it works gets the focus back; one that stays so gives it up. */
const GIVE_UP_MS = 1_000;
let resting: Spot | null = null;

/** Null where nothing within has the focus. */
export function spotIn(root: DocumentOrShadowRoot): Spot | null {
  let at = root.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (at === null || at === document.body) return null;
  const chain: HTMLElement[] = [];
  for (let node: Node | null = at; node !== null; node = node.parentNode ?? (node as Partial<ShadowRoot>).host ?? null) {
    if (node instanceof HTMLElement) chain.push(node);
  }
  return { chain, isByKeyboard: at.matches(":focus-visible") };
}

/** After a view was drawn anew: the focus, which `before` had, is where it was, or near. */
export function keepFocus(before: Spot | null): void {
  const spot = before ?? resting;
  const first = spot?.chain[0];
  if (!spot || !first) return;
  if (!isDisabled(first)) {
    resting = null;
    restore(spot);
  } else if (resting?.chain[0] !== first) {
    resting = spot;
    setTimeout(giveUp, GIVE_UP_MS, spot);
  }
}

function giveUp(spot: Spot): void {
  if (resting !== spot) return;
  resting = null;
  restore(spot);
}

/** Gives the focus back, if nothing has it: to the same, else to the row or the heading that it was in. */
export function restore({ chain, isByKeyboard }: Spot): void {
  if (!isLost()) return;
  const options = { preventScroll: !isByKeyboard };
  for (const [index, each] of chain.entries()) {
    if (!each.isConnected || each === document.body) continue;
    const target = index === 0 ? (isDisabled(each) ? null : each) : each.matches("li, tr") ? each : headingIn(each);
    if (!target) continue;
    focusOn(target, options);
    if (!isLost()) return;
  }
}

/** Moves the focus to an element's first heading; whether it has one. */
export function focusHeading(element: Element | null): void {
  const heading = element && headingIn(element);
  if (heading) focusOn(heading);
}

function headingIn(element: Element): HTMLElement | null {
  const headings = (element.shadowRoot ?? element).querySelectorAll<HTMLElement>(NAMES_A_PART);
  return [...headings].find((each) => each.checkVisibility()) ?? null;
}

function focusOn(element: HTMLElement, options: FocusOptions = {}): void {
  if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus(options);
}

function isDisabled(element: Element): boolean {
  return element.isConnected && element.matches(":disabled");
}

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body || document.activeElement.matches(":disabled");
}
