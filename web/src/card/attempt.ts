/** One attempt to connect: a window at Salesforce, and how we learn what came of it. */

import type { HostApi } from "../api/client";
import type { Attempt, StartAttempt } from "../api/schema";

const ASK_MS = 2_000;
const LOOK_MS = 500;
const WINDOW = "popup,width=560,height=760";
const MESSAGE = "eventship.salesforce";
const RECEIVED = "eventship.salesforce.received";

/** The attempt once its window is done: it has ended, or waits to be confirmed with `code`. */
export interface Outcome {
  readonly attempt: Attempt;
  readonly code: string | null;
}

/** Opened inside the click, or browsers block it; null where they do anyway. */
export function openWindow(): Window | null {
  return window.open("", "eventship-salesforce", WINDOW);
}

/** Starts an attempt and leads the window to Salesforce. Raises ApiProblem, after closing the window. */
export async function startIn(popup: Window | null, begin: () => Promise<StartAttempt>): Promise<StartAttempt> {
  try {
    const started = await begin();
    popup?.location.replace(started.start_url);
    return started;
  } catch (error) {
    popup?.close();
    throw error;
  }
}

/**
 * Resolves when the attempt has ended, or can be confirmed here. The window brings the code when it can; we ask as
 * well, since Salesforce's pages may cut the window off from us, and the person then confirms in that window.
 */
export async function outcomeOf(
  started: StartAttempt, api: HostApi, signal: AbortSignal, window: { popup: Window | null; closed: () => void } = { popup: null, closed: () => undefined },
): Promise<Outcome> {
  const watched = window.popup === null ? null : whenClosed(window.popup, signal);
  const message = heardOf(started, signal);
  let heard: { code: string | null } | null = null;
  void message.then((it) => { heard = it; });
  void watched?.then(() => {
    if (heard === null && !signal.aborted) window.closed();
  });
  while (!signal.aborted) {
    await (heard ? pause(ASK_MS, signal) : Promise.race([message, pause(ASK_MS, signal)]));
    if (signal.aborted || (document.hidden && !heard)) continue;
    const attempt = await api.attempt(started.attempt_id).catch(() => null);
    const code = (heard as { code: string | null } | null)?.code ?? null;
    if (attempt === null || attempt.state === "waiting") continue;
    if (attempt.state !== "confirming" || code !== null) return { attempt, code };
  }
  throw new DOMException("nobody waits for it any more", "AbortError");
}

/** The window's message. It is answered, or the window would go on to the dashboard by itself. */
function heardOf(started: StartAttempt, signal: AbortSignal): Promise<{ code: string | null }> {
  const { origin } = new URL(started.start_url);
  return new Promise((resolve) => {
    const hear = ({ origin: from, source, data }: MessageEvent<{ type?: unknown; attempt_id?: unknown; code?: unknown } | null>): void => {
      if (from !== origin || data?.type !== MESSAGE || data.attempt_id !== started.attempt_id) return;
      source?.postMessage({ type: RECEIVED, attempt_id: started.attempt_id }, { targetOrigin: origin });
      resolve({ code: typeof data.code === "string" ? data.code : null });
    };
    window.addEventListener("message", hear, { signal });
  });
}

/** Resolves once the window is gone, a little later: what it sent before comes first. A page of Salesforce may cut the window
 * off from us, and then it only looks gone. */
async function whenClosed(popup: Window, signal: AbortSignal): Promise<void> {
  while (!popup.closed && !signal.aborted) await pause(LOOK_MS, signal);
  await pause(LOOK_MS, signal);
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
