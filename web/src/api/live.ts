/** Keeps a view current: by the live stream while that is up, else by asking gently; never while hidden. */

import { eventsOf, type StreamEvent } from "./events";

export const POLL_MS = 2_000;
/** The service says something every five seconds, be it that nothing happened. */
export const SILENCE_MS = 12_000;
const POLL_WITHIN_MS = 10_000;
const STREAM_AGAIN_MS = [1_000, 3_000, 10_000, 30_000];
const STREAM_ABSENT_MS = 300_000;
/** A stream that ended by its time is opened again at once, if it had any. */
const LIVED_MS = 5_000;

/** Whether the stream told of this type ("stats", "card", …) since a question went out: its answer may be older. */
export type HasTold = (type: string) => boolean;

export interface Source {
  /** Ask once for everything the view shows; whether there was an answer. Never rejects.
   *
   * What the stream told meanwhile stays: nothing may happen after it that would correct an older answer. */
  poll(hasTold: HasTold): Promise<boolean>;
  /** Open the stream; the answer may be any status. */
  open(lastEventId: string | null, signal: AbortSignal): Promise<Response>;
  /** One event of the stream. */
  take(event: StreamEvent): void;
  /** Called with null when the service is heard, with the time of its last word when it fell silent. */
  silent?(since: number | null): void;
  /** How long to wait after an answer before asking again; POLL_MS if not said. */
  readonly every?: number;
}

export class Live {
  private stopping: AbortController | null = null;
  private lastEventId: string | null = null;
  private failures = 0;
  private isStreaming = false;
  private polling: Promise<void> | null = null;
  private pollTimer: ReturnType<typeof setTimeout> | undefined;
  private streamTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  private heardAt: number | null = null;
  /** How often the stream told of each type. */
  private readonly told = new Map<string, number>();

  constructor(private readonly source: Source, private readonly page: Document = document) {}

  start(): void {
    this.page.addEventListener("visibilitychange", this.look);
    this.look();
  }

  stop(): void {
    this.page.removeEventListener("visibilitychange", this.look);
    this.rest();
  }

  /** Ask now, whatever is going on; two at once become one. */
  refresh(): Promise<void> {
    this.polling ??= this.poll().finally(() => {
      this.polling = null;
    });
    return this.polling;
  }

  /** A question that hangs is given up: the network may be half open. */
  private async poll(): Promise<void> {
    const before = new Map(this.told);
    const hasTold: HasTold = (type) => this.told.get(type) !== before.get(type);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const inTime = new Promise<boolean>((resolve) => { timer = setTimeout(() => resolve(false), POLL_WITHIN_MS); });
    const isAnswered = await Promise.race([this.source.poll(hasTold), inTime]);
    clearTimeout(timer);
    if (isAnswered) this.heard();
  }

  private readonly heard = (): void => {
    this.heardAt = Date.now();
    this.source.silent?.(null);
    this.listen();
  };

  private listen(): void {
    clearTimeout(this.silenceTimer);
    if (this.stopping !== null) this.silenceTimer = setTimeout(this.fallSilent, SILENCE_MS);
  }

  private readonly fallSilent = (): void => {
    if (this.heardAt !== null) this.source.silent?.(this.heardAt);
  };

  private readonly look = (): void => {
    this.rest();
    if (this.page.hidden) return;
    this.stopping = new AbortController();
    this.listen();
    void this.follow(this.stopping.signal);
    void this.pollOn(this.stopping.signal);
  };

  private rest(): void {
    this.stopping?.abort();
    this.stopping = null;
    this.isStreaming = false;
    clearTimeout(this.pollTimer);
    clearTimeout(this.streamTimer);
    clearTimeout(this.silenceTimer);
  }

  private async pollOn(signal: AbortSignal): Promise<void> {
    if (!this.isStreaming) await this.refresh();
    if (signal.aborted) return;
    this.pollTimer = setTimeout(() => void this.pollOn(signal), this.source.every ?? POLL_MS);
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const again = await this.read(signal);
    this.isStreaming = false;
    if (signal.aborted) return;
    this.streamTimer = setTimeout(() => void this.follow(signal), again);
  }

  /** Read the stream to its end; after how many milliseconds to try again.
   *
   * It counts from its first word: a proxy may hold it back, and the view asks on. One that says nothing for a
   * while may be cut somewhere on the way: it is given up, and another is opened. */
  private async read(signal: AbortSignal): Promise<number> {
    const reading = new AbortController();
    const stop = (): void => reading.abort();
    signal.addEventListener("abort", stop, { once: true });
    let silence = setTimeout(stop, SILENCE_MS);
    const heard = (): void => {
      clearTimeout(silence);
      if (reading.signal.aborted) return;
      silence = setTimeout(stop, SILENCE_MS);
      this.isStreaming = true;
      this.heard();
    };
    try {
      const answer = await this.source.open(this.lastEventId, reading.signal);
      const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
      if (!answer.ok || !isStream || answer.body === null) {
        return answer.status === 404 || answer.status === 405 ? STREAM_ABSENT_MS : this.later();
      }
      const openedAt = Date.now();
      for await (const event of eventsOf(answer.body, heard, reading.signal)) {
        if (event.type === "end") return Date.now() - openedAt >= LIVED_MS ? 0 : this.later();
        this.take(event);
      }
    } catch {
      // The network went away, or we stopped: either way the stream is over.
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", stop);
    }
    return this.later();
  }

  private take(event: StreamEvent): void {
    this.failures = 0;
    if (event.id !== null) this.lastEventId = event.id;
    if (event.data === "") return;
    this.told.set(event.type, (this.told.get(event.type) ?? 0) + 1);
    this.source.take(event);
  }

  private later(): number {
    const wait = STREAM_AGAIN_MS[Math.min(this.failures, STREAM_AGAIN_MS.length - 1)] ?? POLL_MS;
    this.failures += 1;
    return wait * (0.75 + Math.random() / 2);
  }
}
