/** The words in use. Each language is a file of its own, loaded when an element first needs it. */

import { untilLoaded } from "../ui/load";
import type { Texts } from "./en";
import type { ConsoleWords } from "./en/console";

interface Language {
  readonly texts: Texts;
  readonly words: ConsoleWords;
}

/** A further language is its file, and a line here. */
export const LANGUAGES: Readonly<Record<string, () => Promise<Language>>> = {
  en: () => import("./en"),
  de: () => import("./de"),
};
const DEFAULT = "en";

/** The elements' words: of the element that is being drawn. */
export let t: Texts;
/** The console's own. */
export let words: ConsoleWords;
/** What the page gave; it takes the place of every language. */
let own: Texts | null = null;
const loaded = new Map<string, Language>();
const followers = new Set<(haveTextsChanged: boolean) => void>();

export function setTexts(texts: Texts): void {
  own = texts;
  t = texts;
  for (const changed of followers) changed(true);
}

/** The elements' words in a language, to take some of them into one's own. */
export async function loadTexts(language: string): Promise<Texts> {
  await load(languageFor(language));
  return (loaded.get(languageFor(language)) as Language).texts;
}

/** The language to use where a page names this one: "de" for "de-AT", and English for what we do not speak. */
export function languageFor(tag: string): string {
  const language = tag.toLowerCase().split(/[-_]/)[0] ?? "";
  return Object.hasOwn(LANGUAGES, language) ? language : DEFAULT;
}

/** Calls back when the page sets its own words or another language; call what is returned to end that. */
export function follow(changed: (haveTextsChanged: boolean) => void): () => void {
  followers.add(changed);
  return () => void followers.delete(changed);
}

/** Something in the page changed that languages depend on. */
export function languageChanged(): void {
  for (const changed of followers) changed(false);
}

/** Whether there is anything to wait for before a language can be drawn; what is awaited never rejects. */
export function load(language: string): Promise<void> | null {
  return own !== null || loaded.has(language) ? null : fetchWords(language);
}

async function fetchWords(language: string): Promise<void> {
  loaded.set(language, await untilLoaded(LANGUAGES[language] as () => Promise<Language>));
}

/** Takes a loaded language into use. */
export function speak(language: string): void {
  const found = loaded.get(language);
  if (found) ({ texts: t, words } = found);
  if (own !== null) t = own;
}

/** The language of what is drawn for a page that names this one. */
export const spoken = (tag: string): string => own?.locale ?? languageFor(tag);

/** The text for a value of an open enumeration; what is not known is "other". */
export function named<T>(texts: Readonly<Record<string, T>>, value: string, fallback: NoInfer<T>): T {
  return Object.hasOwn(texts, value) ? (texts[value] as T) : fallback;
}

/** A point in time, short, in this zone; without one in the reader's own. */
export function moment(iso: string, zone?: string): string {
  return new Date(iso).toLocaleString(t.locale, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
}

/** A point in time in an event's zone, with what that is called: what a person reads alone. */
export function momentNamed(iso: string, timezone: string): string {
  const zone = zoneOf(timezone);
  return `${moment(iso, zone)} (${zoneName(zone, new Date(iso))})`;
}

/** The time of day where that is today, else the day, too. */
export function timeOf(iso: string, zone?: string): string {
  const dayIn = (at: Date): string => at.toLocaleDateString(t.locale, { timeZone: zone });
  const at = new Date(iso);
  return dayIn(at) === dayIn(new Date()) ? at.toLocaleTimeString(t.locale, { timeStyle: "short", timeZone: zone }) : moment(iso, zone);
}

/** An event's zone for the functions above: none where it names none, or one that the browser does not know. */
export function zoneOf(zone: string): string | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone === "UTC" ? undefined : zone;
  } catch {
    return undefined;
  }
}

/** What a zone is called, such as "Berlin, CET"; without one the reader's own. */
export function zoneName(zone: string | undefined, at = new Date()): string {
  const format = new Intl.DateTimeFormat(t.locale, { timeZone: zone, timeZoneName: "short" });
  const place = format.resolvedOptions().timeZone.split("/").at(-1)?.replaceAll("_", " ");
  const name = format.formatToParts(at).find((part) => part.type === "timeZoneName")?.value;
  return [...new Set([place, name])].join(", ");
}

/** The time of day, to the second. */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString(t.locale, { timeStyle: "medium" });
}

/** A calendar day as Salesforce gave it. */
export function day(iso: string): string {
  return new Date(`${iso}T00:00:00Z`).toLocaleDateString(t.locale, { dateStyle: "medium", timeZone: "UTC" });
}
