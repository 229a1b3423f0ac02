/** The console's language: what its reader chose in this browser, else the first of the browser's own that we speak. */

import { LANGUAGES, languageFor } from "../texts";

const KEY = "eventship-console-language";

export function chooseLanguage(language: string): void {
  document.documentElement.lang = language;
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

/** The page is in that language before anything is drawn. */
export function takeLanguage(): void {
  document.documentElement.lang = languageFor([kept(), ...navigator.languages].find(isSpoken) ?? "");
}

/** Each language in its own words. */
export const languageName = (language: string): string => new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language;

function isSpoken(tag: string): boolean {
  return Object.hasOwn(LANGUAGES, tag.toLowerCase().split("-")[0] ?? "");
}

function kept(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
