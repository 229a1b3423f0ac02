// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Stats } from "../../src/api/schema";
import { SalesforceEventDay } from "../../src/door/salesforce-event-day";

const STATS = {
  event: { id: "evt_1", title: "River", starts_at: null, timezone: "UTC", is_paused: false }, connection_state: "connected",
  counts: { total: 50, synced: 40, pending: 3, failed: 2, skipped: 5, attended: 20, checked_in: 21 },
} as Stats;
const json = (body: unknown): Response => new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
let isReached = true;

beforeEach(() => {
  isReached = true;
  vi.useFakeTimers();
  vi.stubGlobal("fetch", (address: string) => {
    if (!isReached) return Promise.reject(new TypeError("offline"));
    if (address.endsWith("/stream")) return Promise.resolve(new Response(null, { status: 404 }));
    return Promise.resolve(json(address.endsWith("/check-ins") ? { minutes: [0, 4, 1], as_of: "" } : STATS));
  });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function shown(): Promise<ShadowRoot> {
  const element = new SalesforceEventDay();
  Object.assign(element, { hostId: "host_1", eventId: "evt_1", getToken: () => "t" });
  document.body.append(element);
  await vi.waitFor(() => expect(element.shadowRoot?.querySelector("[data-checked-in]")).not.toBeNull());
  return element.shadowRoot as ShadowRoot;
}

const textOf = (root: ShadowRoot, selector: string): string => root.querySelector(selector)?.textContent?.trim() ?? "";

test("at the door stands who came, what is written, waits and failed, and the last minutes", async () => {
  const root = await shown();
  expect(["[data-checked-in]", "[data-written]", "[data-waiting]", "[data-failed]"].map((each) => textOf(root, each))).toEqual(["21", "20", "3", "2"]);
  expect(root.querySelector(".chart")?.getAttribute("aria-label")).toBe("5 in the last 30 minutes, at most 4 in one minute");
});

test("a service that falls silent is a warning within seconds, until it is heard again", async () => {
  const root = await shown();
  const heard = (): string | null | undefined => root.querySelector("[data-heard]")?.getAttribute("data-heard");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(heard()).toBe("now");
  isReached = false;
  await vi.advanceTimersByTimeAsync(20_000);
  expect([heard(), textOf(root, "[data-heard]")]).toEqual(["late", expect.stringMatching(/^Nothing heard for \d+ s: the figures may be old$/)]);
  expect(textOf(root, "[data-checked-in]")).toBe("21");
  isReached = true;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(heard()).toBe("now");
});
