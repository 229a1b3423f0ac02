import { expect, test } from "vitest";
import { eventsOf, type StreamEvent } from "../../src/api/events";

function bodyOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

async function read(...chunks: readonly string[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(bodyOf(...chunks))) events.push(event);
  return events;
}

test("an event is put together from its lines", async () => {
  expect(await read("id: 7\nevent: stats\ndata: {\"a\":\ndata: 1}\n\n")).toEqual([{ type: "stats", data: '{"a":\n1}', id: "7" }]);
});

test("an event that arrives in pieces is one event", async () => {
  expect(await read("event: ro", "w\ndata: {}", "\n", "\n")).toEqual([{ type: "row", data: "{}", id: null }]);
});

test("comments and the reconnection time are no events", async () => {
  expect(await read(": still here\n\n", "retry: 1000\n\n")).toEqual([]);
});

test("line ends may be those of any system", async () => {
  expect(await read("data: a\r\n\r\ndata: b\n\n")).toEqual([{ type: "message", data: "a", id: null }, { type: "message", data: "b", id: null }]);
});

test("an event that never ended is not delivered", async () => {
  expect(await read("data: half")).toEqual([]);
});
