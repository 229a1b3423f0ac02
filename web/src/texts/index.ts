/** The words in use; a page with another language sets its own before the elements are drawn. */

import { english, type Texts } from "./en";

export let t: Texts = english;

export function setTexts(texts: Texts): void {
  t = texts;
}

/** The text for a value of an open enumeration; what is not known is "other". */
export function named<T>(texts: Readonly<Record<string, T>>, value: string, fallback: NoInfer<T>): T {
  return Object.hasOwn(texts, value) ? (texts[value] as T) : fallback;
}

/** A point in time, short, in the reader's own zone. */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString(t.locale, { dateStyle: "medium", timeStyle: "short" });
}

/** The time of day, to the second. */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString(t.locale, { timeStyle: "medium" });
}

/** A calendar day as Salesforce gave it. */
export function day(iso: string): string {
  return new Date(`${iso}T00:00:00Z`).toLocaleDateString(t.locale, { dateStyle: "medium", timeZone: "UTC" });
}
