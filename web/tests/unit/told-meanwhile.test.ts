// @vitest-environment happy-dom
// The stream tells something newer while an older answer is on its way: nothing would correct that one afterwards.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SalesforceCard } from "../../src/card/salesforce-card";
import { SalesforceEventDay } from "../../src/door/salesforce-event-day";
import { SalesforceEventSync } from "../../src/sync/salesforce-event-sync";
import { SalesforceRegistration } from "../../src/sync/salesforce-registration";

type Give = (body: unknown) => void;
/** Questions that wait for their answer, by the end of their address. */
const waiting = new Map<string, Give[]>();
const json = (body: unknown): Response => new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
let tell: (type: string, data: unknown) => void;

function stream(): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (to) => { tell = (type, data) => to.enqueue(new TextEncoder().encode(`id: 1\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`)); },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

beforeEach(() => {
  waiting.clear();
  vi.stubGlobal("fetch", (path: string) => {
    if (path.includes("/stream")) return Promise.resolve(stream());
    return new Promise<Response>((resolve) => {
      const what = /[^/?]+(?=\?|$)/.exec(path)?.[0] ?? "";
      waiting.set(what, [...(waiting.get(what) ?? []), (answer) => resolve(json(answer))]);
    });
  });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

/** Answers the question that waits longest. */
async function give(what: string, answer: unknown): Promise<void> {
  const next = await vi.waitFor(() => {
    const [first, ...others] = waiting.get(what) ?? [];
    if (first === undefined) throw new Error(`nobody asks for ${what}`);
    waiting.set(what, others);
    return first;
  });
  next(answer);
  await new Promise((resolve) => setTimeout(resolve, 10));
}

/** What is drawn of it does not matter here. */
async function shownIn<Shown>(element: HTMLElement): Promise<Shown> {
  const place = { getToken: () => "t", render: () => "", hostId: "one", eventId: "evt", registrationId: "reg" };
  document.body.append(Object.assign(element, place));
  await vi.waitFor(() => expect(waiting.size).toBeGreaterThan(0));
  return element as unknown as Shown;
}

const statsOf = (synced: number, checkedIn = 0) => ({
  event: { id: "evt", timezone: "UTC" }, counts: { synced, checked_in: checkedIn }, connection_state: "connected", is_linked: false, version: synced,
});

test("an event's figures, link and card stay as the stream told them", async () => {
  const shown = await shownIn<{ stats: { version: number } | null; card: object | null; link: object | null }>(new SalesforceEventSync());
  await give("stats", statsOf(40));
  tell("stats", statsOf(50));
  tell("card", { state: "connected" });
  tell("link", { campaign: { id: "701" } });
  await vi.waitFor(() => expect(shown.link).toEqual({ campaign: { id: "701" } }));
  await give("salesforce", { state: "disconnected" });
  await give("campaign", null);
  expect([shown.stats?.version, shown.card, shown.link]).toEqual([50, { state: "connected" }, { campaign: { id: "701" } }]);
});

test("a card stays as the stream told it; after an action it is asked for once more", async () => {
  const shown = await shownIn<{ card: { state: string } | null; setPause(is: boolean): Promise<void> }>(new SalesforceCard());
  tell("card", { state: "connected" });
  await vi.waitFor(() => expect(shown.card?.state).toBe("connected"));
  await give("salesforce", { state: "disconnected" });
  expect(shown.card?.state).toBe("connected");
  const pausing = shown.setPause(true);
  tell("card", { state: "needs_reconnect" });
  await vi.waitFor(() => expect(shown.card?.state).toBe("needs_reconnect"));
  await give("pause", { state: "connected" });
  await pausing;
  await give("salesforce", { state: "needs_reconnect" });
  expect(shown.card?.state).toBe("needs_reconnect");
});

test("who came in while the door's page asked is counted once, in this minute", async () => {
  const shown = await shownIn<{ stats: { counts: { checked_in: number } } | null; minutes: readonly number[] }>(new SalesforceEventDay());
  await give("stats", statsOf(0, 21));
  tell("stats", statsOf(0, 23));
  await vi.waitFor(() => expect(shown.stats?.counts.checked_in).toBe(23));
  await give("check-ins", { minutes: [0, 4, 1] });
  expect([shown.stats?.counts.checked_in, shown.minutes]).toEqual([23, [0, 4, 3]]);
});

test("a registration's history stays that of its newest version", async () => {
  const rowOf = (version: number) => ({ registration_id: "reg", version });
  const shown = await shownIn<{ attempts: readonly object[] | null }>(new SalesforceRegistration());
  await give("salesforce", { role: "owner" });
  await give("stats", statsOf(1));
  await give("reg", rowOf(1));
  tell("row", rowOf(2));
  await vi.waitFor(() => expect(waiting.get("history")).toHaveLength(2));
  const [older, newer] = waiting.get("history") ?? [];
  newer?.({ items: [{ at: "newer" }], next_cursor: null });
  await vi.waitFor(() => expect(shown.attempts).toEqual([{ at: "newer" }]));
  older?.({ items: [], next_cursor: null });
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(shown.attempts).toEqual([{ at: "newer" }]);
});
