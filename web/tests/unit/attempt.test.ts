// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import type { HostApi } from "../../src/api/client";
import type { Attempt, StartAttempt } from "../../src/api/schema";
import { outcomeOf } from "../../src/card/attempt";

const SERVICE = "https://sync.otter.example";
const started = { attempt_id: "att_1", start_url: `${SERVICE}/oauth/salesforce/start?ticket=x` } as StartAttempt;

function apiWith(...states: string[]): HostApi {
  const attempt = vi.fn(async () => ({ attempt_id: "att_1", state: states.length > 1 ? states.shift() : states[0] }) as Attempt);
  return { attempt } as unknown as HostApi;
}

function say(data: unknown, origin = SERVICE) {
  const source = { postMessage: vi.fn() };
  window.dispatchEvent(Object.assign(new Event("message"), { origin, source, data }));
  return source.postMessage;
}

const MESSAGE = { type: "eventship.salesforce", attempt_id: "att_1", outcome: "confirm", code: "c0de" };

test("the window's message is answered and brings the code", async () => {
  const outcome = outcomeOf(started, apiWith("confirming"), new AbortController().signal);
  const answered = say(MESSAGE);
  expect(await outcome).toEqual({ attempt: { attempt_id: "att_1", state: "confirming" }, code: "c0de" });
  expect(answered).toHaveBeenCalledWith({ type: "eventship.salesforce.received", attempt_id: "att_1" }, { targetOrigin: SERVICE });
});

test.each([
  ["another origin", MESSAGE, "https://evil.example"],
  ["another attempt", { ...MESSAGE, attempt_id: "att_2" }, SERVICE],
  ["another kind", { ...MESSAGE, type: "x" }, SERVICE],
])("a message of %s is neither answered nor believed", async (_, data, origin) => {
  const closing = new AbortController();
  const outcome = outcomeOf(started, apiWith("confirming"), closing.signal);
  expect(say(data, origin)).not.toHaveBeenCalled();
  closing.abort();
  await expect(outcome).rejects.toThrow();
});

test("without a message the end is learned by asking, also where another window confirmed", async () => {
  vi.useFakeTimers();
  const outcome = outcomeOf(started, apiWith("waiting", "confirming", "connected"), new AbortController().signal);
  await vi.advanceTimersByTimeAsync(7_000);
  expect(await outcome).toEqual({ attempt: { attempt_id: "att_1", state: "connected" }, code: null });
  vi.useRealTimers();
});
