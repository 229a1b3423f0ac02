// @vitest-environment happy-dom
import { render } from "lit";
import { expect, test } from "vitest";
import type { Card } from "../../src/api/schema";
import { troublesView } from "../../src/card/troubles";

const ADVICE = { code: "internal_fault", title: "Our fault", explanation: "It rests.", steps: ["Wait."], link: null };
const QUIET = { fault: null, backoff: null, problems: [] };

function shown(troubles: object): HTMLElement {
  const place = document.createElement("div");
  render(troublesView({ ...QUIET, ...troubles } as unknown as Card, ""), place);
  return place;
}

test("a connection without troubles shows nothing", () => {
  expect(shown({}).textContent?.trim()).toBe("");
});

test("a fault says what it is and when it is tried again", () => {
  const place = shown({ fault: { advice: ADVICE, until: "2026-11-29T10:00:00Z" } });
  expect(place.querySelector("[data-fault=internal_fault]")?.textContent).toMatch(/Our fault[\s\S]+Tried again Nov 29, 2026/);
});

test.each([
  ["concurrency", "Your org has too many long calls at once."],
  ["SERVER_UNAVAILABLE", "Salesforce asked us to wait."],
])("an org that is left alone says why: %s", (code, text) => {
  expect(shown({ backoff: { code, until: "2026-11-29T10:00:00Z" } }).textContent).toContain(text);
});

test("each problem of the connected user is shown with its advice", () => {
  const problems = ["email_not_searchable", "marketing_user_missing"].map((code) => ({ code, object: null, field: null, since: "2026-11-29T10:00:00Z", advice: ADVICE }));
  expect([...shown({ problems }).querySelectorAll("[data-problem]")].map((each) => each.getAttribute("data-problem"))).toEqual(["email_not_searchable", "marketing_user_missing"]);
});
