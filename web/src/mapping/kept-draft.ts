/** What was changed and not saved, kept for this tab over a reload; of the user who changed it alone. */

import type { Draft } from "./draft";

const PREFIX = "eventship-mapping:";

interface Kept {
  readonly user: string;
  readonly version: number;
  readonly draft: Draft;
}

/** Whose token it is, by its own words: no one else's draft is shown; null where it does not say. */
export function userOf(token: string): string | null {
  try {
    const claims = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const { iss, sub } = JSON.parse(atob(claims)) as { iss?: unknown; sub?: unknown };
    return typeof sub === "string" ? `${String(iss ?? "")} ${sub}` : null;
  } catch {
    return null;
  }
}

export function keep(place: string, user: string | null, version: number, draft: Draft): void {
  if (user === null) return;
  try {
    sessionStorage.setItem(PREFIX + place, JSON.stringify({ user, version, draft } satisfies Kept));
  } catch {
    // A page may forbid storage, or have filled it: then a reload forgets.
  }
}

/** The draft of this user over this version of the mapping; what is another user's, or older, is dropped. */
export function takeKept(place: string, user: string | null, version: number): Draft | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(PREFIX + place) ?? "null") as Kept | null;
    if (kept !== null && kept.user === user && kept.version === version) return kept.draft;
  } catch {
    // What cannot be read is dropped, too.
  }
  drop(place);
  return null;
}

export function drop(place: string): void {
  try {
    sessionStorage.removeItem(PREFIX + place);
  } catch {
    // Nothing was kept.
  }
}
