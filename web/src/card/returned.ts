/** What a browser brought back from Salesforce, and which attempts this tab began. */

const BEGUN = "eventship-salesforce-begun";

export interface Returned {
  readonly outcome: string;
  readonly attemptId: string | null;
  /** To confirm with; only where the outcome is `confirm`. */
  readonly code: string | null;
}

let returned = takeOut();

/** As long as no card has dealt with it. */
export function whatReturned(): Returned | null {
  return returned;
}

export function forgetReturned(): void {
  returned = null;
}

/** Notes that this tab began the attempt for this host; a tab that cannot keep it is asked later. */
export function noteBegun(attemptId: string, hostId: string): void {
  try {
    sessionStorage.setItem(BEGUN, JSON.stringify([attemptId, hostId]));
  } catch {
    // storage is switched off
  }
}

/** What was begun has ended. */
export function forgetBegun(): void {
  try {
    sessionStorage.removeItem(BEGUN);
  } catch {
    // storage is switched off
  }
}

/** Whether this tab began the attempt, for this host and last. */
export function hasBegun(attemptId: string, hostId: string): boolean {
  try {
    return sessionStorage.getItem(BEGUN) === JSON.stringify([attemptId, hostId]);
  } catch {
    return false;
  }
}

/** Reads the address and takes all of it out: run when this file is loaded, before anything is requested. */
export function takeOut(): Returned | null {
  const query = new URLSearchParams(location.search);
  const outcome = query.get("salesforce");
  if (outcome === null) return null;
  const fragment = new URLSearchParams(location.hash.slice(1));
  const code = fragment.get("code");
  const attemptId = query.get("attempt");
  query.delete("salesforce");
  query.delete("attempt");
  const search = query.size > 0 ? `?${query}` : "";
  history.replaceState(history.state, "", location.pathname + search + (code === null ? location.hash : ""));
  return { outcome, attemptId, code: outcome === "confirm" ? code : null };
}
