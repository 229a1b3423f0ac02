/** One attempt to connect: a window at Salesforce, and how we learn what came of it. */

import type { HostApi } from "../api/client";
import type { Attempt, StartAttempt, StartConnect } from "../api/schema";

const ASK_MS = 2_000;
const WINDOW = "popup,width=560,height=760";
const MESSAGE = "eventship.salesforce";

/** Opened inside the click, or browsers block it; null where they do anyway. */
export function openWindow(): Window | null {
  return window.open("", "eventship-salesforce", WINDOW);
}

/** Starts an attempt and leads the window to Salesforce. Raises ApiProblem, after closing the window. */
export async function startIn(popup: Window | null, api: HostApi, wish: StartConnect): Promise<StartAttempt> {
  try {
    const started = await api.connect(wish);
    popup?.location.replace(started.start_url);
    return started;
  } catch (error) {
    popup?.close();
    throw error;
  }
}

/**
 * Resolves when the attempt has ended. The window tells when it can; we ask as well, since Salesforce's pages may
 * cut the window off from us, or the person goes on elsewhere.
 */
export async function outcomeOf(started: StartAttempt, api: HostApi, signal: AbortSignal): Promise<Attempt> {
  const told = toldBy(started, signal);
  let isTold = false;
  void told.then(() => { isTold = true; });
  while (!signal.aborted) {
    await (isTold ? pause(ASK_MS, signal) : Promise.race([told, pause(ASK_MS, signal)]));
    if (signal.aborted || (document.hidden && !isTold)) continue;
    const attempt = await api.attempt(started.attempt_id).catch(() => null);
    if (attempt !== null && attempt.state !== "waiting") return attempt;
  }
  throw new DOMException("nobody waits for it any more", "AbortError");
}

function toldBy(started: StartAttempt, signal: AbortSignal): Promise<void> {
  const { origin } = new URL(started.start_url);
  return new Promise((resolve) => {
    const hear = ({ origin: from, data }: MessageEvent<{ type?: unknown; attempt_id?: unknown } | null>): void => {
      if (from === origin && data?.type === MESSAGE && data.attempt_id === started.attempt_id) resolve();
    };
    window.addEventListener("message", hear, { signal });
  });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
