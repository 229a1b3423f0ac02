/** Parts of the page that are files of their own, loaded when they are needed. */

const AGAIN_MS = 3_000;

/** What `load` imports; asked for again until the network gives it. Never rejects. */
export async function untilLoaded<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
