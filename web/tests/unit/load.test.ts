import { afterEach, expect, test, vi } from "vitest";
import { untilLoaded } from "../../src/ui/load";

afterEach(() => vi.useRealTimers());

test("a file that the network did not give is asked for again", async () => {
  vi.useFakeTimers();
  const answers = [Promise.reject(new TypeError("offline")), Promise.resolve("words")];
  const load = vi.fn(() => answers.shift() as Promise<string>);
  const loading = untilLoaded(load);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(load).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await loading).toBe("words");
});
