// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { named } from "../../src/texts";
import { safeUrl } from "../../src/ui/views";

test.each([
  ["https://acme.lightning.force.com/lightning/r/Lead/00Q/view", true],
  ["http://127.0.0.1:8100/00Q", true],
  ["/docs/errors", true],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  [null, false],
])("only web addresses become links: %s", (url, isLink) => {
  expect(safeUrl(url) !== null).toBe(isLink);
});

test("a value that is not known yet has a name, too", () => {
  expect(named({ linked: "Linked" }, "reviewing", "Unknown")).toBe("Unknown");
  expect(named({ linked: "Linked" }, "toString", "Unknown")).toBe("Unknown");
});
