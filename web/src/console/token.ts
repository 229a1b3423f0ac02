/** The console's token: handed in by the address's fragment, kept for this tab only, dropped when refused. */

const KEY = "eventship-console-token";

/** Takes the token out of the address, so that it stays in no history; else the one of this tab. */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

export function dropToken(): void {
  sessionStorage.removeItem(KEY);
}
