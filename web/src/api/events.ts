/** Server-sent events out of a fetch answer: EventSource cannot carry a bearer token. */

export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string | null;
}

/** Every event of the body, in order, until it ends or is aborted; `heard` is called for comments, too.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>, heard: () => void = () => undefined, signal?: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  signal?.addEventListener("abort", () => void reader.cancel().catch(() => undefined), { once: true });
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      heard();
      text += decoder.decode(chunk.value, { stream: true });
      const blocks = text.split(/\r\n\r\n|\n\n|\r\r/);
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined); // whoever stops reading gives the connection back
  }
}

function eventOf(block: string): StreamEvent | null {
  let type = "message";
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === "event") type = value;
    else if (name === "id") id = value;
    else if (name === "data") data.push(value);
  }
  return data.length === 0 && id === null ? null : { type, data: data.join("\n"), id };
}
