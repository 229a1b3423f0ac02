// @vitest-environment happy-dom
/** Operations: addresses that carry a filter, and charts with words for those who do not see them. */

import { render } from "lit";
import { beforeAll, expect, test, vi } from "vitest";
import type { Flow } from "../../src/api/schema";
import { busiest, chartText, chartView, heights, sumsOf } from "../../src/console/ops-chart";
import { told } from "../../src/console/ops-list";
import { breakable, tableView } from "../../src/console/ops-parts";
import { filterOf, opsAddress, queryOf } from "../../src/console/ops-place";
import { placeOf } from "../../src/console/place";
import { load, speak } from "../../src/texts";

const FLOW: Flow = { begins_at: "2026-11-29T10:00:00Z", step_seconds: 1800, received: [0, 40, 12], synced: [0, 38, 11], failed: [0, 2, 0] };

beforeAll(async () => {
  await load("en");
  speak("en");
});

test("a filter survives its address, whatever is in it", () => {
  const filter = { host_id: "host a/b", error_code: "X&Y=Z" };
  const place = placeOf(opsAddress("rows", filter), "");
  expect([place.isOperations, place.page, filterOf(place.itemId)]).toEqual([true, "rows", filter]);
});

test("what is empty is no filter", () => {
  expect(queryOf({ host_id: "", state: "failed" })).toBe("state=failed");
  expect(opsAddress("rows", { host_id: "" })).toBe("#/operations/rows");
  expect(filterOf(null)).toEqual({});
});

test("a failure among thousands still shows, and nothing is nothing", () => {
  expect(heights([0, 1, 5_000], 5_000)).toEqual([0, 3, 24]);
  expect(heights([0, 0], 0)).toEqual([0, 0]);
});

test("the figures of a chart are told in words", () => {
  expect(sumsOf(FLOW)).toEqual({ received: 52, synced: 49, failed: 2 });
  expect(busiest(FLOW.received)).toBe(1);
  expect(chartText(FLOW, "The last 24 hours")).toMatch(/^The last 24 hours: 52 came in, 49 were written, 2 failed\. Most came in around .+: 40\.$/);
  expect(chartText({ ...FLOW, received: [0, 0, 0] }, "P")).not.toContain("Most");
});

test("a chart is a picture with a name, and marks each failure", () => {
  const place = document.createElement("div");
  render(chartView(FLOW, "P"), place);
  const picture = place.querySelector("svg");
  expect([picture?.getAttribute("role"), picture?.getAttribute("aria-label")]).toEqual(["img", chartText(FLOW, "P")]);
  expect(place.querySelectorAll(".failed").length).toBe(1);
});

test("a long code breaks after its underscores alone", () => {
  const place = document.createElement("div");
  render(breakable("FIELD_CUSTOM_VALIDATION"), place);
  expect(place.innerHTML.replaceAll(/<!--.*?-->/g, "")).toBe("FIELD_<wbr>CUSTOM_<wbr>VALIDATION<wbr>");
});

test("the details of an entry are lines, not JSON", () => {
  expect(told({ filter: { state: "failed", ids: ["a", "b"] }, queued: 1, reason: null })).toEqual(["filter state: failed", "filter ids: a, b", "queued: 1", "reason: null"]);
});

test("each cell says its column, for when the table becomes cards", () => {
  const place = document.createElement("div");
  render(tableView("T", ["Org", ""], [["a", "b"]], "none"), place);
  expect([...place.querySelectorAll("td")].map((cell) => cell.dataset["name"])).toEqual(["Org", ""]);
  render(tableView("T", ["Org"], [], "none"), place);
  expect(place.textContent?.trim()).toBe("none");
});

test("figures age, and turn into a warning that is said once", async () => {
  vi.useFakeTimers({ now: new Date("2026-11-29T10:00:00Z") });
  const age = document.createElement("ops-age") as HTMLElement & { at: number; updateComplete: Promise<boolean> };
  age.at = Date.now();
  document.body.append(age);
  await age.updateComplete;
  expect(age.shadowRoot?.querySelector("[data-age=fresh]")?.textContent).toContain("0 s ago");
  vi.advanceTimersByTime(16_000);
  await age.updateComplete;
  expect(age.shadowRoot?.querySelector("[data-age=old]")?.textContent).toContain("16 s ago");
  expect(age.shadowRoot?.querySelector("[role=status]")?.textContent).toBe("Nothing was heard of the service for 15 s: what you see is old.");
  vi.advanceTimersByTime(1_000);
  await age.updateComplete;
  expect(age.shadowRoot?.querySelector("[role=status]")?.textContent).toContain("for 15 s");
  age.remove();
  vi.useRealTimers();
});
