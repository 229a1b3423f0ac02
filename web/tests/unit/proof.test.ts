// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ProofPanel } from "../../src/sync/proof-panel";

const RUN = { state: "running", checked: 2, total: 8, api_calls: 1, in_order: 2, resumes_at: null, started_at: "2026-11-21T18:00:00Z", finished_at: null, items: [], next_cursor: null };
const DIFFERENCE = { registration_id: "reg_8842", kind: "missing_activity", ours: "00T5g00000GhIjKEAV", theirs: "deleted", url: "https://acme.lightning.force.com/lightning/r/Lead/00Q5g00000RtUvWAAV/view" };
const DONE = { ...RUN, state: "done", checked: 8, in_order: 7, finished_at: "2026-11-21T18:00:03Z", items: [DIFFERENCE] };
const OUTCOME = { dry_run: true, matched: 3, queued: 2, not_queued: [{ why: "skipped", count: 1 }], waiting_for: null, row: null };

let answers: [number, unknown][];
let asked: [string, string, unknown][];
let panel: ProofPanel;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push([init.method ?? "GET", url.split("/salesforce/")[1] ?? url, init.body ? JSON.parse(init.body as string) : undefined]);
    const [status, body] = answers.shift() ?? [500, {}];
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  });
});

afterEach(() => {
  panel.remove();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function shown(mayChange: boolean, ...given: [number, unknown][]): Promise<void> {
  answers = given;
  panel = new ProofPanel();
  Object.assign(panel, { hostId: "host", eventId: "evt", getToken: () => "token", mayChange });
  document.body.append(panel);
  await settled();
}

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  await panel.updateComplete;
}

const text = () => panel.shadowRoot?.textContent?.replace(/\s+/g, " ") ?? "";
const button = (name: string) => [...(panel.shadowRoot?.querySelectorAll("button") ?? [])].find((each) => each.textContent === name);

test("an event that was never verified has a button, for who may press it", async () => {
  await shown(true, [404, { code: "NeverVerified", title: "The event was never verified" }], [202, RUN]);
  expect(button("Verify")?.disabled).toBe(false);
  button("Verify")?.click();
  await settled();
  expect(asked[1]?.slice(0, 2)).toEqual(["POST", "verify"]);
  expect(panel.shadowRoot?.querySelector("progress")?.getAttribute("max")).toBe("8");
  expect(button("Verify again")?.disabled).toBe(true);
});

test("who may only read sees the result and no button", async () => {
  await shown(false, [200, DONE]);
  expect(text()).toContain("7 of 8 are in order.");
  expect(panel.shadowRoot?.querySelectorAll("button").length).toBe(0);
});

test("a run is asked for until it is done, and then no more", async () => {
  await shown(true, [200, RUN], [200, DONE]);
  await vi.advanceTimersByTimeAsync(2_000);
  await settled();
  expect(text()).toContain("An activity is missing");
  expect(panel.shadowRoot?.querySelector("td a")?.getAttribute("href")).toBe(DIFFERENCE.url);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBe(2);
});

test("a repair counts first, and writes only when it is confirmed", async () => {
  await shown(true, [200, DONE], [202, OUTCOME], [202, { ...OUTCOME, dry_run: false }]);
  button("Repair…")?.click();
  await settled();
  expect(asked[1]).toEqual(["POST", "repair", { all: true, dry_run: true }]);
  expect(text()).toContain("2 registrations would be written again. 1 registration stays as it is.");
  button("Repair 2")?.click();
  await settled();
  expect(asked[2]).toEqual(["POST", "repair", { all: true, dry_run: false }]);
  expect(text()).toContain("2 registrations are written again.");
});

test("a paused run says when it goes on", async () => {
  await shown(true, [200, { ...RUN, state: "paused", resumes_at: "2026-11-22T00:00:00Z" }]);
  expect(text()).toMatch(/waiting.*goes on Nov 2[12], 2026/);
});

test("more differences come page by page", async () => {
  await shown(true, [200, { ...DONE, next_cursor: "abc" }], [200, { ...DONE, items: [{ ...DIFFERENCE, registration_id: "reg_2" }] }]);
  button("Show more")?.click();
  await settled();
  expect(asked[1]?.[1]).toBe("verify?limit=50&cursor=abc");
  expect([...(panel.shadowRoot?.querySelectorAll("tbody th") ?? [])].map((each) => each.textContent)).toEqual(["reg_8842", "reg_2"]);
});
