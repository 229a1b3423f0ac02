import { afterEach, expect, test, vi } from "vitest";
import { Api, ApiProblem } from "../../src/api/client";

const problem = { type: "t", title: "Invalid Campaign Id", status: 400, code: "CampaignIdInvalid", detail: null, reason: "format", advice: null, salesforce: null, request_id: "req_1" };

function answering(...answers: readonly Response[]) {
  const fetched = vi.fn<typeof fetch>();
  for (const answer of answers) fetched.mockResolvedValueOnce(answer);
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

const json = (body: unknown, status = 200, type = "application/json"): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": type } });

async function refused(deed: Promise<unknown>): Promise<ApiProblem> {
  const error: unknown = await deed.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiProblem);
  return error as ApiProblem;
}

afterEach(() => vi.unstubAllGlobals());

test("the page is asked for a token before each request, and no cookie goes along", async () => {
  const fetched = answering(json({}), json({}));
  let number = 0;
  const host = new Api("https://sync.example", () => `token-${(number += 1)}`, "en").host("a:b");
  await host.card();
  await host.setPause(true);
  const [first, second] = fetched.mock.calls;
  expect(first?.[0]).toBe("https://sync.example/v1/hosts/a%3Ab/salesforce");
  expect(first?.[1]?.headers).toMatchObject({ Authorization: "Bearer token-1" });
  expect(second?.[1]?.headers).toMatchObject({ Authorization: "Bearer token-2" });
  expect(first?.[1]?.credentials).toBe("omit");
});

test("a change carries a key that makes it happen once, a question does not", async () => {
  const fetched = answering(json({}), json({}));
  const host = new Api("", () => "t", "en").host("a");
  await host.disconnect();
  await host.card();
  expect(fetched.mock.calls[0]?.[1]?.headers).toHaveProperty("Idempotency-Key");
  expect(fetched.mock.calls[1]?.[1]?.headers).not.toHaveProperty("Idempotency-Key");
});

test("the service is asked in the language of the page, also for its stream", async () => {
  const fetched = answering(json({}), json({}));
  const host = new Api("", () => "t", "de").host("a");
  await host.card();
  await host.stream(null, new AbortController().signal);
  expect(fetched.mock.calls[0]?.[1]?.headers).toMatchObject({ "Accept-Language": "de" });
  expect(fetched.mock.calls[1]?.[0]).toBe("/v1/hosts/a/salesforce/stream?lang=de");
});

test("a problem is thrown as the service told it", async () => {
  answering(json(problem, 400, "application/problem+json"));
  expect((await refused(new Api("", () => "t", "en").event("a", "b").validate("x"))).body).toEqual(problem);
});

test("an answer that is no problem of ours still says its status", async () => {
  answering(new Response("<h1>Bad Gateway</h1>", { status: 502, headers: { "content-type": "text/html" } }));
  expect((await refused(new Api("", () => "t", "en").host("a").card())).body).toMatchObject({ status: 502, code: "Unexpected" });
});

test("a service that cannot be reached is its own case", async () => {
  vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("network")));
  expect((await refused(new Api("", () => "t", "en").host("a").card())).isUnreachable).toBe(true);
});

const tooMany = (wait: string): Response => new Response(JSON.stringify({ ...problem, status: 429, code: "TooManyRequests" }), {
  status: 429, headers: { "content-type": "application/problem+json", "retry-after": wait },
});

test("who asked too much at once waits as long as told and asks again, as the same change", async () => {
  vi.useFakeTimers();
  const fetched = answering(tooMany("2"), tooMany("2"), json({ state: "paused" }));
  const paused = new Api("", () => "t", "en").host("a").setPause(true);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(fetched).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(2_001);
  expect(await paused).toEqual({ state: "paused" });
  const keys = fetched.mock.calls.map((call) => (call[1]?.headers as Record<string, string>)["Idempotency-Key"]);
  expect(new Set(keys).size).toBe(1);
  vi.useRealTimers();
});

test("a wait that nobody would sit through, or that has no end, is told", async () => {
  const fetched = answering(tooMany("40"));
  expect((await refused(new Api("", () => "t", "en").host("a").card())).body.code).toBe("TooManyRequests");
  expect(fetched).toHaveBeenCalledTimes(1);
  vi.useFakeTimers();
  const again = answering(...Array.from({ length: 6 }, () => tooMany("1")));
  const told = refused(new Api("", () => "t", "en").host("a").card());
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await told).body.code).toBe("TooManyRequests");
  expect(again).toHaveBeenCalledTimes(4);
  vi.useRealTimers();
});

test("an event without a campaign has no link", async () => {
  answering(json({ ...problem, status: 404, code: "CampaignNotLinked" }, 404, "application/problem+json"));
  expect(await new Api("", () => "t", "en").event("a", "b").link()).toBeNull();
});

test("rows are asked for by state, group and words of two letters or more", async () => {
  const fetched = answering(json({ items: [] }), json({ items: [] }));
  const event = new Api("", () => "t", "en").event("a", "b");
  await event.rows({ states: ["failed"], groupId: "g_1", q: " ot " }, "failed", null);
  await event.rows({ states: [], groupId: null, q: "o" }, "name", "c");
  expect(String(fetched.mock.calls[0]?.[0])).toMatch(/\?state=failed&group_id=g_1&q=ot&limit=50&sort=failed$/);
  expect(String(fetched.mock.calls[1]?.[0])).toMatch(/\?limit=50&sort=name&cursor=c$/);
});

test("developers are told once, in the console, why a browser may refuse to ask another origin", async () => {
  vi.stubGlobal("fetch", vi.fn<typeof fetch>().mockRejectedValue(new TypeError("Failed to fetch")));
  vi.stubGlobal("location", { origin: "https://dashboard.example" });
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  for (const base of ["", "https://dashboard.example", "https://sync.example", "https://sync.example"]) {
    expect((await refused(new Api(base, () => "t", "en").host("a").card())).isUnreachable).toBe(true);
  }
  expect(warn.mock.calls).toHaveLength(1);
  expect(warn.mock.calls[0]![0]).toMatch(/^https:\/\/sync\.example could not .* https:\/\/dashboard\.example.*DASHBOARD_ORIGINS/);
  warn.mockRestore();
});
