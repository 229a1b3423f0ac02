import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Live, POLL_MS, SILENCE_MS, type Source } from "../../src/api/live";

class Page extends EventTarget {
  hidden = false;

  show(isShown: boolean): void {
    this.hidden = !isShown;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

const gone = (): Response => new Response(null, { status: 404 });
let page: Page;
let polls: number;
let live: Live;
let words: (number | null)[];

function follow(open: Source["open"], take: Source["take"] = () => undefined, answer: () => Promise<boolean> = async () => true): void {
  const source: Source = { open, take, poll: () => { polls += 1; return answer(); }, silent: (since) => words.push(since) };
  live = new Live(source, page as unknown as Document);
  live.start();
}

/** A stream that stays open until it is ended here. */
function stream(): { answer: Response; send: (text: string) => void; end: () => void } {
  let to: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => { to = controller; } });
  const answer = new Response(body, { headers: { "content-type": "text/event-stream" } });
  return { answer, send: (text) => to.enqueue(new TextEncoder().encode(text)), end: () => to.close() };
}

beforeEach(() => {
  vi.useFakeTimers();
  page = new Page();
  polls = 0;
  words = [];
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("without a stream it asks every two seconds", async () => {
  follow(async () => gone());
  await vi.advanceTimersByTimeAsync(3 * POLL_MS);
  expect(polls).toBe(4);
});

test("nothing is asked while the page is hidden, and at once when it is shown again", async () => {
  follow(async () => gone());
  await vi.advanceTimersByTimeAsync(0);
  page.show(false);
  await vi.advanceTimersByTimeAsync(10 * POLL_MS);
  expect(polls).toBe(1);
  page.show(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(polls).toBe(2);
});

test("nothing is asked while the stream is up", async () => {
  const { answer, send } = stream();
  follow(async () => answer);
  await vi.advanceTimersByTimeAsync(0);
  const before = polls;
  for (let beat = 0; beat < 10; beat += 1) {
    send(": still here\n\n");
    await vi.advanceTimersByTimeAsync(5_000);
  }
  expect(polls).toBe(before);
  expect(words.every((each) => each === null)).toBe(true);
});

test("a stream that says nothing is given up: it asks instead, and opens another", async () => {
  let opened = 0;
  follow(async () => { opened += 1; return stream().answer; });
  await vi.advanceTimersByTimeAsync(0);
  const before = polls;
  await vi.advanceTimersByTimeAsync(SILENCE_MS + 2 * POLL_MS);
  expect(polls).toBeGreaterThan(before);
  expect(opened).toBeGreaterThan(1);
});

test.each([0, 0.14, 0.16, 0.5, 0.99])("the page is told since when nothing was heard, and when something is heard again (%d)", async (random) => {
  vi.spyOn(Math, "random").mockReturnValue(random);
  let isAway = false;
  const heardAt = Date.now();
  follow(async () => (isAway ? Promise.reject(new Error("away")) : stream().answer), () => undefined, async () => !isAway);
  await vi.advanceTimersByTimeAsync(0);
  isAway = true;
  await vi.advanceTimersByTimeAsync(SILENCE_MS);
  expect(words.at(-1)).toBe(heardAt);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(words.at(-1)).toBe(heardAt);
  isAway = false;
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(words.at(-1)).toBe(null);
});

test("a question that hangs does not keep others from being asked", async () => {
  follow(async () => gone(), () => undefined, () => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(polls).toBe(3);
  expect(words).toEqual([]);
});

test("a page that comes back to the front is not called silent before it asked", async () => {
  follow(async () => gone());
  await vi.advanceTimersByTimeAsync(0);
  page.show(false);
  await vi.advanceTimersByTimeAsync(10 * SILENCE_MS);
  page.show(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(words.every((each) => each === null)).toBe(true);
});

test("a stream that ends is taken up again from its last event", async () => {
  const first = stream();
  const seen: (string | null)[] = [];
  const told: string[] = [];
  follow(async (lastEventId) => {
    seen.push(lastEventId);
    return seen.length === 1 ? first.answer : gone();
  }, (event) => told.push(event.data));
  first.send("id: 41\nevent: stats\ndata: {}\n\n");
  await vi.advanceTimersByTimeAsync(0);
  first.end();
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(told).toEqual(["{}"]);
  expect(seen).toEqual([null, "41"]);
});

test("a refused stream is tried again later and later", async () => {
  let tries = 0;
  follow(async () => {
    tries += 1;
    return new Response(null, { status: 503 });
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tries).toBeGreaterThan(3);
  expect(tries).toBeLessThan(8);
});

test("two wishes for news at the same time are one question", async () => {
  follow(async () => gone());
  await Promise.all([live.refresh(), live.refresh()]);
  expect(polls).toBe(1);
});

test("after stop nothing is asked any more", async () => {
  follow(async () => gone());
  await vi.advanceTimersByTimeAsync(0);
  live.stop();
  await vi.advanceTimersByTimeAsync(10 * POLL_MS);
  expect(polls).toBe(1);
});

test("a stream that says that its time is over is opened again at once; one that had no time is not", async () => {
  const opened: ReturnType<typeof stream>[] = [];
  const taken: string[] = [];
  follow(async () => { opened.push(stream()); return opened.at(-1)!.answer; }, (event) => taken.push(event.type));
  await vi.advanceTimersByTimeAsync(0);
  const before = polls;
  opened[0]!.send("event: stats\ndata: {}\n\n");
  await vi.advanceTimersByTimeAsync(6_000);
  opened[0]!.send('event: end\ndata: {"reason": "time"}\n\n');
  await vi.advanceTimersByTimeAsync(1);
  expect([opened.length, polls, taken]).toEqual([2, before, ["stats"]]);
  opened[1]!.send('event: end\ndata: {"reason": "time"}\n\n');
  await vi.advanceTimersByTimeAsync(400);
  expect(opened.length).toBe(2);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(opened.length).toBe(3);
});
