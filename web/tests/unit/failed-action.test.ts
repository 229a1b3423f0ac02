// @vitest-environment happy-dom
import { html, render } from "lit";
import { afterEach, expect, test, vi } from "vitest";
import { ApiProblem } from "../../src/api/client";
import { define, EventshipElement } from "../../src/ui/element";
import { failedActionView, problemView } from "../../src/ui/views";

class Deeds extends EventshipElement {
  override getToken = (): string => "token";
  done = 0;

  pause(): Promise<boolean> {
    return this.perform("Not paused.", async () => {
      await this.api.call("POST", "/pause");
      this.done += 1;
    });
  }

  look(): Promise<unknown> {
    return this.api.call("GET", "/stats");
  }

  get said(): HTMLElement {
    const place = document.createElement("div");
    render(html`${failedActionView(this.failedAction)}`, place);
    return place;
  }
}

define("test-deeds", Deeds);
afterEach(() => vi.unstubAllGlobals());

const offline = (): void => { vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline"))); };
const online = (): void => { vi.stubGlobal("fetch", () => Promise.resolve(new Response("{}", { headers: { "content-type": "application/json" } }))); };

test("an action without network says that it was not done, and does it when it is tried again", async () => {
  const deeds = new Deeds();
  offline();
  expect(await deeds.pause()).toBe(false);
  expect(deeds.said.textContent).toContain("Not paused.");
  expect(deeds.said.textContent).not.toContain("by itself");
  online();
  deeds.said.querySelector("button")?.click();
  await vi.waitFor(() => expect(deeds.done).toBe(1));
  expect(deeds.said.textContent?.trim()).toBe("");
});

test("it is said no more once the service is reached again", async () => {
  const deeds = new Deeds();
  offline();
  await deeds.pause();
  online();
  await deeds.look();
  expect([deeds.said.textContent?.trim(), deeds.done]).toEqual(["", 0]);
});

test("what a person asked for is not said to go on by itself", () => {
  const body = { type: "about:blank", title: "", status: 0, detail: null, code: "Unreachable", reason: null, advice: null, salesforce: null, request_id: "", errors: null };
  const said = [true, false].map((isAction) => {
    const place = document.createElement("div");
    render(html`${problemView(new ApiProblem(body), { isAction })}`, place);
    return place.textContent ?? "";
  });
  expect(said[0]).toContain("This was not done.");
  expect(said[0]).not.toContain("by itself");
  expect(said[1]).toContain("by itself");
});
